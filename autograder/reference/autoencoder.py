"""The autoencoder of the latent pictures: `Encoder` makes a latent of a picture, `Decoder` a picture of a latent.

It is Stable Diffusion 1's and 2's alike. The UNet never sees a pixel: it works between these two.

Shapes: B batch, H W height and width of what a layer gets, C channels.
"""

from dataclasses import dataclass, replace

import keras
from keras import ops

from autograder.reference.config import GROUPS
from autograder.reference.fast.group_norm import GroupNorm
from autograder.reference.unet import PaddedConv2D, Upsample


@dataclass(frozen=True)
class AutoencoderConfig:
    """The numbers an autoencoder is made of.

    Args:
        channels: width of each level, from the picture to the latent; each is a multiple of 32 (GroupNorm's groups).
            Between two levels the sides are halved.
        latent_channels: channels of the latent.
        picture_channels: channels of the picture.
        blocks: ResBlocks of a level in the encoder; the decoder has one more.
        norm_epsilon: epsilon of every GroupNorm: 1e-6 in diffusers (`vae.py`) and in the original (`model.py`,
            `Normalize`), 1e-5 in KerasCV.
        factor: what latents are multiplied by once encoded, so that their variance is 1.

    Raises:
        ValueError: if the numbers do not fit together.

    Reference: Rombach et al. (2022), appendix G; Stable Diffusion 2, `configs/stable-diffusion/v2-inference.yaml`.
    """

    channels: tuple[int, ...] = (128, 256, 512, 512)
    latent_channels: int = 4
    picture_channels: int = 3
    blocks: int = 2
    norm_epsilon: float = 1e-6
    factor: float = 0.18215

    def __post_init__(self) -> None:
        if not self.channels or any(width < 1 or width % GROUPS for width in self.channels):
            raise ValueError(
                f"Every width must be a positive multiple of {GROUPS} (GroupNorm's groups). "
                f"Received: channels={self.channels}"
            )
        for name in ("latent_channels", "picture_channels", "blocks"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1. Received: {name}={getattr(self, name)}")

    @property
    def side_factor(self) -> int:
        """Picture pixels for each latent pixel, along one side: 8."""
        return 2 ** (len(self.channels) - 1)

    def keras_cv(self) -> "AutoencoderConfig":
        """The same autoencoder with KerasCV's numerics: epsilon 1e-5 in the GroupNorms."""
        return replace(self, norm_epsilon=1e-5)


SD2_AUTOENCODER = AutoencoderConfig()


class PlainResBlock(keras.layers.Layer):
    """Two normalised convolutions around a shortcut: the UNet's ResBlock without the time.

        h = conv1(swish(norm1(x)))
        y = conv2(swish(norm2(h))) + residual_projection(x)

    Args:
        output_dim: channels of the output. Where the input has another number, `residual_projection` is a 1x1
            convolution; else it is the identity.
        norm_epsilon: epsilon of both GroupNorms.

    Call arguments:
        x: tensor `(B, H, W, C)`.

    Returns:
        Tensor `(B, H, W, output_dim)`.

    Reference: Esser et al., "Taming Transformers for High-Resolution Image Synthesis" (2021), appendix A; KerasCV
    0.9.0, `models/stable_diffusion/resnet_block.py`.
    """

    def __init__(self, output_dim, norm_epsilon=1e-6, **kwargs):
        super().__init__(**kwargs)
        self.output_dim, self.norm_epsilon = output_dim, norm_epsilon
        policy = self.dtype_policy
        self.norm1 = GroupNorm(norm_epsilon, dtype=policy, name="norm1")
        self.conv1 = PaddedConv2D(output_dim, 3, padding=1, dtype=policy, name="conv1")
        self.norm2 = GroupNorm(norm_epsilon, dtype=policy, name="norm2")
        self.conv2 = PaddedConv2D(output_dim, 3, padding=1, dtype=policy, name="conv2")
        self.residual_projection = None

    def build(self, input_shape):
        inner_shape = self.compute_output_shape(input_shape)
        for layer, shape in ((self.norm1, input_shape), (self.conv1, input_shape), (self.norm2, inner_shape)):
            layer.build(shape)
        self.conv2.build(inner_shape)
        if input_shape[-1] != self.output_dim:
            projection = PaddedConv2D(self.output_dim, 1, dtype=self.dtype_policy, name="residual_projection")
            projection.build(input_shape)
            self.residual_projection = projection
        self.built = True

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.output_dim)

    def call(self, x):
        h = self.conv1(ops.silu(self.norm1(x)))  # (B, H, W, output_dim)
        h = self.conv2(ops.silu(self.norm2(h)))
        return h + (x if self.residual_projection is None else self.residual_projection(x))

    def get_config(self):
        return super().get_config() | {"output_dim": self.output_dim, "norm_epsilon": self.norm_epsilon}


class PixelAttention(keras.layers.Layer):
    """Attention of one head, from every pixel to every pixel, around a shortcut.

        y = out_proj(softmax(q kᵀ / sqrt(C)) v) + x     with q, k and v from norm(x)

    Scores and softmax are computed in float32 whatever the dtype: with the trained weights, float16 overflows here.

    Args:
        norm_epsilon: epsilon of the GroupNorm.

    Call arguments:
        x: tensor `(B, H, W, C)`.

    Returns:
        Tensor `(B, H, W, C)`.

    Reference: Esser et al. (2021), appendix A; KerasCV 0.9.0, `models/stable_diffusion/attention_block.py`.
    """

    def __init__(self, norm_epsilon=1e-6, **kwargs):
        super().__init__(**kwargs)
        self.norm_epsilon = norm_epsilon
        self.norm = GroupNorm(norm_epsilon, dtype=self.dtype_policy, name="norm")

    def build(self, input_shape):
        self.norm.build(input_shape)
        for name in ("to_q", "to_k", "to_v", "out_proj"):
            projection = PaddedConv2D(input_shape[-1], 1, dtype=self.dtype_policy, name=name)
            projection.build(input_shape)
            setattr(self, name, projection)
        self.built = True

    def compute_output_shape(self, input_shape):
        return input_shape

    def call(self, x):
        height, width, channels = x.shape[1:]
        normed = self.norm(x)
        q, k, v = (
            ops.reshape(ops.cast(project(normed), "float32"), (-1, height * width, channels))
            for project in (self.to_q, self.to_k, self.to_v)
        )  # (B, H·W, C) each
        scores = ops.matmul(q * channels**-0.5, ops.transpose(k, (0, 2, 1)))  # (B, H·W, H·W)
        out = ops.cast(ops.matmul(ops.softmax(scores), v), x.dtype)
        return self.out_proj(ops.reshape(out, (-1, height, width, channels))) + x

    def get_config(self):
        return super().get_config() | {"norm_epsilon": self.norm_epsilon}


class Downsample(keras.layers.Layer):
    """Halves height and width with a 3x3 convolution of stride 2 that pads below and to the right only.

    One zero in all and none before: what Keras' `padding="same"` does here, and what the UNet does not.

    Args:
        channels: channels of the output.

    Call arguments:
        x: tensor `(B, H, W, C)`.

    Returns:
        Tensor `(B, H / 2, W / 2, channels)`.

    Reference: diffusers, `models/downsampling.py`, `Downsample2D` with `padding=0`; KerasCV 0.9.0,
    `models/stable_diffusion/image_encoder.py`.
    """

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.conv = PaddedConv2D(channels, 3, strides=2, dtype=self.dtype_policy, name="conv")

    def build(self, input_shape):
        self.conv.build(_one_more(input_shape))
        self.built = True

    def compute_output_shape(self, input_shape):
        return self.conv.compute_output_shape(_one_more(input_shape))

    def call(self, x):
        return self.conv(ops.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0))))

    def get_config(self):
        return super().get_config() | {"channels": self.channels}


def _one_more(shape):
    batch, height, width, channels = shape
    return (batch, height + 1, width + 1, channels)


class Encoder(keras.Model):
    """Makes the latent of a picture: its mean, as the autoencoder learned a distribution of latents for each picture.

    A convolution, the levels of ResBlocks with a `Downsample` between them, a middle of ResBlock, attention, ResBlock,
    then norm, swish and two convolutions that make mean and logarithm of the variance. The mean goes out, times
    `config.factor`.

    Args:
        img_height, img_width: sides of the picture in pixels, multiples of 8.
        config: the numbers, `SD2_AUTOENCODER` by default.
        download_weights: True downloads KerasCV's weights and checks their hash; a path loads a file (see
            `load_encoder_weights`); False leaves the weights random.
        name: name of the model.

    Call arguments:
        picture: tensor `(B, img_height, img_width, 3)` of -1 to 1.

    Returns:
        Tensor `(B, img_height / 8, img_width / 8, 4)`.

    Raises:
        ValueError: if a side is not a multiple of 8, or if weights that were asked for do not fit.

    Reference: Rombach et al. (2022), section 3.1; KerasCV 0.9.0, `models/stable_diffusion/image_encoder.py`.
    """

    def __init__(self, img_height, img_width, config=SD2_AUTOENCODER, download_weights=False, name=None):
        _check_sides(img_height, img_width, config)
        picture = keras.Input((img_height, img_width, config.picture_channels), name="picture")
        x = PaddedConv2D(config.channels[0], 3, padding=1, name="conv_in")(picture)
        for level, width in enumerate(config.channels):
            for i in range(config.blocks):
                x = PlainResBlock(width, config.norm_epsilon, name=f"down{level}_res{i}")(x)
            if level < len(config.channels) - 1:
                x = Downsample(width, name=f"down{level}_conv")(x)
        x = _middle(x, config)
        x = ops.silu(GroupNorm(config.norm_epsilon, name="exit_norm")(x))
        x = PaddedConv2D(2 * config.latent_channels, 3, padding=1, name="conv_out")(x)
        x = PaddedConv2D(2 * config.latent_channels, 1, name="quant_conv")(x)
        latent = config.factor * x[..., : config.latent_channels]
        super().__init__(picture, latent, name=name)
        self.autoencoder_config = config
        if download_weights:
            from autograder.reference.autoencoder_weights import load_encoder_weights

            load_encoder_weights(self, download_weights)


class Decoder(keras.Model):
    """Makes the picture of a latent: the encoder's way back.

    The latent divided by `config.factor`, a 1x1 and a 3x3 convolution, a middle of ResBlock, attention, ResBlock, the
    levels of ResBlocks with an `Upsample` between them, then norm, swish and a convolution.

    Args:
        img_height, img_width: sides of the picture in pixels, multiples of 8.
        config: the numbers, `SD2_AUTOENCODER` by default.
        download_weights: True downloads KerasCV's weights and checks their hash; a path loads a file (see
            `load_decoder_weights`); False leaves the weights random.
        name: name of the model.

    Call arguments:
        latent: tensor `(B, img_height / 8, img_width / 8, 4)`.

    Returns:
        Tensor `(B, img_height, img_width, 3)`, about -1 to 1.

    Raises:
        ValueError: if a side is not a multiple of 8, or if weights that were asked for do not fit.

    Reference: Rombach et al. (2022), section 3.1; KerasCV 0.9.0, `models/stable_diffusion/decoder.py`.
    """

    def __init__(self, img_height, img_width, config=SD2_AUTOENCODER, download_weights=False, name=None):
        _check_sides(img_height, img_width, config)
        sides = (img_height // config.side_factor, img_width // config.side_factor)
        latent = keras.Input((*sides, config.latent_channels), name="latent")
        x = PaddedConv2D(config.latent_channels, 1, name="post_quant_conv")(latent / config.factor)
        x = PaddedConv2D(config.channels[-1], 3, padding=1, name="conv_in")(x)
        x = _middle(x, config)
        for level, width in reversed(list(enumerate(config.channels))):
            for i in range(config.blocks + 1):
                x = PlainResBlock(width, config.norm_epsilon, name=f"up{level}_res{i}")(x)
            if level:
                x = Upsample(width, name=f"up{level}_upsample")(x)
        x = ops.silu(GroupNorm(config.norm_epsilon, name="exit_norm")(x))
        picture = PaddedConv2D(config.picture_channels, 3, padding=1, name="conv_out")(x)
        super().__init__(latent, picture, name=name)
        self.autoencoder_config = config
        if download_weights:
            from autograder.reference.autoencoder_weights import load_decoder_weights

            load_decoder_weights(self, download_weights)


def _middle(x, config):
    x = PlainResBlock(config.channels[-1], config.norm_epsilon, name="middle_res0")(x)
    x = PixelAttention(config.norm_epsilon, name="middle_attention")(x)
    return PlainResBlock(config.channels[-1], config.norm_epsilon, name="middle_res1")(x)


def _check_sides(img_height, img_width, config):
    step = config.side_factor
    for side in (img_height, img_width):
        if side < step or side % step:
            raise ValueError(
                f"`img_height` and `img_width` must be positive multiples of {step}, the pixels along the side of a "
                f"latent's pixel. Received: img_height={img_height}, img_width={img_width}"
            )
