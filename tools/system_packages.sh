#!/bin/sh
# Installs the given Debian packages where apt and the rights are there; says plainly what stays off otherwise.
# Under CI=true a missing package is a failure.
set -u
there() { # whether one of these programs is
    for program in "$@"; do command -v "$program" >/dev/null 2>&1 && return; done
    return 1
}
missing=""
for package in "$@"; do
    case "$package" in
        bubblewrap) there bwrap ;;
        chromium) there chromium chromium-browser google-chrome ;;
        postgresql) there initdb /usr/lib/postgresql/*/bin/initdb ;;
        *) there "$package" ;;
    esac || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
case "$missing" in
*postgresql*) # for tests, which start a server of their own: none is to run from now on
    if [ "$(id -u)" = 0 ] && mkdir -p /etc/postgresql-common; then
        settings=/etc/postgresql-common/createcluster.conf
        [ -e "$settings" ] || echo "create_main_cluster = false" >"$settings"
    fi ;;
esac
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    # shellcheck disable=SC2086  # a list of words
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null && exit 0
fi
for package in $missing; do
    case "$package" in
        bubblewrap) echo "bubblewrap is not installed: grading cannot isolate submissions." ;;
        chromium) echo "chromium is not installed: the browser tests of the site are skipped." ;;
        postgresql) echo "postgresql is not installed: the tests of a gradebook on a server are skipped." ;;
        *) echo "$package is not installed." ;;
    esac
done
echo "As root on Debian or Ubuntu: apt-get install$missing"
[ "${CI:-}" = true ] && exit 1
exit 0
