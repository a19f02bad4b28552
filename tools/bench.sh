#!/bin/sh
# Times the reference against KerasCV and diffusers, each in an environment of its own that is made when it is missing.
# Arguments go to `autograder bench`, for example: make bench BENCH_ARGS="--runs 3"
set -eu
cd "$(dirname "$0")/.."
. tools/environment.sh
make_environment .venv-keras-cv keras-cv==0.9.0 keras==3.15.1 tensorflow==2.21.0
make_environment .venv-diffusers torch==2.13.0 diffusers==0.42.1 transformers accelerate
mkdir -p _build
exec .venv/bin/autograder bench --json _build/bench.json --python keras-cv=.venv-keras-cv/bin/python \
    --python diffusers=.venv-diffusers/bin/python "$@"
