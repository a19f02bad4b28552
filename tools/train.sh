#!/bin/sh
# Trains a small model on PyTorch, in an environment of its own: `sh tools/train.sh MODULE FOLDER [ARGUMENT...]` runs the
# module, which writes into the folder. Run it again to go on after a stop. Arguments go to the module, for example:
# make train TRAIN_ARGS="--minutes 30"
set -eu
cd "$(dirname "$0")/.."
. tools/environment.sh
make_environment .venv-train torch==2.13.0 keras==3.15.1 numpy safetensors
export KERAS_BACKEND=torch PYTHONPATH="$PWD"
module=$1 folder=$2
shift 2
exec .venv-train/bin/python -m "$module" --out "$folder" "$@"
