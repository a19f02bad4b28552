"""Loading and saving any model's weights, with a proof that what was loaded is what the file holds.

A file matched by position can load wrongly without a word (to_k and to_v have the same shape), so three things follow
a load. Every array is read back and compared. A forward pass must give finite numbers that are not all the same. And
where the right numbers are known, they are compared: a file that `save` wrote carries the output of a probe, and a
published file, known by its hash, holds a trained model, of which a `Part` may demand what only a trained one does.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np

from autograder.reference.weight_files import (
    Loaded,
    legacy_root,
    load_keras,
    open_hdf5,
    open_safetensors,
    read_legacy,
    read_torch,
    slot_to_torch,
)
from autograder.reference.weight_names import Slot

# A path; or True, for the published file
Source = str | PathLike | Literal[True]

PROBE_KEY = "sd_unet_course.probe"  # of the safetensors metadata
# A probe may differ by what a device does to it: TF32 costs 1e-3, bfloat16 1.5e-2. In a small random model, to_k and
# to_v swapped in a single one of the 32 attentions cost 1.4e-2 to 0.5.
PROBE_TOLERANCE = {"float32": 5e-3}
PROBE_TOLERANCE_LOW_PRECISION = 1e-1


@dataclass(frozen=True)
class Published:
    """A file of trained weights that anybody can download: its address and its sha256."""

    url: str
    sha256: str

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]


def _leave(name: str) -> str:
    return name


@dataclass(frozen=True)
class Part:
    """What loading must know of a kind of model.

    Args:
        model: name of its class in KerasCV.
        in_torch: whose names a safetensors file has, for messages.
        published: KerasCV's file.
        slots: the weights of a model.
        probe: the model's output, an array, for one fixed input.
        config: the model's config.
        may_be_published: whether a model of that config can hold the published weights.
        rename: for a config, what says how a name in a safetensors file is called in the slots; None leaves it out.
        prove_trained: raises a ValueError if a model with the published weights does not behave as a trained one.
    """

    model: str
    in_torch: str
    published: Published
    slots: Callable[[Any], list[Slot]]
    probe: Callable[[Any], np.ndarray]
    config: Callable[[Any], Any]
    may_be_published: Callable[[Any], bool]
    rename: Callable[[Any], Callable[[str], str | None]] = lambda config: _leave
    prove_trained: Callable[[Any, Path], None] = lambda model, file: None


def load(part: Part, model, path: Source) -> None:
    """Loads weights into a model and checks them.

    Args:
        part: what kind of model it is.
        model: the model; its config must be that of the file.
        path: True or the address of the published file (downloads it once, and verifies its hash), or the path of a
            `.h5` file in KerasCV's legacy layout, matched by position; of a `.safetensors` file, matched by name; or of
            our own `.weights.h5`, as `model.save_weights` writes it.

    Raises:
        FileNotFoundError: if there is no such file.
        ConnectionError: if the published weights cannot be downloaded.
        ValueError: if the file is of an unknown kind, incomplete, from a model of another config, not the published
            one that its name promises, or if it fails a numeric check. A file that does not fit changes nothing.
    """
    file = _download(part, model) if path is True or path == part.published.url else Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"`path` must be a file with the weights of a {part.model}. Received: {file}")
    slots = part.slots(model)
    trained, probe = False, None
    if file.suffix == ".safetensors":
        with open_safetensors(file) as opened:
            probe = (opened.metadata() or {}).get(PROBE_KEY)
            _assign(read_torch(opened, slots, part.in_torch, part.rename(part.config(model))))
    elif file.suffix == ".h5":
        trained = is_published(part, model, file)
        _load_hdf5(part, model, file, slots)
    else:
        raise ValueError(
            "Weights come as `.h5` (KerasCV), `.safetensors` (diffusers) or `.weights.h5` (Keras 3); a PyTorch `.bin` "
            f"or `.ckpt` must be saved as safetensors first. Received: {file}"
        )
    _check_numbers(part, model, file, probe)
    if trained:
        part.prove_trained(model, file)


def save(part: Part, model, path: str | PathLike) -> None:
    """Writes the weights by PyTorch's names, as safetensors, with the output of a probe that `load` compares."""
    from safetensors.numpy import save_file

    if Path(path).suffix != ".safetensors":
        raise ValueError(f"`path` must end with `.safetensors`. Received: {path}")
    tensors = {slot.name: slot_to_torch(slot, slot.numpy()) for slot in part.slots(model)}
    output = part.probe(model)
    probe = {"shape": output.shape, "values": [float(f"{value:.7g}") for value in output.ravel()]}
    save_file(tensors, path, metadata={"format": "pt", PROBE_KEY: json.dumps(probe)})


def normal(random: np.random.RandomState, *shape: int) -> np.ndarray:
    """Seeded numbers from numpy's frozen generator (NEP 19): the same with every version."""
    return random.standard_normal(shape).astype("float32")


def call(model, *inputs: np.ndarray) -> np.ndarray:
    """The model's output at any size (`model(...)` would check the sizes it was built for, `call` does not)."""
    tensors = [keras.ops.convert_to_tensor(array) for array in inputs]
    output = model.call(tensors if len(tensors) > 1 else tensors[0])
    return keras.ops.convert_to_numpy(keras.ops.cast(output, "float32"))


def _download(part: Part, model) -> Path:
    config, published = part.config(model), part.published
    if not part.may_be_published(config):
        raise ValueError(
            "Only a model of Stable Diffusion 2's config (`config=SD2`) has published weights: pass "
            f"`download_weights=False` or a path. Received: config={config}"
        )
    try:
        return Path(keras.utils.get_file(fname=published.name, origin=published.url, file_hash=published.sha256))
    except Exception as error:  # `get_file` raises plain Exceptions
        if "hash" in str(error):
            raise ValueError(
                f"The downloaded file must have the sha256 {published.sha256}: the download is incomplete or the file "
                f"was replaced. Delete it and try again. Received: {error}"
            ) from error
        raise ConnectionError(
            f"The weights must be downloaded from {published.url}. Try again, or fetch the file in another way and "
            f"pass its path as `download_weights`. Received: {error}"
        ) from error


def is_published(part: Part, model, file: Path) -> bool:
    """Whether the file is the published one, by its hash; the published name on other bytes is an error."""
    published = part.published
    if file.name != published.name and not part.may_be_published(part.config(model)):
        return False
    with file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    if file.name == published.name and sha256 != published.sha256:
        raise ValueError(
            f"A file named {published.name} must be the published one, of sha256 {published.sha256}: this one is "
            "incomplete or another. Download it again, or rename it if it is meant to be another. "
            f"Received: {file} of sha256 {sha256}"
        )
    return sha256 == published.sha256


def _load_hdf5(part: Part, model, file: Path, slots: list[Slot]) -> None:
    with open_hdf5(file) as opened:
        root = legacy_root(opened)
        if root is not None:
            _assign(read_legacy(root, slots, part.model))
            return
        if "layers" not in opened:
            raise ValueError(
                "An HDF5 file of weights must list its layers (`layer_names`, KerasCV's legacy layout) or hold a group "
                f"`layers` (Keras 3). Received: {file} with {sorted(opened) or 'nothing'} at its top"
            )
    load_keras(model, file, slots)


def _assign(loaded: Loaded) -> None:
    """Gives each variable its array, and reads it back."""
    for slot, array in loaded:
        if not np.isfinite(array).all():
            raise ValueError(
                f"Every weight must be finite. Received: `{slot.name}` of `{slot.layer}` with NaN or infinity"
            )
        slot.variable.assign(array)
        held = slot.numpy()
        if not np.array_equal(held, array.astype(held.dtype)):
            raise ValueError(
                f"`{slot.name}` of `{slot.layer}` must equal the file's array once loaded. Received: other numbers"
            )


def _check_numbers(part: Part, model, file: Path, recorded: str | None) -> None:
    output = part.probe(model)
    if not np.isfinite(output).all() or output.std() == 0:
        raise ValueError(
            "A forward pass with the loaded weights must give finite numbers that are not all the same: the file holds "
            f"no usable model. Received: {file}, output of mean {output.mean():.3g} and spread {output.std():.3g}"
        )
    if recorded is None:
        return
    probe = json.loads(recorded)
    wanted = np.asarray(probe["values"], "float32").reshape(probe["shape"])
    error = float(np.linalg.norm(output - wanted) / np.linalg.norm(wanted))
    tolerance = PROBE_TOLERANCE.get(model.layers[-1].compute_dtype, PROBE_TOLERANCE_LOW_PRECISION)
    if not error <= tolerance:
        raise ValueError(
            f"The model must compute what it computed when the file was saved (relative error at most {tolerance:g}). "
            "Weights were exchanged or changed since: save the file again from its source. "
            f"Received: {file}, error {error:.2g}"
        )
