"""The mistakes of `timestep_embedding`: each gives the embedding with one thing wrong."""

import numpy as np
from keras import ops

from autograder.questions.question import Mistake
from autograder.reference import timestep_embedding

SINES, PADDING, TIME_MLP = "The time: a number as 320 numbers", "The latent: a padded convolution", "The time MLP"


def _frequencies(count, max_period):
    return np.exp(-np.log(max_period) * np.arange(count) / count)


def _angles(timesteps, frequencies):
    return ops.cast(timesteps, "float32")[:, None] * np.asarray(frequencies, "float32")


def _joined(angles):
    return ops.concatenate([ops.cos(angles), ops.sin(angles)], axis=-1)


def _with(frequencies):
    """An answer with other frequencies: `frequencies(half, max_period)`."""

    def embedding(timesteps, dim=320, max_period=10000):
        return _joined(_angles(timesteps, frequencies(dim // 2, max_period)))

    return embedding


def _ending(join):
    """An answer that makes something else of the angles: `join(cosines, sines)`."""

    def embedding(timesteps, dim=320, max_period=10000):
        angles = _angles(timesteps, _frequencies(dim // 2, max_period))
        return join(ops.cos(angles), ops.sin(angles))

    return embedding


def _interleaved(cosines, sines):
    return ops.reshape(ops.stack([cosines, sines], axis=-1), (cosines.shape[0], -1))


def _stacked(id, axis):
    """The mistake of a new axis, at the place `axis`."""
    return Mistake(
        id,
        _ending(lambda cosines, sines: ops.stack([cosines, sines], axis=axis)),
        "Cosines and sines stand on an axis of their own; they are to be joined along the last one.",
        "The Dense layer that follows needs one vector for each picture. `ops.stack` makes a new axis.",
        SINES,
    )


def _of_dim(timesteps, dim=320, max_period=10000):
    return _joined(_angles(timesteps, _frequencies(dim, max_period)))


EMBEDDING_MISTAKES = (
    Mistake(
        "embedding-sines-first",
        _ending(lambda cosines, sines: ops.concatenate([sines, cosines], axis=-1)),
        "The sines come first; Stable Diffusion puts the cosines first.",
        "Trained weights expect the cosines in the first half. Many other models do it the other way round.",
        SINES,
    ),
    Mistake(
        "embedding-interleaved",
        _ending(_interleaved),
        "Cosines and sines alternate; all cosines come first, then all sines.",
        "The Transformer's paper alternates; Stable Diffusion's weights expect two halves.",
        SINES,
    ),
    Mistake(
        "embedding-cosines-only",
        _ending(lambda cosines, sines: cosines),
        "Only the cosines came back: the half with the sines is missing.",
        "A cosine alone cannot tell an angle from its negative; the pair fixes the angle.",
        SINES,
    ),
    Mistake(
        "embedding-sines-only",
        _ending(lambda cosines, sines: sines),
        "Only the sines came back: the half with the cosines is missing.",
        "A sine alone does not fix an angle; the pair does.",
        SINES,
    ),
    _stacked("embedding-stacked", axis=1),
    _stacked("embedding-stacked-first", axis=0),
    _stacked("embedding-stacked-last", axis=-1),
    Mistake(
        "embedding-added",
        _ending(lambda cosines, sines: cosines + sines),
        "Cosines and sines are added up; they are to stand side by side.",
        "Added, the two can no longer be told apart, and half of the information is gone.",
        SINES,
    ),
    Mistake(
        "embedding-joined-along-batch",
        _ending(lambda cosines, sines: ops.concatenate([cosines, sines], axis=0)),
        "Cosines and sines are joined along the batch.",
        "Each timestep is to become one row: the axis to join along is the last.",
        SINES,
    ),
    Mistake(
        "embedding-transposed",
        _ending(lambda cosines, sines: ops.transpose(ops.concatenate([cosines, sines], axis=-1))),
        "The two axes are swapped: one column for each timestep instead of one row.",
        "Everywhere in Keras the batch is the first axis.",
        SINES,
    ),
    Mistake(
        "embedding-twice-as-wide",
        _of_dim,
        "There are as many frequencies as numbers asked for, so the result is twice as wide.",
        "Each frequency gives two numbers, a cosine and a sine: half as many are needed.",
        SINES,
    ),
    Mistake(
        "embedding-last-frequency",
        _with(lambda half, period: np.exp(-np.log(period) * np.arange(half) / (half - 1))),
        "The frequencies go down all the way to 1 / max_period; they stop one step before it.",
        "Some models do it so (diffusers: a frequency shift of 1); Stable Diffusion's weights expect the other.",
        SINES,
    ),
    Mistake(
        "embedding-exponent-halved",
        _with(lambda half, period: np.exp(-np.log(period) * np.arange(half) / (2 * half))),
        "The frequencies fall only half as fast: the index is divided by all of dim.",
        "The index runs over half of dim, and over its run the period is to grow from the shortest to the longest.",
        SINES,
    ),
    Mistake(
        "embedding-frequencies-grow",
        _with(lambda half, period: np.exp(np.log(period) * np.arange(half) / half)),
        "The frequencies grow; they must fall: a sign is missing in the exponent.",
        "An angle of a million turns says nothing about the time: float32 cannot even hold it.",
        SINES,
    ),
    Mistake(
        "embedding-log10",
        _with(lambda half, period: np.exp(-np.log10(period) * np.arange(half) / half)),
        "The logarithm is taken to base 10, but the power to base e.",
        "The two must have one base, or the longest period is not max_period.",
        SINES,
    ),
    Mistake(
        "embedding-frequencies-linear",
        _with(lambda half, period: np.linspace(1, 1 / period, half)),
        "The frequencies fall by the same amount; they are to fall by the same factor.",
        "Evenly spaced, nearly all of them would be fast, and few would tell early times from late ones.",
        SINES,
    ),
    Mistake(
        "embedding-index-from-one",
        _with(lambda half, period: np.exp(-np.log(period) * np.arange(1, half + 1) / half)),
        "The index of the frequencies starts at 1; it starts at 0.",
        "The first frequency is 1: one step of time turns its angle by one radian.",
        SINES,
    ),
    Mistake(
        "embedding-whole-turns",
        _with(lambda half, period: 2 * np.pi * _frequencies(half, period)),
        "The angles are multiplied with 2 pi.",
        "Whole timesteps at frequency 1 would be whole turns, and the first cosine always 1.",
        SINES,
    ),
    Mistake(
        "embedding-time-from-0-to-1",
        _with(lambda half, period: _frequencies(half, period) / 1000),
        "The timesteps are divided by 1000 first; they go in as they are, from 0 to 999.",
        "From 0 to 1 hardly any angle moves, and all times look alike.",
        SINES,
    ),
    Mistake(
        "embedding-period-fixed",
        _with(lambda half, period: _frequencies(half, 10000)),
        "The argument `max_period` has no effect: 10000 is written into the code.",
        "It is a parameter of the function and not always 10000.",
        SINES,
    ),
    Mistake(
        "embedding-dim-fixed",
        lambda timesteps, dim=320, max_period=10000: timestep_embedding(timesteps, 320, max_period),
        "The argument `dim` has no effect: the result is always 320 wide.",
        "Smaller models have smaller embeddings.",
        SINES,
    ),
)
