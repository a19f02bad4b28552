"""The blocks of the UNet, leaf to whole: ResBlock, CrossAttention, BasicTransformerBlock, SpatialTransformer.

Shapes: B batch, H W height and width, C channels, E embedding features, S query tokens (S = H·W in a
SpatialTransformer), T context tokens, F features, N heads, D head size.
"""

import keras
from keras import ops

from autograder.reference.attention import attend, td_dot
from autograder.reference.layers import GEGLU, GroupNorm, PaddedConv2D, dense


class ResBlock(keras.layers.Layer):
    """Two normalised convolutions with the time embedding added between them, around a shortcut.

        h = conv1(swish(norm1(x)))
        h = h + dense(swish(t_emb))[:, None, None]
        y = conv2(swish(norm2(h))) + residual_projection(x)

    Every level of the UNet is made of ResBlocks; they are the only place where the model learns what time it is.

    Args:
        output_dim: channels of the output. Where the input has another number, `residual_projection` is a 1x1
            convolution; else it is the identity.
        norm_epsilon: epsilon of both GroupNorms.

    Call arguments:
        inputs: list of `x` `(B, H, W, C)` and `t_emb` `(B, E)`.

    Returns:
        Tensor `(B, H, W, output_dim)`.

    Reference: He et al., "Identity Mappings in Deep Residual Networks" (2016); Ho et al., "Denoising Diffusion
    Probabilistic Models" (2020), appendix B; KerasCV, `diffusion_model.py`, `ResBlock`.
    """

    convolution = PaddedConv2D  # a subclass may be made of other layers of the same signature

    def __init__(self, output_dim, norm_epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.output_dim, self.norm_epsilon = output_dim, norm_epsilon
        policy = self.dtype_policy
        self.norm1 = GroupNorm(norm_epsilon, dtype=policy, name="norm1")
        self.conv1 = self.convolution(output_dim, 3, padding=1, dtype=policy, name="conv1")
        self.dense = dense(output_dim, dtype=policy, name="dense")
        self.norm2 = GroupNorm(norm_epsilon, dtype=policy, name="norm2")
        self.conv2 = self.convolution(output_dim, 3, padding=1, dtype=policy, name="conv2")
        self.residual_projection = None

    def build(self, input_shape):
        x_shape, embedding_shape = input_shape
        inner_shape = (*x_shape[:-1], self.output_dim)
        self.norm1.build(x_shape)
        self.conv1.build(x_shape)
        self.dense.build(embedding_shape)
        self.norm2.build(inner_shape)
        self.conv2.build(inner_shape)
        if x_shape[-1] != self.output_dim:
            projection = self.convolution(self.output_dim, 1, dtype=self.dtype_policy, name="residual_projection")
            projection.build(x_shape)
            self.residual_projection = projection
        self.built = True

    def compute_output_shape(self, input_shape):
        return (*input_shape[0][:-1], self.output_dim)

    def call(self, inputs):
        x, t_emb = inputs
        h = self.conv1(ops.silu(self.norm1(x)))  # (B, H, W, output_dim)
        h = h + self.dense(ops.silu(t_emb))[:, None, None]  # (B, 1, 1, output_dim) broadcasts over all pixels
        h = self.conv2(ops.silu(self.norm2(h)))
        return h + (x if self.residual_projection is None else self.residual_projection(x))

    def get_config(self):
        return super().get_config() | {"output_dim": self.output_dim, "norm_epsilon": self.norm_epsilon}


class CrossAttention(keras.layers.Layer):
    """Attention of N heads, from the tokens to themselves (`context=None`) or to the tokens of a context.

        softmax(q kᵀ / sqrt(D)) v     with q from the inputs, k and v from the context

    Args:
        num_heads: number of heads, N.
        head_size: features of one head, D; `N·D` features go out.

    Call arguments:
        inputs: tensor `(B, S, F)`: the tokens that ask.
        context: tensor `(B, T, F')`: the tokens that answer, of any width, or None for the inputs themselves.

    Returns:
        Tensor `(B, S, N·D)`.

    Reference: Vaswani et al., "Attention Is All You Need" (2017), section 3.2; Rombach et al., "High-Resolution Image
    Synthesis with Latent Diffusion Models" (2022), section 3.3.
    """

    product = staticmethod(td_dot)  # a subclass may multiply in another way, of the same signature

    def __init__(self, num_heads, head_size, **kwargs):
        super().__init__(**kwargs)
        self.num_heads, self.head_size = num_heads, head_size
        width, policy = num_heads * head_size, self.dtype_policy
        self.to_q = dense(width, use_bias=False, dtype=policy, name="to_q")
        self.to_k = dense(width, use_bias=False, dtype=policy, name="to_k")
        self.to_v = dense(width, use_bias=False, dtype=policy, name="to_v")
        self.out_proj = dense(width, dtype=policy, name="out_proj")

    def build(self, inputs_shape, context_shape=None):
        answering_shape = inputs_shape if context_shape is None else context_shape
        self.to_q.build(inputs_shape)
        self.to_k.build(answering_shape)
        self.to_v.build(answering_shape)
        self.out_proj.build((*inputs_shape[:-1], self.num_heads * self.head_size))
        self.built = True

    def compute_output_shape(self, inputs_shape, context_shape=None):
        return (*inputs_shape[:-1], self.num_heads * self.head_size)

    def call(self, inputs, context=None):
        if context is None:
            context = inputs
        q, k, v = self.to_q(inputs), self.to_k(context), self.to_v(context)  # (B, S, N·D), twice (B, T, N·D)
        q, k, v = (ops.reshape(a, (-1, a.shape[1], self.num_heads, self.head_size)) for a in (q, k, v))
        out = attend(q, k, v, scale=self.head_size**-0.5, product=self.product)  # (B, S, N, D)
        return self.out_proj(ops.reshape(out, (-1, inputs.shape[1], self.num_heads * self.head_size)))

    def get_config(self):
        return super().get_config() | {"num_heads": self.num_heads, "head_size": self.head_size}


class BasicTransformerBlock(keras.layers.Layer):
    """Self-attention, cross-attention and a gated feed-forward network, each normalised before and added after.

        x = attn1(norm1(x)) + x
        x = attn2(norm2(x), context) + x
        y = dense(geglu(norm3(x))) + x

    Args:
        dim: features of a token, in and out; equals `num_heads·head_size`.
        num_heads, head_size: of both attentions.
        norm_epsilon: epsilon of the LayerNorms (Keras' default is 1e-3).
        gelu_approximate: the form of GEGLU's GELU.

    Call arguments:
        inputs: list of `tokens` `(B, S, dim)` and `context` `(B, T, F)`.

    Returns:
        Tensor `(B, S, dim)`.

    Reference: Rombach et al. (2022), appendix E.2.1; KerasCV, `diffusion_model.py`, `BasicTransformerBlock`.
    """

    attention, gated = CrossAttention, GEGLU  # a subclass may be made of other layers of the same signatures

    def __init__(self, dim, num_heads, head_size, norm_epsilon=1e-5, gelu_approximate=True, **kwargs):
        super().__init__(**kwargs)
        self.dim, self.num_heads, self.head_size = dim, num_heads, head_size
        self.norm_epsilon, self.gelu_approximate = norm_epsilon, gelu_approximate
        policy = self.dtype_policy
        self.norm1 = keras.layers.LayerNormalization(epsilon=norm_epsilon, dtype=policy, name="norm1")
        self.attn1 = self.attention(num_heads, head_size, dtype=policy, name="attn1")
        self.norm2 = keras.layers.LayerNormalization(epsilon=norm_epsilon, dtype=policy, name="norm2")
        self.attn2 = self.attention(num_heads, head_size, dtype=policy, name="attn2")
        self.norm3 = keras.layers.LayerNormalization(epsilon=norm_epsilon, dtype=policy, name="norm3")
        self.geglu = self.gated(4 * dim, approximate=gelu_approximate, dtype=policy, name="geglu")
        self.dense = dense(dim, dtype=policy, name="dense")

    def build(self, input_shape):
        tokens_shape, context_shape = input_shape
        for norm in (self.norm1, self.norm2, self.norm3):
            norm.build(tokens_shape)
        self.attn1.build(tokens_shape)
        self.attn2.build(tokens_shape, context_shape)
        self.geglu.build(tokens_shape)
        self.dense.build((*tokens_shape[:-1], 4 * self.dim))
        self.built = True

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def call(self, inputs):
        x, context = inputs
        x = self.attn1(self.norm1(x)) + x
        x = self.attn2(self.norm2(x), context=context) + x
        return self.dense(self.geglu(self.norm3(x))) + x

    def get_config(self):
        own = {"dim": self.dim, "num_heads": self.num_heads, "head_size": self.head_size}
        constants = {"norm_epsilon": self.norm_epsilon, "gelu_approximate": self.gelu_approximate}
        return super().get_config() | own | constants


class SpatialTransformer(keras.layers.Layer):
    """Reads a feature map as a sequence of pixels, lets a transformer block mix them with the context, and adds the
    result to the map.

        tokens = reshape(proj1(norm(x)))
        y = proj2(reshape(transformer_block(tokens, context))) + x

    Stands after each ResBlock of the three larger levels, and once in the middle.

    Args:
        num_heads, head_size: of the attentions; `num_heads·head_size` must equal the channels.
        fully_connected: project with a Dense layer (SD2) instead of a 1x1 convolution (SD1). Both compute the same.
        norm_epsilon: epsilon of the GroupNorm that opens the block.
        layer_norm_epsilon, gelu_approximate: passed to the transformer block.

    Call arguments:
        inputs: list of `x` `(B, H, W, C)` and `context` `(B, T, F)`.

    Returns:
        Tensor `(B, H, W, C)`.

    Raises:
        ValueError: if C is not `num_heads·head_size`.

    Reference: Rombach et al. (2022), section 3.3; diffusers, `transformer_2d.py`; KerasCV, `diffusion_model.py`.
    """

    transformer = BasicTransformerBlock  # a subclass may be made of another layer of the same signature

    def __init__(self, num_heads, head_size, fully_connected=False, **kwargs):
        self.norm_epsilon = kwargs.pop("norm_epsilon", 1e-5)  # diffusers and the original: 1e-6
        self.layer_norm_epsilon = kwargs.pop("layer_norm_epsilon", 1e-5)
        self.gelu_approximate = kwargs.pop("gelu_approximate", True)
        super().__init__(**kwargs)
        self.num_heads, self.head_size, self.fully_connected = num_heads, head_size, fully_connected
        channels, policy = num_heads * head_size, self.dtype_policy
        self.norm = GroupNorm(self.norm_epsilon, dtype=policy, name="norm")
        self.proj1 = self._projection("proj1")
        self.transformer_block = self.transformer(
            channels,
            num_heads,
            head_size,
            norm_epsilon=self.layer_norm_epsilon,
            gelu_approximate=self.gelu_approximate,
            dtype=policy,
            name="transformer_block",
        )
        self.proj2 = self._projection("proj2")

    def _projection(self, name):
        channels = self.num_heads * self.head_size
        if self.fully_connected:
            return dense(channels, dtype=self.dtype_policy, name=name)
        return PaddedConv2D(channels, 1, dtype=self.dtype_policy, name=name)

    def build(self, input_shape):
        x_shape, context_shape = input_shape
        batch, height, width, channels = x_shape
        if channels != self.num_heads * self.head_size:
            raise ValueError(
                "The channels of `x` must be num_heads * head_size. Received: "
                f"x of shape {tuple(x_shape)}, num_heads={self.num_heads}, head_size={self.head_size}"
            )
        tokens = None if height is None or width is None else height * width
        self.norm.build(x_shape)
        self.proj1.build(x_shape)
        self.transformer_block.build([(batch, tokens, channels), context_shape])
        self.proj2.build(x_shape)
        self.built = True

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def call(self, inputs):
        x, context = inputs
        _, height, width, channels = x.shape
        tokens = self.proj1(self.norm(x))
        tokens = ops.reshape(tokens, (-1, height * width, channels))  # (B, S, C)
        tokens = self.transformer_block([tokens, context])
        return self.proj2(ops.reshape(tokens, (-1, height, width, channels))) + x  # (B, H, W, C)

    def get_config(self):
        own = {"num_heads": self.num_heads, "head_size": self.head_size, "fully_connected": self.fully_connected}
        constants = {"norm_epsilon": self.norm_epsilon, "layer_norm_epsilon": self.layer_norm_epsilon}
        return super().get_config() | own | constants | {"gelu_approximate": self.gelu_approximate}
