"""Trains the model of scenes: `python -m autograder.small_model.scenes.train_scenes --out FOLDER`. Run it again to go
on after a stop.

Three stages: autoencoder, judge, diffusion. Each writes its state to the folder every five minutes and at its end; a
stage that is finished is loaded. The diffusion learns from latents that are painted and encoded once and kept in files.
"""

import argparse
import sys

from safetensors.numpy import load_file

from autograder.reference import DiffusionModelV2
from autograder.small_model.scenes.language import MAX_TEXT_LENGTH
from autograder.small_model.scenes.scene_batches import LatentBatches, LatentShards, PictureBatches
from autograder.small_model.scenes.scene_losses import AutoencoderTraining, DiffusionTraining, JudgeTraining
from autograder.small_model.scenes.scene_networks import (
    AUTOENCODER,
    JUDGE,
    SMALL,
    build_decoder,
    build_encoder,
    build_judge,
    build_text_encoder,
)
from autograder.small_model.scenes.scene_painting import SIDE
from autograder.small_model.training_run import WEIGHTS, Run, add_options, precision, ship

SHARDS = 96  # of latents: some 197,000 pictures, each painted and encoded once
COMMAND = "autograder.small_model.scenes.train_scenes"
STAGES = {  # batch size, steps and learning rate; the diffusion's are options
    "autoencoder": (16, 8000, 1.5e-3),
    "judge": (32, 3000, 1.5e-3),
    "diffusion": (32, 60000, 7e-4),
}


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(prog=f"python -m {COMMAND}", description=__doc__)
    add_options(parser, STAGES["diffusion"])
    parser.add_argument("--shards", type=int, default=SHARDS, help="files of latents that it learns from")
    return parser.parse_args(arguments)


def build_unet():
    """The reference UNet in the small config, with random weights."""
    return DiffusionModelV2(SIDE, SIDE, MAX_TEXT_LENGTH, name="unet", download_weights=False, config=SMALL)


def main(arguments=None):
    return Run(parse_arguments(arguments), STAGES, COMMAND).do(train_all)


def train_all(run):
    """The three stages, one after the other. Returns whether all are finished."""
    options = run.options
    with precision(options.bfloat16):
        encoder, decoder, judge = build_encoder(), build_decoder(), build_judge()
        unet, text_encoder = build_unet(), build_text_encoder()

    def pictures(stage, **which):
        return lambda first, count: PictureBatches([*run.seed(stage), 0], first, count, run.settings(stage)[0], **which)

    autoencoder = AutoencoderTraining(encoder, decoder, options.seed)
    coding = {"encoder": encoder, "decoder": decoder}
    finished = run.train("autoencoder", autoencoder, pictures("autoencoder"), parts=coding, averaged=False)
    if finished:
        judging = JudgeTraining(judge, options.seed)
        labelled = pictures("judge", kind="all", labelled=True)
        finished = run.train("judge", judging, labelled, parts={"judge": judge}, averaged=False)
    if finished:
        shards = LatentShards(run.out / "latents", encoder, [*run.seed("diffusion"), 0], options.shards)
        diffusion = DiffusionTraining(unet, text_encoder, options.seed)

        def latents(first, count):
            return LatentBatches(shards, first, count, options.batch)

        measured = {"latent_mean": diffusion.latent_mean, "latent_std": diffusion.latent_std}

        def measure():
            if options.begin_with is None:
                diffusion.measure(shards[0]["latent"])
            else:  # as they were when the UNet learned
                arrays = load_file(options.begin_with / WEIGHTS)
                for name, variable in measured.items():
                    variable.assign(arrays[name])

        learning = {"unet": unet, "text_encoder": text_encoder}
        finished = run.train("diffusion", diffusion, latents, prepare=measure, parts=learning)
        ship(run, measured, {WEIGHTS: learning, AUTOENCODER: coding, JUDGE: {"judge": judge}})
    return finished


if __name__ == "__main__":
    sys.exit(main())
