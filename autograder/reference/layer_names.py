"""What the layers of the UNet are called, and the blocks that give them these names."""

from autograder.reference.config import UNetConfig

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


class NamedBlocks:
    """The `blocks` of the flows, with a config's numbers and numerics, each block under its name in the whole UNet.

    Args:
        config: a `UNetConfig`.
        kinds: the classes of the blocks: PaddedConv2D, ResBlock, SpatialTransformer and Upsample.
    """

    def __init__(self, config: UNetConfig, *kinds: type):
        self.channels, self.head_size = config.channels, config.head_size
        self.latent_channels, self.context_dim = config.latent_channels, config.context_dim
        for kind in kinds:
            setattr(self, kind.__name__, _named(kind, config.numerics(kind.__name__)))


def _named(kind, numerics):
    """Makes blocks of a kind, each with the next of its names."""
    names = iter([name for flow in LAYER_NAMES.values() for name in flow.get(kind.__name__, ())])
    return lambda *arguments, **keywords: kind(*arguments, **keywords, **numerics, name=next(names))
