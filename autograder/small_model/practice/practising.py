"""A UNet so small that it learns to draw while one waits, and the world that it learns from: one shape on a ground.

Two levels of the reference's blocks, on latents of 8x8 pixels. Words are read, and latents made and decoded, by parts
that it does not learn, see `shape_autoencoder`.

Shapes: B batch, H W C sides and channels of a latent, T words of a prompt, F features of a word.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from autograder.reference import PaddedConv2D, ResBlock, SpatialTransformer, Upsample, timestep_embedding
from autograder.reference import sample as reference_sample
from autograder.small_model.ddim import alpha_bars, ddim_timesteps, initial_noise, timesteps_of
from autograder.small_model.practice.shape_autoencoder import (
    LATENT_CHANNELS,
    LATENT_SIDE,
    decode,
    encode_pictures,
    encode_prompts,
)
from autograder.small_model.practice.shapes import captions, draw_scenes, paint_shapes

WIDTH = 64  # with fewer channels than groups times two the time would be lost, see the course's page on numerics
PICTURES = 2048  # that it learns from
BATCH, RATE = 32, 2e-3
REPORTED = 50  # steps whose losses are averaged
HEAD_SIZE, EPSILON = 32, 1e-5  # of its attention, and of its last norm
GUIDANCE, STEPS = 3.0, 12  # of its drawings
PROMPTS = (
    "a red circle on black",
    "a green square on white",
    "a blue cross on gray",
    "a yellow circle on blue",
    "a white triangle on black",
    "a purple cross on white",
)


@dataclass(frozen=True)
class World:
    """What does not change from step to step, but for the network's weights.

    Args:
        unet: Keras model of `[latent, embedding, context]` that answers v.
        alpha_bars: the share of signal at each timestep, tensor `(1000,)`.
        unconditional: the empty prompt, tensor `(1, T, F)`.
    """

    unet: keras.Model
    alpha_bars: Any
    unconditional: Any

    def embed(self, timesteps):
        """Embeddings `(B, width)` of timesteps `(B,)`."""
        return timestep_embedding(timesteps, self.unet.inputs[1].shape[-1])


def make_world(seed=0, width=WIDTH):
    """A world whose network has random weights, drawn from `seed`."""
    keras.utils.set_random_seed(seed)
    shares = ops.convert_to_tensor(alpha_bars().astype("float32"))
    return World(build_unet(width), shares, ops.convert_to_tensor(encode_prompts([""])))


def build_unet(width=WIDTH):
    """The practice UNet, with random weights: down from 8x8 to 4x4 pixels and up again, one skip between.

    Args:
        width: channels of every feature map and features of an embedding, a multiple of 32.
    """
    words = encode_prompts([""]).shape[1:]
    latent = keras.Input((LATENT_SIDE, LATENT_SIDE, LATENT_CHANNELS), name="latent")
    embedding, context = keras.Input((width,), name="timestep_embedding"), keras.Input(words, name="context")
    t = keras.layers.Dense(4 * width)(keras.layers.Dense(4 * width, activation="swish")(embedding))

    def attend(x):
        return SpatialTransformer(width // HEAD_SIZE, HEAD_SIZE)([x, context])

    x = PaddedConv2D(width, 3, padding=1)(latent)
    x = skip = attend(ResBlock(width)([x, t]))
    x = PaddedConv2D(width, 3, padding=1, strides=2)(x)  # H, W halve
    x = attend(ResBlock(width)([x, t]))
    x = Upsample(width)(ResBlock(width)([x, t]))  # H, W double
    x = attend(ResBlock(width)([ops.concatenate([x, skip], axis=-1), t]))
    x = ops.silu(keras.layers.GroupNormalization(epsilon=EPSILON)(x))
    v = PaddedConv2D(LATENT_CHANNELS, 3, padding=1)(x)
    return keras.Model([latent, embedding, context], v, name="practice_unet")


@functools.cache
def clean_latents(count=PICTURES, seed=0):
    """Latents of variance 1 of painted scenes `(count, 8, 8, 4)`, and their captions `(count, T, F)`."""
    rng = np.random.default_rng(seed)
    scenes = draw_scenes(rng, count)
    pictures = paint_shapes(rng, scenes)
    latents = [encode_pictures(pictures[i : i + 256]) for i in range(0, count, 256)]
    return np.concatenate(latents), encode_prompts(captions(scenes))


class Batches(keras.utils.PyDataset):
    """Batches of clean latents and contexts, drawn at random, `length` to an epoch and others in the next."""

    def __init__(self, length, seed=0):
        super().__init__()
        self.length, self.seed, self.epoch = length, seed, 0
        self.latents, self.contexts = clean_latents()

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        rows = np.random.default_rng([self.seed, self.epoch, index]).integers(len(self.latents), size=BATCH)
        return {"x0": self.latents[rows], "context": self.contexts[rows]}, np.zeros(BATCH, "float32")

    def on_epoch_end(self):
        self.epoch += 1


class Practice(keras.Model):
    """A world whose output is its loss on a batch.

    Args:
        world: what is trained.
        one_step: `one_step(world, x0, context, chance)` gives the loss of a batch; `chance` is a generator of Keras'.
        seed: of what chance decides.
    """

    def __init__(self, world, one_step, seed=0):
        super().__init__(name="practice")
        self.world, self.one_step = world, one_step
        self.unet = world.unet  # so that Keras finds its weights
        self.chance = keras.random.SeedGenerator(seed)

    def call(self, batch):
        return self.one_step(self.world, batch["x0"], batch["context"], self.chance)

    def compute_output_shape(self, input_shape):
        return ()


class _Report(keras.callbacks.Callback):
    """Keeps the mean loss of every epoch, and hands it on."""

    def __init__(self, epoch_steps, report):
        super().__init__()
        self.epoch_steps, self.report, self.curve = epoch_steps, report, []

    def on_epoch_end(self, epoch, logs=None):
        self.curve.append(((epoch + 1) * self.epoch_steps, float(logs["loss"])))
        self.report(*self.curve[-1])


def practise(world, one_step, steps, report: Callable = lambda step, loss: None, seed=0):
    """Trains a world's network.

    Args:
        world: what is trained.
        one_step: the loss of one batch, see `Practice`.
        steps: how many batches, rounded up to whole epochs of `REPORTED`; the learning rate falls to 0 by the last.
        report: called as `report(step, mean loss of the steps since the last report)`.
        seed: of batches and of what chance decides.

    Returns:
        The loss curve: a list of (step, mean loss).
    """
    length = min(REPORTED, steps)
    epochs = -(-steps // length)
    model, reported = Practice(world, one_step, seed), _Report(length, report)
    rate = keras.optimizers.schedules.CosineDecay(RATE, epochs * length)
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0), loss=lambda _, loss: loss, jit_compile=False)
    model.optimizer.build(world.unet.trainable_variables)  # a step that makes variables is traced twice
    model.fit(Batches(length, seed), epochs=epochs, verbose=0, callbacks=[reported])
    return reported.curve


def draw_practice(world, eps_from_velocity, prompts=PROMPTS, seed=0, scale=GUIDANCE):
    """Draws prompts with a world's network: a uint8 array `(B, 64, 64, 3)`; picture i from the noise of `seed + i`.

    Args:
        world: whose network draws.
        eps_from_velocity: `eps_from_velocity(x_t, v, alpha_bar)` gives the noise; `alpha_bar` is `(B,)`.
        prompts: B texts.
        seed: of the noise.
        scale: guidance.
    """

    def eps(inputs):
        timesteps = ops.cast(ops.round(timesteps_of(inputs[1])), "int32")
        return eps_from_velocity(inputs[0], world.unet(inputs), ops.take(world.alpha_bars, timesteps))

    context, nothing = encode_prompts(list(prompts)), encode_prompts([""] * len(prompts))
    noise, shares = initial_noise(len(prompts), LATENT_SIDE, seed=seed), ops.convert_to_numpy(world.alpha_bars)
    start, told, untold = (ops.convert_to_tensor(array) for array in (noise, context, nothing))
    clean = reference_sample(eps, start, told, untold, ddim_timesteps(STEPS), shares, scale, world.embed)
    return decode(ops.convert_to_numpy(clean))
