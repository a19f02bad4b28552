# To be sourced: `make_environment FOLDER PACKAGE...` makes a virtual environment with these packages, once.
make_environment() {
    folder=$1; shift
    [ -e "$folder/.made" ] && return
    "${PYTHON:-python3}" -m venv "$folder"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    touch "$folder/.made"
}
