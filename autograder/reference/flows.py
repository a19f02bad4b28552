"""The four flows of the UNet: down, middle, up, exit. Functions that wire blocks together and know nothing of their
insides.

A flow is given `blocks`, a namespace that makes them: `blocks.PaddedConv2D`, `.ResBlock`, `.SpatialTransformer` and
`.Upsample` with the signatures of the reference's classes, and the numbers `blocks.channels` (the four widths),
`.head_size` and `.latent_channels`.

Shapes: B batch, H W height and width of the latent picture, C channels, E features of the embedded time, T context
tokens, F context features.
"""

import keras

from autograder.reference.layers import GroupNorm

LEVELS = 4
# What the blocks of each flow are called, by kind, in the order in which the flow makes them.
LAYER_NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "down": {
        "PaddedConv2D": ("conv_in", *(f"down{level}_conv" for level in range(3))),
        "ResBlock": tuple(f"down{level}_res{i}" for level in range(4) for i in range(2)),
        "SpatialTransformer": tuple(f"down{level}_transformer{i}" for level in range(3) for i in range(2)),
    },
    "middle": {"ResBlock": ("middle_res0", "middle_res1"), "SpatialTransformer": ("middle_transformer",)},
    "up": {
        "ResBlock": tuple(f"up{level}_res{i}" for level in (3, 2, 1, 0) for i in range(3)),
        "SpatialTransformer": tuple(f"up{level}_transformer{i}" for level in (2, 1, 0) for i in range(3)),
        "Upsample": tuple(f"up{level}_upsample" for level in (3, 2, 1)),
    },
    "exit": {"PaddedConv2D": ("conv_out",)},
}


def down_flow(latent, t_emb, context, blocks):
    """Three levels of two [ResBlock, SpatialTransformer], each closed by a stride-2 convolution, then two ResBlocks.

    Args:
        latent: tensor `(B, H, W, latent_channels)`.
        t_emb: the embedded time, `(B, E)`.
        context: tensor `(B, T, F)`.
        blocks: namespace that makes the blocks.

    Returns:
        `x` `(B, H/8, W/8, channels[3])` and the list of the 12 feature maps to keep, `x` itself last.
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

    Args:
        x: tensor `(B, H/8, W/8, channels[3])`.
        outputs: the 12 feature maps kept on the way down. The list stays as it is.
        t_emb, context, blocks: as in `down_flow`.

    Returns:
        Tensor `(B, H, W, channels[0])`.
    """
    outputs = list(outputs)
    for level in reversed(range(LEVELS)):
        width = blocks.channels[level]
        for _ in range(3):
            x = keras.layers.Concatenate()([x, outputs.pop()])
            x = blocks.ResBlock(width)([x, t_emb])
            if level < 3:
                x = transformer(width, blocks)([x, context])
        if level > 0:
            x = blocks.Upsample(width)(x)  # H, W double
    return x


def exit_flow(x, blocks, norm_epsilon=1e-5):
    """GroupNorm, swish, convolution: `(B, H, W, channels[0])` to the noise, eps `(B, H, W, latent_channels)`."""
    x = GroupNorm(norm_epsilon, name="exit_norm")(x)
    x = keras.layers.Activation("swish", name="exit_swish")(x)
    return blocks.PaddedConv2D(blocks.latent_channels, 3, padding=1)(x)


def transformer(width, blocks):
    """A SpatialTransformer of as many heads as fit into `width`."""
    return blocks.SpatialTransformer(width // blocks.head_size, blocks.head_size, fully_connected=True)
