"""What a sampling loop and a training loss are given while they are graded: a small UNet and embedding made of plain
numbers, and a schedule.

The UNet is not trained for anything. It computes, for each picture by itself, a fixed function of the latent, of the
embedding and of the context, drawn from their widths, so that whatever reaches it wrongly (another time, the wrong
latent, the prompts swapped) changes what comes out. One call on a doubled batch gives what two calls give.

Shapes: B pictures, H W C sides and channels of the latent, D features of an embedding, T words, F features of a word,
n pictures in a call.
"""

from typing import Any

import numpy as np
from keras import ops

from autograder.sitting.stand_in_layer import matrix

TIMESTEPS = 1000
WIDTH = 12  # D
MIDDLE = 16


def alpha_bars() -> np.ndarray:
    """A schedule `(1000,)` from 0.999 to 0.02: so little signal at the end that a wrong share shows, and so much that
    dividing by its root loses no digits. In float32, as all that a loop joins it with."""
    time = np.arange(TIMESTEPS) / (TIMESTEPS - 1)
    return (0.02 + 0.979 * np.cos(time * np.pi / 2) ** 2).astype("float32")


def timesteps(steps: int) -> np.ndarray:
    """`steps` timesteps from noisy to clean, at distances that are all different. The last one is not 0."""
    return np.round((TIMESTEPS - 40) * (1 - np.arange(steps) / steps) ** 1.5).astype("int64") + 7


def embed(times: Any) -> Any:
    """Embeddings `(n, D)` of timesteps `(n,)`.

    Raises:
        ValueError: for anything that is not a list of timesteps.
    """
    times = ops.cast(ops.convert_to_tensor(times), "float32")
    if len(times.shape) != 1:
        raise ValueError(f"`embed` must be called on timesteps of shape (n,). Received: shape {tuple(times.shape)}")
    return _embedding(ops, times)


def _embedding(numbers: Any, times: Any) -> Any:
    """What `embed` computes, by the functions of `numbers`: `keras.ops` or `numpy`."""
    frequencies = np.exp(-np.arange(WIDTH // 2) * np.log(100) / (WIDTH // 2)).astype("float32") / 20
    angles = times[:, None] * frequencies
    return numbers.concatenate([numbers.cos(angles), numbers.sin(angles)], axis=-1)


def unet(inputs: Any) -> Any:
    """eps `(n, H, W, C)` of the list `[latent, embedding, context]`.

    Raises:
        ValueError: for inputs that do not go together.
    """
    if not isinstance(inputs, (list, tuple)) or len(inputs) != 3:
        received = f"a list of {len(inputs)}" if isinstance(inputs, (list, tuple)) else type(inputs).__name__
        raise ValueError(f"The network must be called on one list, [latent, embedding, context]. Received: {received}")
    latent, embedding, context = (ops.cast(ops.convert_to_tensor(part), "float32") for part in inputs)
    shapes = [tuple(part.shape) for part in (latent, embedding, context)]
    if [len(shape) for shape in shapes] != [4, 2, 3] or len({shape[0] for shape in shapes}) != 1:
        raise ValueError(
            "The network must be called on [latent (n, H, W, C), embedding (n, D), context (n, T, F)]. "
            f"Received: {shapes[0]}, {shapes[1]}, {shapes[2]}"
        )
    return _eps(ops, latent, embedding, context)


def predict(inputs: Any) -> Any:
    """`unet`, by the name that it has in a training loss."""
    return unet(inputs)


def _eps(numbers: Any, latent: Any, embedding: Any, context: Any) -> Any:
    """What `unet` computes, by the functions of `numbers`: `keras.ops` or `numpy`."""
    channels = latent.shape[-1]
    _, words, features = context.shape
    mixed = numbers.matmul(latent, matrix("sampling latent", channels, MIDDLE))  # (n, H, W, K)
    time = numbers.matmul(embedding, matrix("sampling time", embedding.shape[-1], MIDDLE))[:, None, None]
    places = matrix("sampling words", words, features)  # another factor for each word, so that order counts
    text = matrix("sampling text", features, MIDDLE)
    told = numbers.matmul(numbers.mean(numbers.tanh(context * places), axis=1), text)
    middle = numbers.tanh(mixed + time + 3 * told[:, None, None])
    return 0.5 * latent + numbers.matmul(middle, matrix("sampling out", MIDDLE, channels))


def call_loop(function: Any, inputs: list[Any], steps: int, scale: float) -> Any:
    """Calls a learner's `sample` on `inputs` (latent, context, unconditional), with all of the above."""
    return function(unet, *inputs, timesteps(steps), alpha_bars(), scale, embed)


def call_loss(function: Any, inputs: list[Any]) -> Any:
    """Calls a learner's `training_loss` on `inputs` (x0, noise, timesteps, context), with the UNet for `predict`."""
    return function(predict, *inputs, alpha_bars(), embed)


def numpy_unet(arrays: list[np.ndarray]) -> np.ndarray:
    """`unet` for NumPy arrays, unchecked."""
    return _eps(np, *arrays)


def numpy_embed(times: np.ndarray) -> np.ndarray:
    """`embed` for NumPy arrays, unchecked."""
    return _embedding(np, times.astype("float32"))


def call_loop_in_numpy(function: Any, inputs: list[np.ndarray], steps: int, scale: float) -> Any:
    """`call_loop` with a UNet and an embedding that take and give NumPy arrays, in a fifth of the time."""
    return function(numpy_unet, *inputs, timesteps(steps), alpha_bars(), scale, numpy_embed)


def call_loss_in_numpy(function: Any, inputs: list[np.ndarray]) -> Any:
    """`call_loss` with the same two."""
    return function(numpy_unet, *inputs, alpha_bars(), numpy_embed)
