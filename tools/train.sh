#!/bin/sh
# Trains the small drawing model on PyTorch, in an environment of its own, into the folder training/; run it again to go
# on after a stop. Arguments go to autograder.small_model.train, for example: make train TRAIN_ARGS="--minutes 30"
set -eu
cd "$(dirname "$0")/.."
. tools/environment.sh
make_environment .venv-train torch==2.13.0 keras==3.15.1 numpy safetensors
export KERAS_BACKEND=torch PYTHONPATH="$PWD"
exec .venv-train/bin/python -m autograder.small_model.train --out training "$@"
