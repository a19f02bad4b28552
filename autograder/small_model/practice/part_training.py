"""What is trained, each as a Keras model whose output is the loss of every picture in the batch.

Pictures, noise and times are made inside the step, on the machine that trains: a batch that comes in is a few numbers
a picture. Keras' own `fit` does the rest, so the same code trains with TensorFlow, JAX and PyTorch.

Shapes: B batch, H W C sides and channels of a latent.
"""

import keras
import numpy as np
from keras import ops

from autograder.small_model.ddim import TIMESTEPS, alpha_bars, timestep_embedding
from autograder.small_model.networks import SMALL
from autograder.small_model.practice.shape_pictures import lay_out, render
from autograder.small_model.practice.shapes import (
    BACKGROUNDS,
    OBJECT_COLOURS,
    PLACES,
    PLACES_OF,
    SHAPES,
    captions,
    draw_scenes,
)
from autograder.small_model.practice.shapes import tokenize as words_of

LATENT_NOISE = 0.1  # added to latents while the decoder learns, so that small errors of the UNet do not show
LATENT_PENALTY = 1e-3  # keeps latents from growing out of that noise's reach
PICTURE_NOISE = 0.08  # added to the judge's pictures, so that it does not hang on exact colours
CAPTION_DROPOUT = 0.1  # share of pictures trained without a prompt, for classifier-free guidance
LAYOUT = ("background", "colour", "shape", "centre", "radius")


def labels_of(scenes):
    """What the judge should read in pictures of these scenes: int32 arrays `colour`, `shape` `(B, 5)`, `background`."""
    rows = np.arange(len(scenes))
    colour = np.full((len(scenes), len(PLACES)), len(OBJECT_COLOURS), "int32")
    shape = np.full((len(scenes), len(PLACES)), len(SHAPES), "int32")
    for i in (1, 0):  # the first object last: a single one has only that
        place = PLACES_OF[scenes.relations, i]
        colour[rows, place], shape[rows, place] = scenes.colours[:, i], scenes.shapes[:, i]
    return {"colour": colour, "shape": shape, "background": scenes.backgrounds.astype("int32")}


class Batches(keras.utils.PyDataset):
    """Batches `first` to `first + count - 1` of an endless series; batch i depends on `seed` and i alone.

    Args:
        seed: list of ints.
        first, count: which batches.
        batch_size: pictures in a batch.
        kind: which scenes, see `captions.draw_scenes`.
    """

    def __init__(self, seed, first, count, batch_size, kind):
        super().__init__()
        self.seed, self.first, self.count = list(seed), first, count
        self.batch_size, self.kind = batch_size, kind

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        rng = np.random.default_rng([*self.seed, self.first + index])
        scenes = draw_scenes(rng, self.batch_size, self.kind)
        labels = {f"{name}_label": label for name, label in labels_of(scenes).items()}
        batch = lay_out(rng, scenes) | labels | {"tokens": words_of(captions(scenes))}
        return batch, np.zeros(self.batch_size, "float32")


class PictureTraining(keras.Model):
    """Base: renders the batch and hands the pictures to `errors`."""

    def __init__(self, seed, name):
        super().__init__(name=name, dtype="float32")  # pixel positions need more digits than bfloat16 has
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, batch):
        return self.errors(render({name: batch[name] for name in LAYOUT}), batch)  # (B,)

    def compute_output_shape(self, input_shape):
        return (None,)

    def noise(self, shape):
        return keras.random.normal(shape, seed=self.seed_generator)


class AutoencoderTraining(PictureTraining):
    """Encoder and decoder: the squared error of the picture that comes back from a slightly noisy latent."""

    def __init__(self, encoder, decoder, seed=0):
        super().__init__(seed, "autoencoder_training")
        self.encoder, self.decoder = encoder, decoder

    def errors(self, pictures, batch):
        latent = self.encoder(pictures)
        back = self.decoder(latent + LATENT_NOISE * self.noise(ops.shape(latent)))
        error = ops.mean(ops.square(back - pictures) + 0.1 * ops.abs(back - pictures), axis=(1, 2, 3))
        return error + LATENT_PENALTY * ops.mean(ops.square(latent), axis=(1, 2, 3))


class JudgeTraining(PictureTraining):
    """The judge: cross-entropy of colour and shape at each place, and of the background."""

    def __init__(self, judge, seed=0):
        super().__init__(seed, "judge_training")
        self.judge = judge

    def errors(self, pictures, batch):
        logits = self.judge(pictures + PICTURE_NOISE * self.noise(ops.shape(pictures)))
        sizes = {"colour": len(OBJECT_COLOURS) + 1, "shape": len(SHAPES) + 1, "background": len(BACKGROUNDS)}
        total = 0.0
        for name, size in sizes.items():
            truth = ops.one_hot(batch[f"{name}_label"], size)
            error = -ops.sum(truth * ops.log_softmax(logits[name]), axis=-1)  # (B, 5) or (B,)
            total = total + (ops.mean(error, axis=1) if name != "background" else error)
        return total


class DiffusionTraining(PictureTraining):
    """UNet and words: the squared error of v at a random time, pictures encoded to latents of variance 1.

    The times of a batch are spread evenly over the schedule, with one random shift.
    """

    def __init__(self, unet, words, encoder, seed=0):
        super().__init__(seed, "diffusion_training")
        encoder.trainable = False
        self.unet, self.words, self.encoder = unet, words, encoder
        channels = (SMALL.latent_channels,)
        self.latent_mean = self.add_weight(shape=channels, initializer="zeros", trainable=False, name="latent_mean")
        self.latent_std = self.add_weight(shape=channels, initializer="ones", trainable=False, name="latent_std")

    def measure_latents(self, batch):
        """Sets the mean and the standard deviation that latents are normalised with, from one large batch."""
        latents = ops.convert_to_numpy(self.encoder(render({name: batch[name] for name in LAYOUT})))
        self.latent_mean.assign(latents.mean(axis=(0, 1, 2)))
        self.latent_std.assign(latents.std(axis=(0, 1, 2)))

    def errors(self, pictures, batch):
        clean = (ops.stop_gradient(self.encoder(pictures)) - self.latent_mean) / self.latent_std
        shift = keras.random.uniform((1,), seed=self.seed_generator)
        ones = ops.ones_like(batch["radius"][:, 0])
        time = (ops.cumsum(ones) / ops.sum(ones) + shift) % 1.0
        timesteps = ops.cast(ops.floor(time * TIMESTEPS), "int32")
        share = ops.take(ops.convert_to_tensor(alpha_bars().astype("float32")), timesteps)[:, None, None, None]
        eps = self.noise(ops.shape(clean))
        noisy = ops.sqrt(share) * clean + ops.sqrt(1 - share) * eps  # (B, H, W, C)
        wanted = ops.sqrt(share) * eps - ops.sqrt(1 - share) * clean
        dropped = keras.random.uniform(ops.shape(batch["tokens"][:, :1]), seed=self.seed_generator) < CAPTION_DROPOUT
        context = self.words(ops.where(dropped, 0, batch["tokens"]))
        embedding = timestep_embedding(timesteps, SMALL.channels[0])
        v = ops.cast(self.unet([noisy, embedding, context]), "float32")
        return ops.mean(ops.square(v - wanted), axis=(1, 2, 3))
