"""What exercise 12 is given while it is graded: a schedule to start from a picture, and networks of plain numbers
around the UNet of `sampling_stand_ins`.

The networks are not trained for anything. Each computes a fixed function of what it gets, so that whatever reaches it
wrongly (the prompts swapped, a latent that is not scaled) changes the picture.

Shapes: B pictures, T tokens, F features of a token, H W C sides and channels of a latent.
"""

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from autograder.sitting import sampling_stand_ins as sampling
from autograder.sitting.stand_in_layer import matrix

START, END, VOCABULARY = 1, 2, 60
LENGTH, FEATURES = 12, 10  # T, F
FACTOR = 0.31  # what latents are multiplied by once encoded; another number than Stable Diffusion's
SIDE = 8  # picture pixels for each latent pixel, along one side
OVER = 1.3  # how far the decoder's pictures go beyond -1 and 1


def tokenize(texts: Any) -> np.ndarray:
    """Token numbers `(B, T)` of a list of texts: a start, a number for each word, an end, filled up with 0.

    Raises:
        ValueError: for anything that is not a list of texts.
    """
    if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"`tokenize` must be called on a list of texts. Received: {type(texts).__name__}")
    tokens = np.zeros((len(texts), LENGTH), "int32")
    for line, text in zip(tokens, texts, strict=True):
        words = [END + 1 + zlib.crc32(word.encode()) % (VOCABULARY - END - 1) for word in text.lower().split()]
        words = words[: LENGTH - 2]
        line[: len(words) + 2] = [START, *words, END]
    return tokens


class Networks:
    """The networks that draw together, as a learner's pipeline gets them.

    Args:
        numbers: what computes: `keras.ops` or `numpy`.
        unet, embed: the UNet and the embedding of timesteps, see `sampling_stand_ins`.
    """

    factor = FACTOR

    def __init__(self, numbers: Any, unet: Callable, embed: Callable):
        self._numbers, self.unet, self.embed = numbers, unet, embed
        self.alpha_bars = sampling.alpha_bars()
        self.tokenize = tokenize

    def text_encoder(self, tokens: Any) -> Any:
        """Tokens `(B, T)` to a context `(B, T, F)`: each depends on itself, on its place and on those before it.

        Raises:
            ValueError: for anything that is not a table of token numbers.
        """
        shape = tuple(getattr(tokens, "shape", ()))
        if len(shape) != 2 or shape[1] != LENGTH:
            received = f"shape {shape}" if shape else type(tokens).__name__
            raise ValueError(f"`text_encoder` must be called on tokens of shape (B, {LENGTH}). Received: {received}")
        tokens = np.asarray(ops.convert_to_numpy(tokens))
        own = np.sin(tokens[..., None] * np.arange(1, FEATURES + 1) * 0.7 + np.arange(LENGTH)[:, None])
        read = np.cumsum(own, axis=1) / np.arange(1, LENGTH + 1)[:, None]
        return self._tensor((own + read).astype("float32"))

    def decoder(self, latent: Any) -> Any:
        """Latents `(B, H, W, C)` to pictures `(B, 8·H, 8·W, 3)`, about -1 to 1.

        Raises:
            ValueError: for anything that has not four axes.
        """
        latent = self._tensor(latent)
        if len(latent.shape) != 4:
            raise ValueError(f"`decoder` must be called on latents (B, H, W, C). Received: {tuple(latent.shape)}")
        mixed = self._numbers.matmul(FACTOR * latent, matrix("pipeline decoder", latent.shape[-1], 3))
        return self._numbers.repeat(self._numbers.repeat(OVER * self._numbers.tanh(mixed), SIDE, axis=1), SIDE, axis=2)

    def _tensor(self, array: Any) -> Any:
        return (
            np.asarray(array, "float32") if self._numbers is np else ops.cast(ops.convert_to_tensor(array), "float32")
        )


NETWORKS = Networks(ops, sampling.unet, sampling.embed)
NETWORKS_IN_NUMPY = Networks(np, sampling.numpy_unet, sampling.numpy_embed)


def call_start(function: Any, inputs: list[Any], strength: float, steps: int) -> Any:
    """Calls a learner's `start_from_picture` on `inputs` (latent, noise), with a schedule."""
    return function(*inputs, strength, sampling.timesteps(steps), sampling.alpha_bars())


def call_pipeline(function: Any, inputs: list[Any], *arguments: Any) -> Any:
    """Calls a learner's `text_to_picture` on `inputs` (latent), a prompt, a negative prompt, timesteps and a scale."""
    return _call_pipeline(NETWORKS, function, inputs, *arguments)


def call_pipeline_in_numpy(function: Any, inputs: list[np.ndarray], *arguments: Any) -> Any:
    """`call_pipeline` with networks that take and give NumPy arrays."""
    return _call_pipeline(NETWORKS_IN_NUMPY, function, inputs, *arguments)


def _call_pipeline(networks, function, inputs, prompt, negative_prompt, steps, scale):
    return function(prompt, negative_prompt, *inputs, sampling.timesteps(steps), scale, networks)
