"""Trains the autoencoder of shapes: `python -m autograder.small_model.practice.train_autoencoder --out FOLDER`.

It writes `parts.safetensors` there, which belongs beside this file: five minutes on a CPU. The parts that are shipped
were trained so, on pictures of one shape and of two.
"""

import argparse
import sys
from pathlib import Path

import keras
import numpy as np
from keras import ops

from autograder.small_model.checkpoints import named_weights, write_arrays
from autograder.small_model.losses import LATENT_NOISE, Training
from autograder.small_model.practice.shape_autoencoder import COMMAND, PARTS, build_decoder, build_encoder
from autograder.small_model.practice.shapes import draw_scenes, paint_shapes
from autograder.small_model.training_run import make_optimizer, mean_loss

STEPS, BATCH, RATE = 2500, 32, 1.5e-3
LATENT_PENALTY = 1e-3  # keeps latents from growing out of the noise's reach
MEASURED = 1024  # pictures whose latents say how to bring others to variance 1


class PaintedShapes(keras.utils.PyDataset):
    """`length` batches of painted scenes; batch i depends on `seed` and i alone."""

    def __init__(self, length, seed, batch_size=BATCH):
        super().__init__()
        self.length, self.seed, self.batch_size = length, list(seed), batch_size

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        rng = np.random.default_rng([*self.seed, index])
        pictures = paint_shapes(rng, draw_scenes(rng, self.batch_size))
        return {"picture": pictures}, np.zeros(self.batch_size, "float32")


class ShapeTraining(Training):
    """Encoder and decoder: the error of the picture that comes back from a slightly noisy latent."""

    def __init__(self, encoder, decoder, seed=0):
        super().__init__(seed, "shape_training")
        self.encoder, self.decoder = encoder, decoder

    def call(self, batch):
        latent = self.encoder(batch["picture"])
        off = self.decoder(latent + LATENT_NOISE * self.noise(ops.shape(latent))) - batch["picture"]
        error = ops.mean(ops.square(off) + 0.1 * ops.abs(off), axis=(1, 2, 3))
        return error + LATENT_PENALTY * ops.mean(ops.square(latent), axis=(1, 2, 3))


def train_autoencoder(steps=STEPS, seed=0):
    """Trains encoder and decoder.

    Returns:
        The arrays that are shipped, by name, and the mean loss of the last steps.
    """
    keras.utils.set_random_seed(seed)
    encoder, decoder = build_encoder(), build_decoder()
    training, length = ShapeTraining(encoder, decoder, seed), min(steps, 50)
    training.compile(make_optimizer(steps, RATE), loss=mean_loss, jit_compile=False)
    loss = float("nan")
    for epoch in range(-(-steps // length)):
        batches = PaintedShapes(length, [seed, epoch])
        loss = training.fit(batches, shuffle=False, verbose=0).history["loss"][0]
    rng = np.random.default_rng([seed, STEPS, 1])
    latents = ops.convert_to_numpy(encoder(paint_shapes(rng, draw_scenes(rng, MEASURED))))
    measured = {"latent_mean": latents.mean(axis=(0, 1, 2)), "latent_std": latents.std(axis=(0, 1, 2))}
    return measured | named_weights("encoder", encoder) | named_weights("decoder", decoder), loss


def main(arguments=None):
    parser = argparse.ArgumentParser(prog=f"python -m {COMMAND}", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("training"), help="folder to write into")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    arrays, loss = train_autoencoder(options.steps, options.seed)
    write_arrays(options.out / PARTS.name, arrays)
    print(f"The loss of the last steps is {loss:.4f}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
