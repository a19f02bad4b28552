"""Stable Diffusion 2's UNet in plain Keras, from its leaves to the whole. Read it from top to bottom.

Shapes: B batch, H W height and width of a feature map, C channels, E features of the embedded time, S query tokens
(S = H·W in a SpatialTransformer), T context tokens, F features of a token, N heads, D head size.

`layers` is `keras.layers`. Unless `fast_forms(False)` says otherwise, some layers, and the functions asked for by
`choose`, are those of `fast/`, which compute the same. A `Block` is a Keras layer that knows its own config.

[LDM] Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models" (2022). [DDPM] Ho et al.,
"Denoising Diffusion Probabilistic Models" (2020). [KerasCV] 0.9.0, `models/stable_diffusion/diffusion_model.py`.
"""

import functools

import keras
from keras import ops

from autograder.reference.block import Block
from autograder.reference.config import GROUPS, SD2, latent_sides
from autograder.reference.fast import choose, layers
from autograder.reference.layer_names import NamedBlocks


def convolve(x, conv, padding):
    """`conv`, a Conv2D, over `x` `(B, H, W, C)` with `padding` zeros on each side."""
    return conv(ops.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0))))


class PaddedConv2D(Block):
    """A 2D convolution that pads with `padding` zeros on every side: the UNet's first and last layer, its downsampling
    and all convolutions in its blocks. With a stride of 2, Keras' `padding="same"` pads 0 before and 1 after instead.

    Args: filters, channels out; kernel_size, side of the kernel; padding; strides. Reference: `torch.nn.Conv2d`.
    Call: `(B, H, W, C)`. Returns: `(B, (H + 2·padding - kernel_size) // strides + 1, likewise W, filters)`.
    """

    def __init__(self, filters, kernel_size, padding=0, strides=1, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.kernel_size, self.padding, self.strides = filters, kernel_size, padding, strides
        self.conv = layers.Conv2D(filters, kernel_size, strides=strides, dtype=self.dtype_policy, name="conv")
        self.convolve = choose(convolve)

    def build(self, input_shape):
        batch, *sides, channels = input_shape
        self.build_parts(conv=(batch, *(side and side + 2 * self.padding for side in sides), channels))

    def compute_output_shape(self, input_shape):
        sides = [n and (n + 2 * self.padding - self.kernel_size) // self.strides + 1 for n in input_shape[1:3]]
        return (input_shape[0], *sides, self.filters)

    def call(self, inputs):
        return self.convolve(inputs, self.conv, self.padding)


class Upsample(Block):
    """Doubles H and W: each pixel becomes a 2x2 square, then a 3x3 convolution smooths. Stands thrice in the up flow.

    Args: channels, of the output. Call: `(B, H, W, C)`. Returns: `(B, 2H, 2W, channels)`. Reference: [KerasCV].
    """

    convolution = PaddedConv2D  # a subclass may be made of other layers of the same signature, here and below

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.conv = self.convolution(channels, 3, padding=1, dtype=self.dtype_policy, name="conv")

    def build(self, input_shape):
        self.build_parts(conv=input_shape)

    def compute_output_shape(self, input_shape):
        height, width = (None if side is None else 2 * side for side in input_shape[1:3])
        return (input_shape[0], height, width, self.channels)

    def call(self, inputs):
        return self.conv(ops.repeat(ops.repeat(inputs, 2, axis=1), 2, axis=2))  # (B, 2H, 2W, C) goes in


class GEGLU(Block):
    """A gated linear unit: one Dense makes a value and a gate; `value · gelu(gate)`. Opens the feed-forward network.

    Args: output_dim, features out; approximate, GELU by tanh (KerasCV) or exactly (diffusers and the original).
    Call: `(B, S, F)`. Returns: `(B, S, output_dim)`. Reference: Shazeer, "GLU Variants Improve Transformer" (2020).
    """

    def __init__(self, output_dim, approximate=True, **kwargs):
        super().__init__(**kwargs)
        self.output_dim, self.approximate = output_dim, approximate
        self.dense = layers.Dense(2 * output_dim, dtype=self.dtype_policy, name="dense")

    def build(self, input_shape):
        self.build_parts(dense=input_shape)

    def call(self, inputs):
        value, gate = ops.split(self.dense(inputs), 2, axis=-1)  # (B, S, output_dim) each
        return value * ops.gelu(gate, approximate=self.approximate)


def td_dot(a, b):
    """The matrix product of each head, in [KerasCV]'s name: `(B, N, S, D)` and `(B, N, D, T)` give `(B, N, S, T)`."""
    return ops.matmul(a, b)


def attend(q, k, v, scale, product=td_dot):
    """`softmax(q kᵀ · scale) v` for each head: `(B, S, N, D)`, from `q` `(B, S, N, D)` and `k`, `v` `(B, T, N, D)`."""
    q = ops.transpose(q, (0, 2, 1, 3))  # (B, N, S, D)
    k = ops.transpose(k, (0, 2, 3, 1))  # (B, N, D, T)
    v = ops.transpose(v, (0, 2, 1, 3))  # (B, N, T, D)
    weights = ops.softmax(product(q, k) * scale)  # (B, N, S, T)
    return ops.transpose(product(weights, v), (0, 2, 1, 3))  # (B, S, N, D)


class CrossAttention(Block):
    """Attention of N heads, from the tokens to themselves (`context=None`) or to those of a context, of any width.

    Args: num_heads, N; head_size, D. Call: inputs `(B, S, F)`; context `(B, T, F')` or None. Returns: `(B, S, N·D)`.
    Reference: Vaswani et al., "Attention Is All You Need" (2017), section 3.2; [LDM] section 3.3.
    """

    product = staticmethod(td_dot)

    def __init__(self, num_heads, head_size, **kwargs):
        super().__init__(**kwargs)
        self.num_heads, self.head_size = num_heads, head_size
        self.width, policy = num_heads * head_size, self.dtype_policy
        self.to_q = layers.Dense(self.width, use_bias=False, dtype=policy, name="to_q")
        self.to_k = layers.Dense(self.width, use_bias=False, dtype=policy, name="to_k")
        self.to_v = layers.Dense(self.width, use_bias=False, dtype=policy, name="to_v")
        self.out_proj = layers.Dense(self.width, dtype=policy, name="out_proj")
        self.attend = choose(attend)

    def build(self, inputs_shape, context_shape=None):
        context, out = context_shape or inputs_shape, (*inputs_shape[:-1], self.width)
        self.build_parts(to_q=inputs_shape, to_k=context, to_v=context, out_proj=out)

    def compute_output_shape(self, inputs_shape, context_shape=None):
        return (*inputs_shape[:-1], self.width)

    def call(self, inputs, context=None):
        context = inputs if context is None else context
        q, k, v = self.to_q(inputs), self.to_k(context), self.to_v(context)  # (B, S, N·D), twice (B, T, N·D)
        q, k, v = (ops.reshape(a, (-1, a.shape[1], self.num_heads, self.head_size)) for a in (q, k, v))
        out = self.attend(q, k, v, scale=self.head_size**-0.5, product=self.product)  # (B, S, N, D)
        return self.out_proj(ops.reshape(out, (-1, inputs.shape[1], self.width)))


class BasicTransformerBlock(Block):
    """Self-attention, cross-attention and a gated feed-forward network, each normalised before and added after.

    Args: dim, features of a token, N·D; num_heads, N; head_size, D; norm_epsilon, of the LayerNorms: PyTorch's default
        1e-5, not Keras' 1e-3; gelu_approximate, of GEGLU. Reference: [LDM] appendix E.2.1; [KerasCV].
    Call: list of tokens `(B, S, dim)` and context `(B, T, F)`. Returns: `(B, S, dim)`.
    """

    attention, gated = CrossAttention, GEGLU

    def __init__(self, dim, num_heads, head_size, norm_epsilon=1e-5, gelu_approximate=True, **kwargs):
        super().__init__(**kwargs)
        self.dim, self.num_heads, self.head_size = dim, num_heads, head_size
        self.norm_epsilon, self.gelu_approximate, policy = norm_epsilon, gelu_approximate, self.dtype_policy
        self.norm1 = layers.LayerNormalization(epsilon=norm_epsilon, dtype=policy, name="norm1")
        self.attn1 = self.attention(num_heads, head_size, dtype=policy, name="attn1")
        self.norm2 = layers.LayerNormalization(epsilon=norm_epsilon, dtype=policy, name="norm2")
        self.attn2 = self.attention(num_heads, head_size, dtype=policy, name="attn2")
        self.norm3 = layers.LayerNormalization(epsilon=norm_epsilon, dtype=policy, name="norm3")
        self.geglu = self.gated(4 * dim, approximate=gelu_approximate, dtype=policy, name="geglu")
        self.dense = layers.Dense(dim, dtype=policy, name="dense")

    def build(self, input_shape):
        tokens, context = input_shape
        self.build_parts(norm1=tokens, attn1=tokens, norm2=tokens, norm3=tokens, geglu=tokens)
        self.attn2.build(tokens, context)
        self.dense.build((*tokens[:-1], 4 * self.dim))

    def call(self, inputs):
        x, context = inputs
        x = self.attn1(self.norm1(x)) + x
        x = self.attn2(self.norm2(x), context=context) + x
        return self.dense(self.geglu(self.norm3(x))) + x


class ResBlock(Block):
    """Two normalised convolutions around a shortcut, and added between them the time: only here the UNet learns of it.

    Args: output_dim, channels out: where others come in, the shortcut is a 1x1 convolution; norm_epsilon, of the
        GroupNorms: 1e-5 in [KerasCV] and in diffusers (`resnet.py`), not Keras' 1e-3.
    Call: list of x `(B, H, W, C)` and t_emb `(B, E)`. Returns: `(B, H, W, output_dim)`.
    Reference: [DDPM] appendix B; He et al., "Identity Mappings in Deep Residual Networks" (2016).
    """

    convolution = PaddedConv2D

    def __init__(self, output_dim, norm_epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.output_dim, self.norm_epsilon, policy = output_dim, norm_epsilon, self.dtype_policy
        self.norm1 = layers.GroupNormalization(groups=GROUPS, epsilon=norm_epsilon, dtype=policy, name="norm1")
        self.conv1 = self.convolution(output_dim, 3, padding=1, dtype=policy, name="conv1")
        self.dense = layers.Dense(output_dim, dtype=policy, name="dense")
        self.norm2 = layers.GroupNormalization(groups=GROUPS, epsilon=norm_epsilon, dtype=policy, name="norm2")
        self.conv2 = self.convolution(output_dim, 3, padding=1, dtype=policy, name="conv2")
        self.residual_projection = None

    def build(self, input_shape):
        x, t_emb = input_shape
        inner = (*x[:-1], self.output_dim)
        self.build_parts(norm1=x, conv1=x, dense=t_emb, norm2=inner, conv2=inner)
        if x[-1] != self.output_dim:
            self.residual_projection = self.make_part(self.convolution, self.output_dim, 1, name="residual_projection")
            self.build_parts(residual_projection=x)

    def call(self, inputs):
        x, t_emb = inputs
        h = self.conv1(ops.silu(self.norm1(x)))  # (B, H, W, output_dim)
        h = h + self.dense(ops.silu(t_emb))[:, None, None]  # (B, 1, 1, output_dim) broadcasts over all pixels
        h = self.conv2(ops.silu(self.norm2(h)))
        return h + (x if self.residual_projection is None else self.residual_projection(x))


class SpatialTransformer(Block):
    """Reads a feature map as a sequence of pixels, lets a transformer block mix them with the context, and adds the
    result to the map. Stands after each ResBlock of the three larger levels, and once in the middle.

    Args: num_heads, N; head_size, D; fully_connected, project by a Dense (SD2), not by a 1x1 convolution (SD1), which
        computes the same; norm_epsilon, of the GroupNorm: 1e-5 in [KerasCV], 1e-6 in diffusers (`transformer_2d.py`)
        and in [LDM]'s code (section 3.3); layer_norm_epsilon, gelu_approximate, of the transformer block.
    Call: list of x `(B, H, W, C)` and context `(B, T, F)`. Returns: `(B, H, W, C)`. Raises: ValueError if C is not N·D.
    """

    transformer = BasicTransformerBlock
    keywords = (("norm_epsilon", 1e-5), ("layer_norm_epsilon", 1e-5), ("gelu_approximate", True))  # and their defaults

    def __init__(self, num_heads, head_size, fully_connected=False, **kwargs):
        super().__init__(**kwargs)
        self.num_heads, self.head_size, self.fully_connected = num_heads, head_size, fully_connected
        width, policy = num_heads * head_size, self.dtype_policy
        project = layers.Dense if fully_connected else functools.partial(PaddedConv2D, kernel_size=1)
        inner = {"norm_epsilon": self.layer_norm_epsilon, "gelu_approximate": self.gelu_approximate, "dtype": policy}
        self.norm = layers.GroupNormalization(groups=GROUPS, epsilon=self.norm_epsilon, dtype=policy, name="norm")
        self.proj1 = project(width, dtype=policy, name="proj1")
        self.transformer_block = self.transformer(width, num_heads, head_size, name="transformer_block", **inner)
        self.proj2 = project(width, dtype=policy, name="proj2")

    def build(self, input_shape):
        x, context = input_shape
        if x[-1] != (width := self.num_heads * self.head_size):
            raise ValueError(f"`x` must have num_heads * head_size = {width} channels. Received: {tuple(x)}")
        tokens = (x[0], None if None in x[1:3] else x[1] * x[2], x[3])
        self.build_parts(norm=x, proj1=x, transformer_block=[tokens, context], proj2=x)

    def call(self, inputs):
        x, context = inputs
        _, height, width, channels = x.shape
        tokens = ops.reshape(self.proj1(self.norm(x)), (-1, height * width, channels))  # (B, S, C)
        tokens = self.transformer_block([tokens, context])
        return self.proj2(ops.reshape(tokens, (-1, height, width, channels))) + x  # (B, H, W, C)


def down_flow(latent, t_emb, context, blocks):
    """Three levels of two [ResBlock, SpatialTransformer], each closed by a stride-2 convolution, then two ResBlocks.

    Args: latent `(B, H, W, latent_channels)`; t_emb `(B, E)`; context `(B, T, F)`; blocks, a namespace that makes what
        is wired here, PaddedConv2D, ResBlock, SpatialTransformer and Upsample, with the signatures above, and holds the
        numbers `channels` (widths of the four levels), `head_size` and `latent_channels`.
    Returns: x `(B, H/8, W/8, channels[3])` and the list of the 12 feature maps to keep, x itself last.
    """
    x = blocks.PaddedConv2D(blocks.channels[0], 3, padding=1)(latent)
    outputs = [x]
    for level, width in enumerate(blocks.channels):
        for _ in range(2):
            x = blocks.ResBlock(width)([x, t_emb])
            if level < 3:
                x = transformer(width, blocks)([x, context])
            outputs.append(x)
        if level < 3:
            x = blocks.PaddedConv2D(width, 3, padding=1, strides=2)(x)  # H, W halve
            outputs.append(x)
    return x, outputs


def middle_flow(x, t_emb, context, blocks):
    """ResBlock, SpatialTransformer, ResBlock at the smallest size: `(B, H/8, W/8, channels[3])` in and out."""
    width = blocks.channels[3]
    x = blocks.ResBlock(width)([x, t_emb])
    x = transformer(width, blocks)([x, context])
    return blocks.ResBlock(width)([x, t_emb])


def up_flow(x, outputs, t_emb, context, blocks):
    """Four groups of three ResBlocks, each fed the last feature map kept, with SpatialTransformers in the last three
    groups and one Upsample after each of the first three.

    Args: x `(B, H/8, W/8, channels[3])`; outputs, the 12 feature maps, a list that stays as it is; others as above.
    Returns: `(B, H, W, channels[0])`.
    """
    outputs = list(outputs)
    for level, width in reversed(list(enumerate(blocks.channels))):
        for _ in range(3):
            x = layers.Concatenate()([x, outputs.pop()])
            x = blocks.ResBlock(width)([x, t_emb])
            if level < 3:
                x = transformer(width, blocks)([x, context])
        if level > 0:
            x = blocks.Upsample(width)(x)  # H, W double
    return x


def exit_flow(x, blocks, norm_epsilon=1e-5):
    """GroupNorm, swish, convolution: `(B, H, W, channels[0])` to the noise, eps `(B, H, W, latent_channels)`."""
    x = layers.GroupNormalization(groups=GROUPS, epsilon=norm_epsilon, name="exit_norm")(x)
    x = layers.Activation("swish", name="exit_swish")(x)
    return blocks.PaddedConv2D(blocks.latent_channels, 3, padding=1)(x)


def transformer(width, blocks):
    """A SpatialTransformer of as many heads as fit into `width`."""
    return blocks.SpatialTransformer(width // blocks.head_size, blocks.head_size, fully_connected=True)


class DiffusionModelV2(keras.Model):
    """Stable Diffusion 2's UNet: from a noisy latent picture, the time and a text to its noise, eps ([LDM], [KerasCV]).

    Args: img_height, img_width, in pixels, multiples of 64; max_text_length, T (77 with CLIP); name; download_weights,
        True for KerasCV's Stable Diffusion 2.1, a path (see `load_unet_weights`), or False for random ones; config.
    Call, in this order or by these names: latent `(B, img_height / 8, img_width / 8, latent_channels)`;
        timestep_embedding `(B, channels[0])`, sinusoidal; context `(B, max_text_length, context_dim)`.
    Returns: eps, of latent's shape. Raises: ValueError where sides, length or the weights asked for do not fit.
    """

    def __init__(self, img_height, img_width, max_text_length, name=None, download_weights=True, config=SD2):
        sides = latent_sides(img_height, img_width, max_text_length)
        latent = keras.Input((*sides, config.latent_channels), name="latent")
        t_embed_input = keras.Input((config.channels[0],), name="timestep_embedding")
        context = keras.Input((max_text_length, config.context_dim), name="context")

        t_emb = layers.Dense(config.time_dim, name="time_dense1")(t_embed_input)  # 320 -> 1280
        t_emb = layers.Activation("swish", name="time_swish")(t_emb)
        t_emb = layers.Dense(config.time_dim, name="time_dense2")(t_emb)

        blocks = NamedBlocks(config, PaddedConv2D, ResBlock, SpatialTransformer, Upsample)
        x, outputs = down_flow(latent, t_emb, context, blocks)
        x = middle_flow(x, t_emb, context, blocks)
        x = up_flow(x, outputs, t_emb, context, blocks)
        eps = exit_flow(x, blocks, config.norm_epsilon)

        super().__init__([latent, t_embed_input, context], eps, name=name)
        self.unet_config = config
        if download_weights:
            from autograder.reference.weights import SD21_FILE, load_unet_weights

            load_unet_weights(self, SD21_FILE if download_weights is True else download_weights)
