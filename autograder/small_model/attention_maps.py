"""Where each word of a prompt is looked at while the small model draws: cross-attention over words, pixels and time.

Shapes: B batch (the empty prompt first, then the prompt), S query tokens (pixels), T context tokens, N heads, D head
size.
"""

import functools
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from autograder.small_model.ddim import EpsFromV, initial_noise, sample
from autograder.small_model.language import MAX_TEXT_LENGTH, words_of
from autograder.small_model.model import FOLDER, compiled_unet, decode, encode_prompts
from autograder.small_model.networks import LATENT_SIDE

# The SpatialTransformers that see the whole latent, 16x16, on the way down and on the way up.
LAYERS = tuple(f"{flow}0_transformer{i}" for flow, count in (("down", 2), ("up", 3)) for i in range(count))


class AttentionMaps(NamedTuple):
    """What `attention_maps` returns.

    Args:
        picture: uint8 `(128, 128, 3)`.
        words: the words of the prompt.
        maps: float32 `(steps, words, 16, 16)`: the share of each pixel's attention that a word gets at each step,
            averaged over the heads of one layer (or of several). The start of a prompt, its end and what
            fills it up get shares, too: with theirs those of a pixel add up to 1.
        layers: names of the SpatialTransformers that were looked into.
    """

    picture: np.ndarray
    words: list[str]
    maps: np.ndarray
    layers: tuple[str, ...]


def attention_maps(prompt, seed=0, steps=20, scale=4.0, layers=LAYERS, folder=FOLDER):
    """Draws a prompt and tells which pixels look at which word.

    Args:
        prompt: what to draw.
        seed: of the noise.
        steps: number of DDIM steps.
        scale: guidance; 1 is without.
        layers: names of SpatialTransformers of one size of picture, whose cross-attention is averaged.
        folder: where the trained weights are.

    Returns:
        `AttentionMaps`: picture, words, maps and layers.
    """
    layers = (layers,) if isinstance(layers, str) else tuple(layers)
    context, nothing = encode_prompts([prompt, ""], folder)[:, None]
    unet, maps = _watched(layers, folder), []

    class Watched:
        inputs = unet.inputs

        def __call__(self, inputs):
            eps, weights = unet(inputs)
            maps.append(ops.convert_to_numpy(weights[1]))  # the prompt's half of the guidance
            return eps

    latent = sample(Watched(), initial_noise(1, LATENT_SIDE, seed=seed), context, nothing, steps, scale)
    words = words_of(prompt)
    by_step = np.stack(maps)  # (steps, S, T)
    side = int(by_step.shape[1] ** 0.5)
    by_word = by_step.transpose(0, 2, 1).reshape(steps, MAX_TEXT_LENGTH, side, side)
    return AttentionMaps(decode(latent, folder)[0], words, by_word[:, 1 : 1 + len(words)], layers)


@functools.cache
def _watched(layers, folder):
    """The trained UNet that returns eps and the cross-attention of some of its layers, `(B, S, T)`."""
    unet = compiled_unet(folder)
    latent, embedding, context = unet.inputs
    blocks = {operation.name: operation for operation in unet.operations}
    inputs = [blocks[name].input for name in layers]
    inner = keras.Model(unet.inputs, [unet.output, *(x for x, _ in inputs)])
    v, *pictures = inner([latent, embedding, context])
    eps = EpsFromV()([v, latent, embedding])
    watched = [
        CrossAttentionWeights(blocks[name].layer)([x, context]) for name, x in zip(layers, pictures, strict=True)
    ]
    return keras.Model(unet.inputs, [eps, sum(watched) / len(watched)])


class CrossAttentionWeights(keras.layers.Layer):
    """The weights that a SpatialTransformer's cross-attention gives to the words, averaged over its heads.

    Args:
        transformer: a built `SpatialTransformer` of the reference.

    Call arguments:
        inputs: list of `x` `(B, H, W, C)` and `context` `(B, T, F)`, as the transformer's own.

    Returns:
        Tensor `(B, S, T)`; each row sums to 1.
    """

    def __init__(self, transformer, **kwargs):
        super().__init__(**kwargs)
        self.transformer = transformer

    def build(self, input_shape):
        self.built = True  # the transformer is

    def compute_output_shape(self, input_shape):
        (batch, height, width, _), (_, words, _) = input_shape
        return (batch, height * width, words)

    def call(self, inputs):
        x, context = inputs
        outer, block = self.transformer, self.transformer.transformer_block
        _, height, width, channels = x.shape
        tokens = ops.reshape(outer.proj1(outer.norm(x)), (-1, height * width, channels))  # (B, S, C)
        tokens = block.attn1(block.norm1(tokens)) + tokens
        attention, heads = block.attn2, block.attn2.num_heads
        q, k = attention.to_q(block.norm2(tokens)), attention.to_k(context)
        q, k = (
            ops.transpose(ops.reshape(a, (-1, a.shape[1], heads, a.shape[2] // heads)), (0, 2, 1, 3)) for a in (q, k)
        )
        scores = ops.matmul(q, ops.transpose(k, (0, 1, 3, 2))) * attention.head_size**-0.5  # (B, N, S, T)
        return ops.mean(ops.softmax(scores), axis=1)
