"""The text encoder: token numbers in, the context of the UNet out. A transformer that reads from left to right.

Shapes: B batch, T tokens, V vocabulary, F features (F = N·D), N heads, D head size.
"""

from dataclasses import dataclass, replace

import keras
import numpy as np
from keras import ops


@dataclass(frozen=True)
class TextEncoderConfig:
    """The numbers a text encoder is made of.

    Args:
        vocabulary: number of different tokens, V.
        length: tokens of a prompt, T; a shorter one is filled up, a longer one is cut, before it comes here.
        width: features of a token, in all layers and in the context that goes out.
        num_heads: attention heads of a block; divides `width`.
        layers: number of blocks. OpenCLIP's ViT-H has 24; Stable Diffusion 2 reads the state before the last one, so
            that 23 are used.
        norm_epsilon: epsilon of every LayerNorm: 1e-5, PyTorch's default.
        gelu_approximate: GELU in its tanh form (KerasCV) or exact (OpenCLIP and transformers).

    Raises:
        ValueError: if the numbers do not fit together.

    Reference: open_clip, `model_configs/ViT-H-14.json`; Stable Diffusion 2, `configs/stable-diffusion/`
    `v2-inference.yaml` (`FrozenOpenCLIPEmbedder`, `layer: "penultimate"`).
    """

    vocabulary: int = 49408
    length: int = 77
    width: int = 1024
    num_heads: int = 16
    layers: int = 23
    norm_epsilon: float = 1e-5
    gelu_approximate: bool = False

    def __post_init__(self) -> None:
        for name in ("vocabulary", "length", "width", "num_heads", "layers"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1. Received: {name}={getattr(self, name)}")
        if self.width % self.num_heads:
            raise ValueError(
                f"`width` must be a multiple of `num_heads`. Received: width={self.width}, num_heads={self.num_heads}"
            )

    @property
    def head_size(self) -> int:
        """Features of one head: 64 in Stable Diffusion 2."""
        return self.width // self.num_heads

    def keras_cv(self) -> "TextEncoderConfig":
        """The same model with KerasCV's numerics: GELU in its tanh form, which `keras.ops.gelu` takes by default."""
        return replace(self, gelu_approximate=True)


SD2_TEXT = TextEncoderConfig()


def causal_mask(length):
    """Which token may look at which: `(length, length)` of booleans, True where a row's token may look.

    A token sees itself and those before it, never those after it.
    """
    return np.tri(length, dtype=bool)


class TextEmbedding(keras.layers.Layer):
    """Token numbers as features, with the place of each token added: `tokens[n] + positions[t]`.

    Both tables are learned. They begin as OpenCLIP's do: normal, of spread 0.02 and 0.01.

    Args:
        vocabulary: number of different tokens.
        length: the largest number of tokens.
        width: features of a token.

    Call arguments:
        tokens: integers `(B, T)`, each from 0 to `vocabulary - 1`, T at most `length`.

    Returns:
        Tensor `(B, T, width)`.

    Reference: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision" (2021), section
    2.4; open_clip, `transformer.py`, `TextTransformer`.
    """

    def __init__(self, vocabulary, length, width, **kwargs):
        super().__init__(**kwargs)
        self.vocabulary, self.length, self.width = vocabulary, length, width
        self.tokens = keras.layers.Embedding(
            vocabulary,
            width,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=0.02),
            dtype=self.dtype_policy,
            name="tokens",
        )

    def build(self, input_shape):
        self.tokens.build(input_shape)
        self.positions = self.add_weight(
            shape=(self.length, self.width), initializer=keras.initializers.RandomNormal(stddev=0.01), name="positions"
        )
        self.built = True

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.width)

    def call(self, tokens):
        x = self.tokens(tokens)  # (B, T, F)
        return x + ops.cast(self.positions[: tokens.shape[1]], x.dtype)

    def get_config(self):
        return super().get_config() | {"vocabulary": self.vocabulary, "length": self.length, "width": self.width}


class CausalSelfAttention(keras.layers.Layer):
    """Attention of N heads, from each token to itself and to those before it.

        softmax(q kᵀ / sqrt(D) + mask) v     with mask = 0 where a token may look, -infinity where it may not

    All four projections have a bias, other than in the UNet. The softmax is taken in float32 whatever the dtype.

    Args:
        num_heads: number of heads, N.
        head_size: features of one head, D.

    Call arguments:
        x: tensor `(B, T, N·D)`.

    Returns:
        Tensor `(B, T, N·D)`.

    Reference: Vaswani et al., "Attention Is All You Need" (2017), sections 3.2 and 3.2.3; KerasCV 0.9.0,
    `models/stable_diffusion/clip_encoder.py`, `CLIPAttention`.
    """

    def __init__(self, num_heads, head_size, **kwargs):
        super().__init__(**kwargs)
        self.num_heads, self.head_size = num_heads, head_size
        width, policy = num_heads * head_size, self.dtype_policy
        self.to_q = keras.layers.Dense(width, dtype=policy, name="to_q")
        self.to_k = keras.layers.Dense(width, dtype=policy, name="to_k")
        self.to_v = keras.layers.Dense(width, dtype=policy, name="to_v")
        self.out_proj = keras.layers.Dense(width, dtype=policy, name="out_proj")

    def build(self, input_shape):
        for projection in (self.to_q, self.to_k, self.to_v, self.out_proj):
            projection.build(input_shape)
        self.built = True

    def compute_output_shape(self, input_shape):
        return input_shape

    def call(self, x):
        tokens, width = x.shape[1:]
        q, k, v = self.to_q(x), self.to_k(x), self.to_v(x)  # (B, T, F) each
        q, k, v = (ops.reshape(a, (-1, tokens, self.num_heads, self.head_size)) for a in (q, k, v))
        q, k, v = (ops.transpose(a, (0, 2, 1, 3)) for a in (q, k, v))  # (B, N, T, D)
        scores = ops.matmul(q * self.head_size**-0.5, ops.transpose(k, (0, 1, 3, 2)))  # (B, N, T, T)
        mask = np.where(causal_mask(tokens), 0, -np.inf).astype("float32")
        weights = ops.softmax(ops.add(ops.cast(scores, "float32"), mask))
        out = ops.transpose(ops.matmul(ops.cast(weights, v.dtype), v), (0, 2, 1, 3))  # (B, T, N, D)
        return self.out_proj(ops.reshape(out, (-1, tokens, width)))

    def get_config(self):
        return super().get_config() | {"num_heads": self.num_heads, "head_size": self.head_size}


class TextBlock(keras.layers.Layer):
    """Causal self-attention and a feed-forward network, each normalised before and added after.

        x = attention(norm1(x)) + x
        y = dense2(gelu(dense1(norm2(x)))) + x     with dense1 four times as wide as x

    Args:
        num_heads: number of heads, N.
        head_size: features of one head, D.
        norm_epsilon: epsilon of both LayerNorms (Keras' default is 1e-3).
        gelu_approximate: the form of GELU.

    Call arguments:
        x: tensor `(B, T, N·D)`.

    Returns:
        Tensor `(B, T, N·D)`.

    Reference: open_clip, `transformer.py`, `ResidualAttentionBlock`; KerasCV 0.9.0,
    `models/stable_diffusion/clip_encoder.py`, `CLIPEncoderLayer`.
    """

    def __init__(self, num_heads, head_size, norm_epsilon=1e-5, gelu_approximate=False, **kwargs):
        super().__init__(**kwargs)
        self.num_heads, self.head_size = num_heads, head_size
        self.norm_epsilon, self.gelu_approximate = norm_epsilon, gelu_approximate
        width, policy = num_heads * head_size, self.dtype_policy
        self.norm1 = keras.layers.LayerNormalization(epsilon=norm_epsilon, dtype=policy, name="norm1")
        self.attention = CausalSelfAttention(num_heads, head_size, dtype=policy, name="attention")
        self.norm2 = keras.layers.LayerNormalization(epsilon=norm_epsilon, dtype=policy, name="norm2")
        self.dense1 = keras.layers.Dense(4 * width, dtype=policy, name="dense1")
        self.dense2 = keras.layers.Dense(width, dtype=policy, name="dense2")

    def build(self, input_shape):
        for layer in (self.norm1, self.attention, self.norm2, self.dense1):
            layer.build(input_shape)
        self.dense2.build((*input_shape[:-1], 4 * input_shape[-1]))
        self.built = True

    def compute_output_shape(self, input_shape):
        return input_shape

    def call(self, x):
        x = self.attention(self.norm1(x)) + x
        h = ops.gelu(self.dense1(self.norm2(x)), approximate=self.gelu_approximate)  # (B, T, 4F)
        return self.dense2(h) + x

    def get_config(self):
        own = {"num_heads": self.num_heads, "head_size": self.head_size}
        constants = {"norm_epsilon": self.norm_epsilon, "gelu_approximate": self.gelu_approximate}
        return super().get_config() | own | constants


class TextEncoder(keras.Model):
    """Stable Diffusion 2's text encoder: a prompt's tokens become the context that the UNet's attention looks at.

    Token and position embedding, `layers` TextBlocks, one LayerNorm. Stable Diffusion 2 takes OpenCLIP's ViT-H without
    its last block: the norm that was trained to follow block 24 follows block 23.

    Args:
        config: the numbers, `SD2_TEXT` by default.
        download_weights: True downloads KerasCV's Stable Diffusion 2.1 weights and checks their hash; a path loads a
            file (see `load_text_encoder_weights`); False leaves the weights random.
        name: name of the model.

    Call arguments:
        tokens: integers `(B, length)`.

    Returns:
        Tensor `(B, length, width)`.

    Raises:
        ValueError: if weights that were asked for do not fit the config.

    Reference: Cherti et al., "Reproducible Scaling Laws for Contrastive Language-Image Learning" (2023); KerasCV 0.9.0,
    `models/stable_diffusion/text_encoder.py`, `TextEncoderV2`.
    """

    def __init__(self, config: TextEncoderConfig = SD2_TEXT, download_weights=False, name=None):
        tokens = keras.Input((config.length,), dtype="int32", name="tokens")
        x = TextEmbedding(config.vocabulary, config.length, config.width, name="embedding")(tokens)
        for i in range(config.layers):
            x = TextBlock(
                config.num_heads, config.head_size, config.norm_epsilon, config.gelu_approximate, name=f"block{i}"
            )(x)
        context = keras.layers.LayerNormalization(epsilon=config.norm_epsilon, name="final_norm")(x)
        super().__init__(tokens, context, name=name)
        self.text_config = config
        if download_weights:
            from autograder.reference.text_weights import load_text_encoder_weights

            load_text_encoder_weights(self, download_weights)
