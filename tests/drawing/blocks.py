"""Blocks as learners write them, right and wrong, to be put into the trained UNet."""

import keras
import numpy as np
from keras import layers, ops


class ResBlock(layers.Layer):
    """Right: other names and another order of creation than the reference's, and layers that it does not always use."""

    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.shortcut = layers.Conv2D(width, 1)
        self.second = layers.Conv2D(width, 3, padding="same")
        self.time = layers.Dense(width)
        self.first = layers.Conv2D(width, 3, padding="same")
        self.after = layers.GroupNormalization(epsilon=1e-5)
        self.before = layers.GroupNormalization(epsilon=1e-6)

    def call(self, inputs):
        x, t_emb = inputs
        h = self.first(ops.silu(self.before(x))) + self.time(ops.silu(t_emb))[:, None, None]
        h = self.second(ops.silu(self.after(h)))
        return h + (x if x.shape[-1] == self.width else self.shortcut(x))


class NoShortcut(ResBlock):
    """Wrong: what came in is not added to what goes out."""

    def call(self, inputs):
        x, t_emb = inputs
        h = self.first(ops.silu(self.before(x))) + self.time(ops.silu(t_emb))[:, None, None]
        return self.second(ops.silu(self.after(h)))


class NumpyOnly(ResBlock):
    """Right, but only on numbers: it fails where Keras traces a graph."""

    def call(self, inputs):
        assert np.isfinite(np.asarray(inputs[0])).all()
        return super().call(inputs)


class Unwritten(layers.Layer):
    """A stub."""

    def __init__(self, *arguments):
        raise NotImplementedError


class Failing(ResBlock):
    """Wrong: raises."""

    def call(self, inputs):
        return inputs[0] @ inputs[1]  # matrices that do not fit


class Narrow(ResBlock):
    """Wrong: half as many channels go out."""

    def call(self, inputs):
        return super().call(inputs)[..., : self.width // 2]


class CrossAttention(layers.Layer):
    """Right: kernels made in another order, by `add_weight` and einsum."""

    def __init__(self, heads, size):
        super().__init__()
        self.heads, self.size = heads, size

    def build(self, inputs_shape, context_shape=None):
        width, source = self.heads * self.size, (context_shape or inputs_shape)[-1]
        self.v = self.add_weight(shape=(source, self.heads, self.size))
        self.k = self.add_weight(shape=(source, self.heads, self.size))
        self.q = self.add_weight(shape=(inputs_shape[-1], self.heads, self.size))
        self.out = layers.Dense(width)

    def call(self, inputs, context=None):
        context = inputs if context is None else context
        q = ops.einsum("bsf,fnd->bnsd", inputs, self.q)
        k = ops.einsum("btf,fnd->bntd", context, self.k)
        v = ops.einsum("btf,fnd->bntd", context, self.v)
        weights = ops.softmax(ops.einsum("bnsd,bntd->bnst", q, k) / self.size**0.5)
        out = ops.einsum("bnst,bntd->bsnd", weights, v)
        return self.out(ops.reshape(out, (-1, inputs.shape[1], self.heads * self.size)))


class Unscaled(CrossAttention):
    """Wrong: the scores are not divided by the root of the head size."""

    def call(self, inputs, context=None):
        self.size, size = 1, self.size
        try:
            return _attend_unscaled(self, inputs, inputs if context is None else context, size)
        finally:
            self.size = size


def _attend_unscaled(layer, inputs, context, size):
    q = ops.einsum("bsf,fnd->bnsd", inputs, layer.q)
    k = ops.einsum("btf,fnd->bntd", context, layer.k)
    v = ops.einsum("btf,fnd->bntd", context, layer.v)
    out = ops.einsum("bnst,bntd->bsnd", ops.softmax(ops.einsum("bnsd,bntd->bnst", q, k)), v)
    return layer.out(ops.reshape(out, (-1, inputs.shape[1], layer.heads * size)))


class GEGLU(layers.Layer):
    """Right: the exact GELU, and two Dense layers would be another thing; here one, split by slices."""

    def __init__(self, output_dim):
        super().__init__()
        self.output_dim, self.both = output_dim, layers.Dense(2 * output_dim)

    def call(self, inputs):
        both = self.both(inputs)
        return both[..., : self.output_dim] * ops.gelu(both[..., self.output_dim :], approximate=False)


class Upsample(layers.Layer):
    """Right."""

    def __init__(self, channels):
        super().__init__()
        self.grow, self.conv = layers.UpSampling2D(2), layers.Conv2D(channels, 3, padding="same")

    def call(self, inputs):
        return self.conv(self.grow(inputs))


class PaddedConv2D(layers.Layer):
    """Right."""

    def __init__(self, filters, kernel_size, padding=0, strides=1):
        super().__init__()
        self.pad, self.conv = layers.ZeroPadding2D(padding), layers.Conv2D(filters, kernel_size, strides)

    def call(self, inputs):
        return self.conv(self.pad(inputs))


class TimeEmbedding(layers.Layer):
    """Right: the second Dense is made first."""

    def __init__(self, channels):
        super().__init__()
        self.last, self.first = layers.Dense(4 * channels), layers.Dense(4 * channels)

    def build(self, input_shape):
        self.last.build((None, self.last.units))
        self.first.build(input_shape)

    def call(self, inputs):
        return self.last(ops.silu(self.first(inputs)))


def td_dot(a, b):
    """Right."""
    return ops.einsum("bnij,bnjk->bnik", a, b)


def down_flow(latent, t_emb, context, blocks):
    """Right: written out level by level."""
    x = blocks.PaddedConv2D(blocks.channels[0], 3, 1)(latent)
    outputs = [x]
    for level in range(4):
        width = blocks.channels[level]
        for _ in range(2):
            x = blocks.ResBlock(width)([x, t_emb])
            if level != 3:
                x = blocks.SpatialTransformer(width // blocks.head_size, blocks.head_size, True)((x, context))
            outputs.append(x)
        if level != 3:
            x = blocks.PaddedConv2D(width, kernel_size=3, padding=1, strides=2)(x)
            outputs += [x]
    return x, tuple(outputs)


def up_flow(x, outputs, t_emb, context, blocks):
    """Right: takes from the end of the list that it is given, which is then empty."""
    for level in (3, 2, 1, 0):
        width = blocks.channels[level]
        for _ in range(3):
            x = blocks.ResBlock(output_dim=width)([ops.concatenate([x, outputs.pop()], axis=-1), t_emb])
            if level < 3:
                x = blocks.SpatialTransformer(width // blocks.head_size, blocks.head_size)([x, context])
        if level:
            x = blocks.Upsample(width)(x)
    return x


def middle_flow(x, t_emb, context, blocks):
    """Right."""
    width = blocks.channels[3]
    first, last = blocks.ResBlock(width), blocks.ResBlock(width)
    mixer = blocks.SpatialTransformer(width // blocks.head_size, blocks.head_size, fully_connected=True)
    return last([mixer([first([x, t_emb]), context]), t_emb])


def shared_middle_flow(x, t_emb, context, blocks):
    """Wrong: one ResBlock twice."""
    width = blocks.channels[3]
    block = blocks.ResBlock(width)
    mixer = blocks.SpatialTransformer(width // blocks.head_size, blocks.head_size, fully_connected=True)
    return block([mixer([block([x, t_emb]), context]), t_emb])


def exit_flow(x, blocks):
    """Right."""
    x = layers.GroupNormalization(epsilon=1e-5)(x)
    return blocks.PaddedConv2D(blocks.latent_channels, 3, padding=1)(keras.activations.swish(x))


def build_unet(img_height, img_width, max_text_length, blocks):
    """Right: the reference's flows under an entry and an exit of its own."""
    from autograder.reference import down_flow, up_flow

    latent = keras.Input((img_height // 8, img_width // 8, blocks.latent_channels))
    time = keras.Input((blocks.channels[0],))
    context = keras.Input((max_text_length, blocks.context_dim))
    t_emb = layers.Dense(4 * blocks.channels[0])(layers.Dense(4 * blocks.channels[0], activation="swish")(time))
    x, outputs = down_flow(latent, t_emb, context, blocks)
    x = middle_flow(x, t_emb, context, blocks)
    x = up_flow(x, outputs, t_emb, context, blocks)
    return keras.Model([latent, time, context], exit_flow(x, blocks))
