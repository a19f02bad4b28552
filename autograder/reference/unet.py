"""The whole UNet: time MLP, down flow, middle flow, up flow, exit flow, as one Keras model.

Shapes: B batch, H W height and width of the latent picture, C its channels, T context tokens, F context features.
"""

import keras

from autograder.reference.blocks import ResBlock, SpatialTransformer
from autograder.reference.config import DOWNSAMPLINGS, LATENT_FACTOR, SD2, UNetConfig
from autograder.reference.layers import GroupNorm, PaddedConv2D, Upsample

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

        def res_block(level, name):
            return ResBlock(config.channels[level], norm_epsilon=config.norm_epsilon, name=name)

        def transformer(level, name):
            return SpatialTransformer(
                config.num_heads(level),
                config.head_size,
                fully_connected=True,
                norm_epsilon=config.transformer_norm_epsilon,
                layer_norm_epsilon=config.layer_norm_epsilon,
                gelu_approximate=config.gelu_approximate,
                name=name,
            )

        # Time: 320 -> 1280 -> swish -> 1280
        t_emb = keras.layers.Dense(config.time_dim, name="time_dense1")(t_embed_input)
        t_emb = keras.layers.Activation("swish", name="time_swish")(t_emb)
        t_emb = keras.layers.Dense(config.time_dim, name="time_dense2")(t_emb)

        # Down flow
        x = PaddedConv2D(config.channels[0], 3, padding=1, name="conv_in")(latent)
        outputs = [x]
        for level in range(4):
            for i in range(2):
                x = res_block(level, f"down{level}_res{i}")([x, t_emb])
                if level < 3:
                    x = transformer(level, f"down{level}_transformer{i}")([x, context])
                outputs.append(x)
            if level < 3:
                downsample = PaddedConv2D(config.channels[level], 3, padding=1, strides=2, name=f"down{level}_conv")
                x = downsample(x)  # H, W halve
                outputs.append(x)

        # Middle flow
        x = res_block(3, "middle_res0")([x, t_emb])
        x = transformer(3, "middle_transformer")([x, context])
        x = res_block(3, "middle_res1")([x, t_emb])

        # Up flow
        for level in reversed(range(4)):
            for i in range(3):
                x = keras.layers.Concatenate(name=f"up{level}_concat{i}")([x, outputs.pop()])
                x = res_block(level, f"up{level}_res{i}")([x, t_emb])
                if level < 3:
                    x = transformer(level, f"up{level}_transformer{i}")([x, context])
            if level > 0:
                x = Upsample(config.channels[level], name=f"up{level}_upsample")(x)  # H, W double

        # Exit flow
        x = GroupNorm(config.norm_epsilon, name="exit_norm")(x)
        x = keras.layers.Activation("swish", name="exit_swish")(x)
        eps = PaddedConv2D(config.latent_channels, 3, padding=1, name="conv_out")(x)

        super().__init__([latent, t_embed_input, context], eps, name=name)
        self.unet_config = config
        if download_weights:
            from autograder.reference.weights import SD21_FILE, load_unet_weights

            load_unet_weights(self, SD21_FILE if download_weights is True else download_weights)


def _check_sides(img_height, img_width, max_text_length):
    for side in (img_height, img_width):
        if side < SIDE_STEP or side % SIDE_STEP:
            raise ValueError(
                f"`img_height` and `img_width` must be positive multiples of {SIDE_STEP}, so that the latent can be "
                f"halved {DOWNSAMPLINGS} times. Received: img_height={img_height}, img_width={img_width}"
            )
    if max_text_length < 1:
        raise ValueError(f"`max_text_length` must be at least 1. Received: max_text_length={max_text_length}")
