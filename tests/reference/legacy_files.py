"""A small model's weights in the order of KerasCV's file, and the writer of such files."""

import functools

from autograder.reference import UNetConfig

from . import seeded

# Smaller still: for everything that needs a model but not the fixtures' numbers
NARROW = UNetConfig(channels=(64, 96, 96, 96), head_size=32, context_dim=8)
NARROW_LAYERS = (NARROW.channels, NARROW.context_dim, NARROW.latent_channels)


@functools.cache
def narrow_layers():
    return arrays_of(seeded.unet_layers(*NARROW_LAYERS))


def arrays_of(layers):
    """[[(name, array), ...] of each layer], in the order of KerasCV's file."""
    return [
        [(f"{layer}.{name}", seeded.weight(f"{layer}.{name}", shape)) for name, shape in layout.items()]
        for layer, layout in layers
    ]


def narrow_arrays():
    return {name: array for layer in narrow_layers() for name, array in layer}


def write_legacy(group, layers, names=None):
    """Keras' legacy layout. `names` as in the frozen file; else made up, as they do not matter."""
    names = names or [[f"layer_{i}", [[f"w{j}"] for j in range(len(layer))]] for i, layer in enumerate(layers)]
    group.attrs["layer_names"] = [layer for layer, _ in names]
    arrays = iter(layers)
    for layer, weight_names in names:
        inner = group.create_group(layer)
        inner.attrs["weight_names"] = [weight[0] for weight in weight_names]
        if weight_names:
            for (name, *_), (_, array) in zip(weight_names, next(arrays), strict=True):
                inner.create_dataset(name, data=array)
