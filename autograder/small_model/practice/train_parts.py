"""Trains the small model: `python -m autograder.small_model.train --out FOLDER`. Run it again to go on after a stop.

Three stages: autoencoder, judge, diffusion. Each writes its state to the folder every five minutes and at its end;
a stage that is finished is loaded. Any Keras backend will do. On a CPU choose PyTorch (`KERAS_BACKEND=torch`), which
starts at once where TensorFlow traces the step for minutes, and `--bfloat16` if the processor computes in it.
"""

import argparse
import sys

from autograder.reference import DiffusionModelV2
from autograder.small_model.networks import SMALL, WordEmbedding, build_decoder, build_encoder, build_judge
from autograder.small_model.practice.shape_pictures import SIDE
from autograder.small_model.practice.shapes import MAX_TEXT_LENGTH
from autograder.small_model.training import AutoencoderTraining, Batches, DiffusionTraining, JudgeTraining
from autograder.small_model.training_run import Run, add_options, precision, ship

COMMAND = "autograder.small_model.train"
STAGES = {  # batch size, steps and learning rate; the diffusion's are options
    "autoencoder": (32, 2500, 1.5e-3),
    "judge": (64, 2000, 1e-3),
    "diffusion": (64, 20000, 6e-4),
}


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(prog=f"python -m {COMMAND}", description=__doc__)
    add_options(parser, STAGES["diffusion"])
    return parser.parse_args(arguments)


def build_unet(bfloat16=False):
    """The reference UNet in the small config, with random weights."""
    with precision(bfloat16):
        return DiffusionModelV2(SIDE, SIDE, MAX_TEXT_LENGTH, name="unet", download_weights=False, config=SMALL)


def main(arguments=None):
    return Run(parse_arguments(arguments), STAGES, COMMAND).do(train_all)


def train_all(run):
    """The three stages, one after the other. Returns whether all are finished."""
    options = run.options
    encoder, decoder, judge = build_encoder(), build_decoder(), build_judge()
    unet, words = build_unet(options.bfloat16), WordEmbedding(name="words")
    words.build((None, MAX_TEXT_LENGTH))

    def batches(stage, kind):
        return lambda first, count: Batches([*run.seed(stage), 0], first, count, run.settings(stage)[0], kind)

    autoencoder = AutoencoderTraining(encoder, decoder, options.seed)
    finished = run.train("autoencoder", autoencoder, batches("autoencoder", "training"))
    if finished:
        judging = JudgeTraining(judge, options.seed)
        finished = run.train("judge", judging, batches("judge", "all"))
    if finished:
        diffusion = DiffusionTraining(unet, words, encoder, options.seed)

        def measure():
            diffusion.measure_latents(Batches([*run.seed("diffusion"), 1], 0, 1, 1024, "training")[0][0])

        finished = run.train("diffusion", diffusion, batches("diffusion", "training"), prepare=measure)
        measured = {"latent_mean": diffusion.latent_mean, "latent_std": diffusion.latent_std}
        parts = {"unet": unet, "words": words, "encoder": encoder, "decoder": decoder}
        ship(run, measured, {"weights.safetensors": parts, "judge.safetensors": {"judge": judge}})
    return finished


if __name__ == "__main__":
    sys.exit(main())
