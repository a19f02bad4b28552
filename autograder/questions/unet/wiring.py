"""The exit and the whole UNet in parts, so that a mistake can put another part in one place."""

import keras

from autograder.reference import GroupNorm
from autograder.reference.unet import down_flow, exit_flow, middle_flow, up_flow


def end(wire, norm=GroupNorm, activate="silu", convolve=None):
    """An exit of the right parts, wired by `wire(x, normalise, swish, convolve)`."""

    def flow(x, blocks):
        def last(x):
            return convolve(x, blocks) if convolve else blocks.PaddedConv2D(blocks.latent_channels, 3, padding=1)(x)

        return wire(x, lambda x: norm()(x), lambda x: keras.layers.Activation(activate)(x), last)

    return flow


def in_order(x, normalise, swish, convolve):
    """The right wiring of an exit."""
    return convolve(swish(normalise(x)))


class Whole:
    """`build_unet` as an object: called like it, made of methods that `wired` replaces."""

    factor = 8

    def __call__(self, img_height, img_width, max_text_length, blocks):
        self.blocks = blocks
        sides = self.sides(img_height // self.factor, img_width // self.factor)
        latent = keras.Input((*sides, blocks.latent_channels))
        embedding = keras.Input((blocks.channels[0],))
        context = keras.Input((max_text_length, blocks.context_dim))
        out = self.wire(latent, self.time(embedding), context)
        return keras.Model(self.inputs(latent, embedding, context), out)

    def sides(self, height, width):
        return height, width

    def inputs(self, latent, embedding, context):
        return [latent, embedding, context]

    def time(self, embedding):
        width = 4 * self.blocks.channels[0]
        t_emb = keras.layers.Activation("silu")(keras.layers.Dense(width)(embedding))
        return keras.layers.Dense(width)(t_emb)

    def wire(self, latent, t_emb, context):
        x, outputs = self.down(latent, t_emb, context)
        x = self.middle(x, t_emb, context)
        return self.end(self.up(x, outputs, t_emb, context))

    def down(self, latent, t_emb, context):
        return down_flow(latent, t_emb, context, self.blocks)

    def middle(self, x, t_emb, context):
        return middle_flow(x, t_emb, context, self.blocks)

    def up(self, x, outputs, t_emb, context):
        return up_flow(x, outputs, t_emb, context, self.blocks)

    def end(self, x):
        return exit_flow(x, self.blocks)


def wired(**parts):
    """A whole UNet with other parts: functions take the `Whole` first, numbers are its settings."""
    return type("build_unet", (Whole,), parts)()
