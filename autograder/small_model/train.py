"""Trains the small model: `python -m autograder.small_model.train --out FOLDER`. Run it again to go on after a stop.

Four stages: autoencoder, judge, words (the text encoder alone), diffusion. Each writes its state to the folder every
five minutes and at its end; a stage that is finished is loaded. Words and diffusion learn from latents and labels that
are painted and encoded once and kept in files.
"""

import argparse
import sys

from safetensors.numpy import load_file

from autograder.reference import DiffusionModelV2
from autograder.small_model.batches import LatentBatches, LatentShards, PictureBatches
from autograder.small_model.language import MAX_TEXT_LENGTH
from autograder.small_model.losses import AutoencoderTraining, DiffusionTraining, JudgeTraining, WordsTraining
from autograder.small_model.model import AUTOENCODER, JUDGE
from autograder.small_model.networks import (
    SMALL,
    build_decoder,
    build_encoder,
    build_judge,
    build_text_encoder,
)
from autograder.small_model.painting import SIDE
from autograder.small_model.team import ALONE, run_team
from autograder.small_model.training_run import WEIGHTS, Run, add_options, precision, ship

SHARDS = 96  # of latents: some 197,000 pictures, each painted and encoded once
COMMAND = "autograder.small_model.train"
STAGES = {  # batch size, steps and learning rate; the diffusion's are options
    "autoencoder": (16, 8000, 1.5e-3),
    "judge": (32, 3000, 1.5e-3),
    "words": (64, 3000, 1e-3),
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


def main(arguments=None, team=None):
    options = parse_arguments(arguments)
    if team is None and options.processes > 1:
        return run_team(main, arguments, options.processes)
    return Run(options, STAGES, COMMAND, team or ALONE).do(train_all)


def train_all(run):
    """The stages, one after the other. What they have made is written for the package. Returns whether all are
    finished."""
    with precision(run.options.bfloat16):
        encoder, decoder, judge = build_encoder(), build_decoder(), build_judge()
        unet, text_encoder = build_unet(), build_text_encoder()
    coding, judging = {"encoder": encoder, "decoder": decoder}, {"judge": judge}
    drawing = {"unet": unet, "text_encoder": text_encoder}

    def pictures(stage, **which):
        return lambda first, count: PictureBatches([*run.seed(stage), 0], first, count, run.settings(stage)[0], **which)

    training = AutoencoderTraining(encoder, decoder, run.options.seed)
    finished = run.train("autoencoder", training, pictures("autoencoder"), parts=coding, averaged=False)
    if finished:
        training = JudgeTraining(judge, run.options.seed)
        labelled = pictures("judge", kind="all", labelled=True)
        finished = run.train("judge", training, labelled, parts=judging, averaged=False)
    shards = LatentShards(run.out / "latents", encoder, [*run.seed("diffusion"), 0], run.options.shards)
    if finished:
        training = WordsTraining(text_encoder, run.options.seed)
        finished = run.train("words", training, _latents(run, shards, "words"), parts={"text_encoder": text_encoder})
    statistics = {}
    if finished:
        training = DiffusionTraining(unet, text_encoder, run.options.seed)
        statistics = {"latent_mean": training.latent_mean, "latent_std": training.latent_std}
        finished = _train_diffusion(run, training, shards, drawing, statistics)
    made = {"autoencoder": (AUTOENCODER, coding), "judge": (JUDGE, judging), "diffusion": (WEIGHTS, drawing)}
    ship(run, statistics, dict(made[stage] for stage in made if run.steps.get(stage)))
    return finished


def _latents(run, shards, stage):
    return lambda first, count: LatentBatches(shards, first, count, run.settings(stage)[0], run.team.size)


def _train_diffusion(run, training, shards, drawing, statistics):
    def measure():
        earlier = run.options.begin_with and run.options.begin_with / WEIGHTS
        if earlier and earlier.exists():  # as they were when the UNet learned
            arrays = load_file(earlier)
            for name, variable in statistics.items():
                variable.assign(arrays[name])
        else:
            training.measure(shards[0]["latent"])

    return run.train("diffusion", training, _latents(run, shards, "diffusion"), prepare=measure, parts=drawing)


if __name__ == "__main__":
    sys.exit(main())
