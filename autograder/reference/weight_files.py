"""Reading the files that weights come in: KerasCV's legacy HDF5 layout, Keras 3's own, and safetensors.

Every reader compares the whole file with the model before it changes a single weight, and says what it expected.
"""

import itertools
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from autograder.reference.weight_names import Slot

# A reader yields each weight with the array that the file has for it.
Loaded = Iterator[tuple[Slot, np.ndarray]]


def open_hdf5(path: Path):
    import h5py

    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise ValueError(_unreadable(path, "HDF5", error)) from error


def _unreadable(path: Path, kind: str, error: Exception) -> str:
    return (
        f"A {path.suffix} file must be {kind}, and whole. This one cannot be opened: it is probably incomplete, or a "
        "web page saved in its place. Download or copy it again, and compare its size with the original's. "
        f"Received: {path} of {path.stat().st_size:,} bytes ({error})"
    )


# KerasCV's legacy layout: one HDF5 group a layer, matched by position


def legacy_root(file) -> Any | None:
    """The group that lists the layers (in a whole saved model: `model_weights`), or None in another layout."""
    for group in (file, file.get("model_weights", {})):
        if _names(group, "layer_names"):
            return group
    return None


def _names(group, attribute: str) -> list[str]:
    """A list of names; HDF5 limits an attribute to 64 KB, so a long list goes on in `NAME0`, `NAME1`, ..."""
    attributes = getattr(group, "attrs", {})
    parts = [attributes[attribute]] if attribute in attributes else []
    while f"{attribute}{len(parts)}" in attributes:
        parts.append(attributes[f"{attribute}{len(parts)}"])
    return [name.decode() if isinstance(name, bytes) else str(name) for part in parts for name in part]


def read_legacy(root, slots: list[Slot], model: str) -> Loaded:
    """Weights by position: the layers of the file that have any, in the file's order, are the model's layers."""
    in_file = [(name, _names(root[name], "weight_names")) for name in _names(root, "layer_names")]
    in_file = [(name, weights) for name, weights in in_file if weights]
    layers = [list(group) for _, group in itertools.groupby(slots, key=lambda slot: slot.layer)]
    if len(in_file) != len(layers):
        raise ValueError(
            f"The file must hold {len(layers)} layers with weights, as KerasCV saves its {model}. "
            f"Received: {len(in_file)} layers with weights, the first named {[name for name, _ in in_file[:3]]}"
        )
    found = []
    for position, ((name, weights), expected) in enumerate(zip(in_file, layers, strict=True)):
        try:
            datasets = [root[name][weight] for weight in weights]
        except KeyError as error:
            raise ValueError(
                f"Layer {position} of the file lists a weight it lacks. Received: {name} ({error})"
            ) from error
        _check_layer(position, name, datasets, expected)
        found += datasets
    return ((slot, np.asarray(dataset)) for slot, dataset in zip(slots, found, strict=True))


def _check_layer(position: int, name: str, datasets: list, expected: list[Slot]) -> None:
    place = f"Layer {position} of the file (of those with weights) must be `{expected[0].layer}`"
    if len(datasets) != len(expected):
        raise ValueError(f"{place}, of {len(expected)} arrays. Received: `{name}`, of {len(datasets)} arrays")
    for slot, dataset in zip(expected, datasets, strict=True):
        if tuple(dataset.shape) != slot.shape:
            raise ValueError(
                f"{place}, whose `{slot.name}` has shape {slot.shape}. The file must come from a model of this config. "
                f"Received: `{name}` with shape {tuple(dataset.shape)} there"
            )


# Keras 3's own layout: named by the attributes of our layers


def load_keras(model, path: Path, slots: list[Slot]) -> None:
    """Lets Keras load its own file, then finds every weight of the model among the file's arrays."""
    if not path.name.endswith(".weights.h5"):
        raise ValueError(f"Keras 3 loads weights from a file named *.weights.h5: rename this one. Received: {path}")
    try:
        model.load_weights(path)
    except (ValueError, KeyError, OSError) as error:
        raise ValueError(
            f"The file must have been written by `save_weights` of a {type(model).__name__} of the same config, with "
            f"this version of the course. Received: {path} ({error})"
        ) from error
    with open_hdf5(path) as file:
        stored: list[np.ndarray] = []
        file.visititems(lambda name, item: stored.append(np.asarray(item)) if hasattr(item, "dtype") else None)
    in_file = {_fingerprint(array) for array in stored}
    lost = [slot.name for slot in slots if _fingerprint(slot.numpy()) not in in_file]
    if lost:
        raise ValueError(f"Every weight must be one of the file's. Received: a file without {_some(lost)}")


def _fingerprint(array: np.ndarray) -> tuple[tuple[int, ...], int]:
    return array.shape, zlib.crc32(np.ascontiguousarray(array).tobytes())


# diffusers' and transformers' safetensors: matched by name


def open_safetensors(path: Path):
    from safetensors import SafetensorError, safe_open

    try:
        return safe_open(path, framework="np")
    except SafetensorError as error:
        raise ValueError(_unreadable(path, "in the safetensors format", error)) from error


def read_torch(file, slots: list[Slot], model: str, rename: Callable[[str], str | None] = str) -> Loaded:
    """Weights by the names of PyTorch's model, whatever their order, turned from its layouts into Keras'.

    `rename` says what a name in the file is in the slots; None leaves the weight out.
    """
    in_file = {new: name for name in file.keys() if (new := rename(name)) is not None}  # noqa: SIM118 - no dict
    names, expected = set(in_file), {slot.name for slot in slots}
    if names != expected:
        raise ValueError(
            f"The file must hold the {len(expected)} weights of {model}, by its names. "
            f"Received: {len(expected - names)} missing ({_some(expected - names)}), "
            f"{len(names - expected)} unexpected ({_some(names - expected)})"
        )
    for slot in slots:
        shape = tuple(file.get_slice(in_file[slot.name]).get_shape())
        if _from_torch(slot, np.broadcast_to(np.float32(0), shape)).shape != slot.shape:
            wanted = slot_to_torch(slot, np.broadcast_to(np.float32(0), slot.shape)).shape
            raise ValueError(
                f"`{slot.name}` of the file must have shape {wanted}, {slot.shape} in Keras' layout. "
                f"The file must come from a model of this config. Received: shape {shape}"
            )
    return ((slot, _from_torch(slot, _tensor(file, in_file[slot.name]))) for slot in slots)


def _tensor(file, name: str) -> np.ndarray:
    try:
        return file.get_tensor(name)
    except TypeError as error:  # safetensors before 0.6 has no bfloat16 for numpy
        raise ValueError(
            f"Weights must be stored in a type that safetensors can give to numpy: float32 or float16 always, bfloat16 "
            f"in its newer versions. Received: `{name}` ({error})"
        ) from error


def _some(names, count: int = 4) -> str:
    names = sorted(names)
    return ", ".join(names[:count]) + (", ..." if len(names) > count else "") if names else "none"


def from_torch(array: np.ndarray, rank: int) -> np.ndarray:
    """A PyTorch weight in Keras' layout and of that rank: OIHW -> HWIO, (out, in) -> (in, out).

    A linear layer and a 1x1 convolution are the same product; older checkpoints have the one, newer the other.
    """
    if array.ndim == 1:
        return array
    array = array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T
    if array.ndim == 4 and rank == 2 and array.shape[:2] == (1, 1):
        return array[0, 0]
    return array[None, None] if array.ndim == 2 and rank == 4 else array


def to_torch(array: np.ndarray) -> np.ndarray:
    """A Keras weight in PyTorch's layout."""
    return np.ascontiguousarray(array.transpose(3, 2, 0, 1) if array.ndim == 4 else array.T)


def _from_torch(slot: Slot, array: np.ndarray) -> np.ndarray:
    return array if slot.is_table else from_torch(array, len(slot.shape))


def slot_to_torch(slot: Slot, array: np.ndarray) -> np.ndarray:
    """The array of a slot in PyTorch's layout; tables have the same in both."""
    return array if slot.is_table else to_torch(array)
