"""Right answers of exercise 12 that the reference has not in this form."""

import keras
from keras import ops

from autograder.reference import sample
from autograder.reference.text_encoder import TextBlock as ReferenceTextBlock


class TextBlock(ReferenceTextBlock):
    """The reference's, whose layers build themselves when they are called: no symbolic run, which is slow."""

    def build(self, input_shape):
        keras.layers.Layer.build(self, input_shape)


class SmallerEpsilon(TextBlock):
    """With epsilon 1e-6, as other transformers have it."""

    def __init__(self, num_heads, head_size):
        super().__init__(num_heads, head_size, norm_epsilon=1e-6)


def changed_rows(length, position):
    """How many rows of a context of `length` change with the token at `position`: its own and all behind it."""
    return length - position


def text_to_picture(prompt, negative_prompt, latent, timesteps, scale, networks):
    """The pipeline, with the networks as the exercise hands them over: a picture `(B, H, W, 3)` of 0 to 1."""
    context, unconditional = (
        networks.text_encoder(networks.tokenize([text] * latent.shape[0])) for text in (prompt, negative_prompt)
    )
    clean = sample(networks.unet, latent, context, unconditional, timesteps, networks.alpha_bars, scale, networks.embed)
    return ops.clip(networks.decoder(clean / networks.factor) / 2 + 0.5, 0, 1)
