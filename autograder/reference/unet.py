"""The whole UNet: time MLP, down flow, middle flow, up flow, exit flow, as one Keras model.

Shapes: B batch, H W height and width of the latent picture, C its channels, T context tokens, F context features.
"""

import keras

from autograder.reference.blocks import ResBlock, SpatialTransformer
from autograder.reference.config import DOWNSAMPLINGS, LATENT_FACTOR, SD2, UNetConfig
from autograder.reference.flows import LAYER_NAMES, down_flow, exit_flow, middle_flow, up_flow
from autograder.reference.layers import PaddedConv2D, Upsample

SIDE_STEP = LATENT_FACTOR * 2**DOWNSAMPLINGS  # picture sides are multiples of this: 64


class DiffusionModelV2(keras.Model):
    """Stable Diffusion 2's UNet: from a noisy latent picture, the time and a text to the noise in the picture.

    Down: three levels of two [ResBlock, SpatialTransformer], each closed by a stride-2 convolution, then two ResBlocks
    at the smallest size; twelve feature maps are kept. Middle: ResBlock, SpatialTransformer, ResBlock. Up: four groups
    of three ResBlocks, each fed the last feature map kept, with SpatialTransformers in the last three groups and an
    Upsample after each of the first three. Exit: GroupNorm, swish, convolution.

    Args:
        img_height, img_width: sides of the picture in pixels, multiples of 64; the latent's are an eighth of them.
        max_text_length: tokens of the context, T (77 with CLIP).
        name: name of the model.
        download_weights: True downloads KerasCV's Stable Diffusion 2.1 weights and checks their hash; a path loads a
            file (see `load_unet_weights`); False leaves the weights random.
        config: widths and numerics, `SD2` by default.

    Call arguments:
        latent: tensor `(B, img_height / 8, img_width / 8, latent_channels)`.
        timestep_embedding: tensor `(B, channels[0])`, sinusoidal; the time MLP is inside the model.
        context: tensor `(B, max_text_length, context_dim)`.

    Returns:
        Tensor `(B, img_height / 8, img_width / 8, latent_channels)`: the predicted noise, eps.

    Raises:
        ValueError: if a side is not a multiple of 64, if `max_text_length` is not positive, or if weights that were
            asked for do not fit the config.

    Reference: Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models" (2022); KerasCV 0.9.0,
    `models/stable_diffusion/diffusion_model.py`, `DiffusionModelV2`.
    """

    def __init__(
        self,
        img_height,
        img_width,
        max_text_length,
        name=None,
        download_weights=True,
        config: UNetConfig = SD2,
    ):
        _check_sides(img_height, img_width, max_text_length)
        height, width = img_height // LATENT_FACTOR, img_width // LATENT_FACTOR
        latent = keras.Input((height, width, config.latent_channels), name="latent")
        t_embed_input = keras.Input((config.channels[0],), name="timestep_embedding")
        context = keras.Input((max_text_length, config.context_dim), name="context")

        blocks = NamedBlocks(config)

        # Time: 320 -> 1280 -> swish -> 1280
        t_emb = keras.layers.Dense(config.time_dim, name="time_dense1")(t_embed_input)
        t_emb = keras.layers.Activation("swish", name="time_swish")(t_emb)
        t_emb = keras.layers.Dense(config.time_dim, name="time_dense2")(t_emb)

        x, outputs = down_flow(latent, t_emb, context, blocks)
        x = middle_flow(x, t_emb, context, blocks)
        x = up_flow(x, outputs, t_emb, context, blocks)
        eps = exit_flow(x, blocks, config.norm_epsilon)

        super().__init__([latent, t_embed_input, context], eps, name=name)
        self.unet_config = config
        if download_weights:
            from autograder.reference.weights import SD21_FILE, load_unet_weights

            load_unet_weights(self, SD21_FILE if download_weights is True else download_weights)


class NamedBlocks:
    """The `blocks` of the flows: the reference's own, of one config, each under its name in the whole UNet."""

    def __init__(self, config: UNetConfig):
        self.config, self.channels, self.head_size = config, config.channels, config.head_size
        self.latent_channels, self.context_dim = config.latent_channels, config.context_dim
        kinds = {kind for names in LAYER_NAMES.values() for kind in names}
        self._names = {kind: iter([n for flow in LAYER_NAMES.values() for n in flow.get(kind, ())]) for kind in kinds}

    def PaddedConv2D(self, filters, kernel_size, padding=0, strides=1):
        return PaddedConv2D(filters, kernel_size, padding, strides, name=next(self._names["PaddedConv2D"]))

    def ResBlock(self, output_dim):
        return ResBlock(output_dim, norm_epsilon=self.config.norm_epsilon, name=next(self._names["ResBlock"]))

    def SpatialTransformer(self, num_heads, head_size, fully_connected=False):
        return SpatialTransformer(
            num_heads,
            head_size,
            fully_connected,
            norm_epsilon=self.config.transformer_norm_epsilon,
            layer_norm_epsilon=self.config.layer_norm_epsilon,
            gelu_approximate=self.config.gelu_approximate,
            name=next(self._names["SpatialTransformer"]),
        )

    def Upsample(self, channels):
        return Upsample(channels, name=next(self._names["Upsample"]))


def _check_sides(img_height, img_width, max_text_length):
    for side in (img_height, img_width):
        if side < SIDE_STEP or side % SIDE_STEP:
            raise ValueError(
                f"`img_height` and `img_width` must be positive multiples of {SIDE_STEP}, so that the latent can be "
                f"halved {DOWNSAMPLINGS} times. Received: img_height={img_height}, img_width={img_width}"
            )
    if max_text_length < 1:
        raise ValueError(f"`max_text_length` must be at least 1. Received: max_text_length={max_text_length}")
