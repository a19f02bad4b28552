"""Weights and training states as safetensors files, written so that a reader never meets half a file."""

from pathlib import Path

import numpy as np
from keras import ops
from safetensors import safe_open
from safetensors.numpy import load_file, save_file


def write_arrays(path, arrays, metadata=None):
    """Writes named arrays to `path`, first beside it and then by renaming."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    save_file({k: np.asarray(v, order="C") for k, v in arrays.items()}, partial, metadata=metadata or {})
    partial.replace(path)


def read_metadata(path):
    """The texts stored beside the arrays of a safetensors file."""
    with safe_open(path, "np") as file:
        return file.metadata() or {}


def state_of(variables):
    """Variables by position and path: what a training run needs to go on."""
    return {f"{i:04d}:{v.path}": ops.convert_to_numpy(v.value) for i, v in enumerate(variables)}


def restore_state(variables, arrays):
    """Puts back what `state_of` returned. A ValueError if the run was another one."""
    names = [f"{i:04d}" for i in range(len(variables))]
    by_position = {name.split(":")[0]: array for name, array in arrays.items()}
    shapes_agree = sorted(by_position) == names and all(
        by_position[n].shape == tuple(v.shape) for n, v in zip(names, variables, strict=True)
    )
    if not shapes_agree:
        raise ValueError(
            "A checkpoint must hold the variables of this training run. Received: "
            f"{len(arrays)} arrays for {len(variables)} variables, or arrays of other shapes; train into a new folder"
        )
    for name, variable in zip(names, variables, strict=True):
        variable.assign(by_position[name])


def named_weights(prefix, layer):
    """The weights of a layer or model by name: `prefix/` and each variable's path inside the model, float16."""
    weights = {f"{prefix}/{inner_path(layer, v)}": ops.convert_to_numpy(v.value) for v in layer.weights}
    if len(weights) != len(layer.weights):
        raise ValueError(f"The weights of {prefix} must have names of their own. Received: {sorted(weights)}")
    return {name: array.astype("float16") for name, array in weights.items()}


def file_with(prefix, folder):
    """The safetensors file of a folder that holds the weights of `prefix`.

    Raises:
        FileNotFoundError: if none does.
    """
    for path in sorted(Path(folder).glob("*.safetensors")):
        with safe_open(path, "np") as file:
            if any(name.startswith(prefix + "/") for name in file.keys()):  # noqa: SIM118, it is no dict
                return path
    raise FileNotFoundError(f"A folder of weights must hold those of {prefix}. Received: {folder}")


def load_named_weights(prefix, layer, path, command="autograder.small_model.train"):
    """Fills a layer or model from a file written from `named_weights`; every name and shape must agree.

    Args:
        prefix: of the names.
        layer: what is filled.
        path: the file.
        command: the module that makes it, for whoever does not have it.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"The trained weights must be at {path}. `python -m {command}` makes them")
    arrays = {k.removeprefix(prefix + "/"): a for k, a in load_file(path).items() if k.startswith(prefix + "/")}
    variables = {inner_path(layer, v): v for v in layer.weights}
    if {k: a.shape for k, a in arrays.items()} != {k: tuple(v.shape) for k, v in variables.items()}:
        odd = sorted(set(arrays) ^ set(variables)) or "other shapes"
        raise ValueError(f"{path.name} must hold the weights of {prefix} by name and shape. Received: {odd}")
    for name, variable in variables.items():
        variable.assign(arrays[name].astype("float32"))


def inner_path(layer, variable):
    """A variable's path inside a layer or model, whatever model that is part of."""
    return variable.path.split(f"{layer.name}/", 1)[-1]
