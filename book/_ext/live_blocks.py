"""What the UNet's map tells of each block: inputs, output and parameters, at Stable Diffusion 2's size and in small.

Everything is read off the reference's models, which are put together without making their weights.
"""

import re
from math import prod

import keras

KINDS = {  # of the reference's layers
    r"conv_in": "conv_in",
    r"(down|up)\d_res\d|middle_res\d": "resblock",
    r"(down|up)\d_transformer\d|middle_transformer": "transformer",
    r"down\d_conv": "halving",
    r"up\d_upsample": "upsample",
}
PICTURE, TOKENS = 512, 77  # what SD2 is given


def block_facts(config):
    """The facts of all that can be chosen, in the order in which a latent meets it; then what comes from the side.

    Args:
        config: the small model's, as live_weights.py packs it.

    Returns:
        A list of dicts: `name`, `kind`; `part`, the switch that takes it away, or None; `tap`, its tensor; `sd2`
        and `small`, each of them `inputs`, pairs of what it is and its shape, `output`, a shape, and `parameters`.
    """
    full, small = models(config)
    names = [layer.name for layer in full.layers if kind_of(layer.name)]
    facts = [_entry(name, kind_of(name), full, small) for name in names]
    return [*facts, *(_entry(name, name.split("-")[0], full, small) for name in SPECIAL)]


def models(config):
    """SD2's UNet and the small one: their layers and shapes, no weights."""
    from autograder.reference import DiffusionModelV2, UNetConfig

    unet = {name: value for name, value in config["unet"].items() if name != "groups"}
    side, length = 8 * config["latent_side"], config["text"]["length"]
    unet_config = UNetConfig(**unet | {"channels": tuple(unet["channels"])})
    with keras.StatelessScope(initialize_variables=False):
        full = DiffusionModelV2(PICTURE, PICTURE, TOKENS, download_weights=False)
        small = DiffusionModelV2(side, side, length, download_weights=False, config=unet_config)
    keras.utils.clear_session()  # else the next such scope would make the 3.5 GB that were put off here
    return full, small


def kind_of(name):
    """What a layer of the reference is, or None if it is no block of the map."""
    return next((kind for pattern, kind in KINDS.items() if re.fullmatch(pattern, name)), None)


def _entry(name, kind, full, small):
    read = SPECIAL.get(name, _block)
    switch = {"exit": None, "conv_in": None, "halving": None, "upsample": None}.get(kind, name)
    tap = {"exit": "conv_out", "time": "time_dense2", "text": "context"}.get(name, name)
    if kind == "skips":
        tap = f"skip-{3 * int(name[-1])}"  # the first of its three
    entry = {"name": name, "kind": kind, "part": switch, "tap": tap}
    return entry | {"sd2": read(full, name), "small": read(small, name)}


def _shape(tensor):
    return list(tensor.shape[1:])


def _facts(inputs, output, *layers):
    parameters = sum(prod(weight.shape) for layer in layers for weight in layer.weights)
    return {"inputs": inputs, "output": output, "parameters": parameters}


def _block(model, name):
    """A layer's inputs, those that a Concatenate joins apart."""
    layer = model.get_layer(name)
    tensors = layer.input if isinstance(layer.input, list) else [layer.input]
    before = tensors[0]._keras_history.operation
    maps = before.input if isinstance(before, keras.layers.Concatenate) else tensors[:1]
    what = ["below", "kept"] if len(maps) > 1 else ["latent" if name == "conv_in" else "map"]
    beside = {"resblock": ["time"], "transformer": ["text"]}.get(kind_of(name), [])
    inputs = [[label, _shape(tensor)] for label, tensor in zip([*what, *beside], [*maps, *tensors[1:]], strict=True)]
    return _facts(inputs, _shape(layer.output), layer)


def _exit(model, name):
    norm, conv = model.get_layer("exit_norm"), model.get_layer("conv_out")
    return _facts([["map", _shape(norm.input)]], _shape(conv.output), norm, conv)


def _time(model, name):
    first, last = model.get_layer("time_dense1"), model.get_layer("time_dense2")
    return _facts([["timestep", _shape(first.input)]], _shape(last.output), first, last)


def _text(model, name):
    return _facts([], _shape(model.get_layer("context").output))


def _skips(model, name):
    level = int(name.split("-")[1])
    joins = [layer for layer in model.layers if isinstance(layer, keras.layers.Concatenate)][::-1]
    kept = [_shape(join.input[1]) for join in joins[3 * level : 3 * level + 3]]  # the last to join came first
    return _facts([["map", shape] for shape in kept], kept[0])


SPECIAL = {"exit": _exit, "time": _time, "text": _text} | {f"skips-{level}": _skips for level in range(4)}
