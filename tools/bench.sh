#!/bin/sh
# Times the reference against KerasCV and diffusers, each in an environment of its own that is made when it is missing.
# Arguments go to `autograder bench`, for example: make bench BENCH_ARGS="--size tiny"
set -eu
cd "$(dirname "$0")/.."
make_environment() {  # FOLDER PACKAGE...
    folder=$1; shift
    [ -e "$folder/.made" ] && return
    python3 -m venv "$folder"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    touch "$folder/.made"
}
make_environment .venv-keras-cv keras-cv==0.9.0 keras==3.15.1 tensorflow==2.21.0
make_environment .venv-diffusers torch==2.13.0 diffusers==0.42.1 transformers accelerate
mkdir -p _build
exec .venv/bin/autograder bench --json _build/bench.json \
    --keras-cv-python .venv-keras-cv/bin/python --diffusers-python .venv-diffusers/bin/python "$@"
