"""Loading and saving the UNet's weights, with a proof that what was loaded is what the file holds.

A file matched by position can load wrongly without a word (to_k and to_v have the same shape), so three things follow
a load. Every array is read back and compared. A forward pass must give finite numbers that are not all the same. And
where the right numbers are known, they are compared: a file that `save_unet_weights` wrote carries the output of a
probe, and the published file, known by its hash, is a trained model that must tell noise from picture.
"""

import hashlib
import json
from dataclasses import replace
from os import PathLike
from pathlib import Path

import keras
import numpy as np

from autograder.reference.config import SD2
from autograder.reference.weight_files import (
    Loaded,
    legacy_root,
    load_keras,
    open_hdf5,
    open_safetensors,
    read_diffusers,
    read_legacy,
    to_torch,
)
from autograder.reference.weight_names import unet_slots

# Stable Diffusion 2.1 base as KerasCV 0.9.0 publishes it (`diffusion_model.py`, `DiffusionModelV2`): 3.5 GB.
SD21_FILE = "https://huggingface.co/ianstenbit/keras-sd2.1/resolve/main/diffusion_model_v2_1.h5"
SD21_SHA256 = "c31730e91111f98fe0e2dbde4475d381b5287ebb9672b1821796146a25c5132d"
SD21_NAME = SD21_FILE.rpartition("/")[2]

PROBE_KEY = "sd_unet_course.probe"  # of the safetensors metadata
# A probe may differ by what a device does to it: TF32 costs 1e-3, bfloat16 1.5e-2. In a small random model, to_k and
# to_v swapped in a single one of the 32 attentions cost 1.4e-2 to 0.5.
PROBE_TOLERANCE = {"float32": 5e-3}
PROBE_TOLERANCE_LOW_PRECISION = 1e-1
# At the noisiest time step the latent is 99.8 % noise, so a trained model that predicts the noise returns nearly its
# input: a mean squared error of 0.1, large for that step, is a correlation of 0.95. Random weights give 0 ± 0.02.
TRAINED_CORRELATION = 0.9
NOISIEST_TIMESTEP = 999  # of 1000


def load_unet_weights(model, path: str | PathLike) -> None:
    """Loads weights into a `DiffusionModelV2`, from any of the four files they come in, and checks them.

    Args:
        model: the `DiffusionModelV2`; its `unet_config` must be that of the file.
        path: `SD21_FILE` (downloads KerasCV's Stable Diffusion 2.1 weights, 3.5 GB, once, and verifies their hash), or
            the path of a `.h5` file in KerasCV's legacy layout, matched by position; of diffusers'
            `.safetensors`, matched by name; or of our own `.weights.h5`, as `model.save_weights` writes it.

    Raises:
        FileNotFoundError: if there is no such file.
        ConnectionError: if the published weights cannot be downloaded.
        ValueError: if the file is of an unknown kind, incomplete, from a model of another config, not the published
            one that its name promises, or if it fails a numeric check. A file that does not fit changes nothing.

    One thing cannot be noticed: in a legacy file that is not the published one, two arrays of one shape that stand in
    each other's place. Saved again with `save_unet_weights`, a model carries its own proof.

    Reference: KerasCV 0.9.0, `models/stable_diffusion/diffusion_model.py`; diffusers, `unet_2d_condition.py`.
    """
    file = _download(model) if path == SD21_FILE else Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"`path` must be a file with the UNet's weights. Received: {file}")
    slots = unet_slots(model)
    trained, probe = False, None
    if file.suffix == ".safetensors":
        with open_safetensors(file) as opened:
            probe = (opened.metadata() or {}).get(PROBE_KEY)
            _assign(read_diffusers(opened, slots))
    elif file.suffix == ".h5":
        trained = _is_published(model, file)
        _load_hdf5(model, file, slots)
    else:
        raise ValueError(
            "Weights come as `.h5` (KerasCV), `.safetensors` (diffusers) or `.weights.h5` (Keras 3); a PyTorch `.bin` "
            f"or `.ckpt` must be saved as safetensors first. Received: {file}"
        )
    _check_numbers(model, file, probe)
    if trained:
        _check_trained(model, file)


def save_unet_weights(model, path: str | PathLike) -> None:
    """Writes the weights as diffusers' safetensors, with the output of a probe that `load_unet_weights` compares.

    Args:
        model: a `DiffusionModelV2`.
        path: the file to write; ends with `.safetensors`.
    """
    from safetensors.numpy import save_file

    if Path(path).suffix != ".safetensors":
        raise ValueError(f"`path` must end with `.safetensors`. Received: {path}")
    tensors = {slot.name: to_torch(slot.numpy()) for slot in unet_slots(model)}
    output = _probe(model)
    probe = {"shape": output.shape, "values": [float(f"{value:.7g}") for value in output.ravel()]}
    save_file(tensors, path, metadata={"format": "pt", PROBE_KEY: json.dumps(probe)})


def noise_correlation(model, seed: int = 0) -> float:
    """How well the model knows pure noise at the noisiest time step: the correlation of its output with its input.

    The context is zero, the latent 32x32: any model that was trained to predict the noise is near 1, whatever
    its prompt; random weights are near 0.
    """
    config = model.unet_config
    noise = _normal(np.random.RandomState(seed), 1, 32, 32, config.latent_channels)
    context = np.zeros((1, model.input_shape[2][1], config.context_dim), "float32")
    eps = _predict(model, noise, context, NOISIEST_TIMESTEP)
    return float(np.corrcoef(noise.ravel(), eps.ravel())[0, 1])


def _download(model) -> Path:
    config = model.unet_config
    if not _is_sd2(config):
        raise ValueError(
            "Only a model of Stable Diffusion 2's config (`config=SD2`) has published weights: pass "
            f"`download_weights=False` or a path. Received: config={config}"
        )
    try:
        return Path(keras.utils.get_file(fname=SD21_NAME, origin=SD21_FILE, file_hash=SD21_SHA256))
    except Exception as error:  # `get_file` raises plain Exceptions
        if "hash" in str(error):
            raise ValueError(
                f"The downloaded file must have the sha256 {SD21_SHA256}: the download is incomplete or the file was "
                f"replaced. Delete it and try again. Received: {error}"
            ) from error
        raise ConnectionError(
            f"The weights must be downloaded from {SD21_FILE}. Try again, or fetch the file in another way and pass "
            f"its path as `download_weights`. Received: {error}"
        ) from error


def _is_sd2(config) -> bool:
    """Whether the widths are those of SD2; the numerics may be diffusers'."""
    widths = ("channels", "head_size", "context_dim", "latent_channels")
    return replace(SD2, **{name: getattr(config, name) for name in widths}) == SD2


def _is_published(model, file: Path) -> bool:
    """Whether the file is the published one, by its hash; the published name on other bytes is an error."""
    if file.name != SD21_NAME and not _is_sd2(model.unet_config):
        return False
    with file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    if file.name == SD21_NAME and sha256 != SD21_SHA256:
        raise ValueError(
            f"A file named {SD21_NAME} must be the published one, of sha256 {SD21_SHA256}: this one is incomplete or "
            "another. Download it again, or rename it if it is meant to be another. "
            f"Received: {file} of sha256 {sha256}"
        )
    return sha256 == SD21_SHA256


def _load_hdf5(model, file: Path, slots) -> None:
    with open_hdf5(file) as opened:
        root = legacy_root(opened)
        if root is not None:
            _assign(read_legacy(root, slots))
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


def _predict(model, noise: np.ndarray, context: np.ndarray, timestep: int) -> np.ndarray:
    """The model's output at any size (`model(...)` would check the sizes it was built for, `call` does not)."""
    half = model.unet_config.channels[0] // 2
    angles = timestep * np.exp(-np.log(10000.0) * np.arange(half) / half)
    embedding = np.concatenate([np.cos(angles), np.sin(angles)])[None].astype("float32")
    tensors = [keras.ops.convert_to_tensor(array) for array in (noise, embedding, context)]
    return keras.ops.convert_to_numpy(model.call(tensors)).astype("float32")


def _normal(random: np.random.RandomState, *shape: int) -> np.ndarray:
    """Seeded numbers from numpy's frozen generator (NEP 19): the same with every version."""
    return random.standard_normal(shape).astype("float32")


def _probe(model) -> np.ndarray:
    """The output for one fixed input, of 16x16 and 6 tokens whatever size the model was built for."""
    config, random = model.unet_config, np.random.RandomState(2)
    noise, context = _normal(random, 1, 16, 16, config.latent_channels), _normal(random, 1, 6, config.context_dim)
    return _predict(model, noise, context, timestep=500)


def _check_numbers(model, file: Path, recorded: str | None) -> None:
    output = _probe(model)
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
    tolerance = PROBE_TOLERANCE.get(model.get_layer("conv_in").compute_dtype, PROBE_TOLERANCE_LOW_PRECISION)
    if not error <= tolerance:
        raise ValueError(
            f"The model must compute what it computed when the file was saved (relative error at most {tolerance:g}). "
            "Weights were exchanged or changed since: save the file again from its source. "
            f"Received: {file}, error {error:.2g}"
        )


def _check_trained(model, file: Path) -> None:
    correlation = noise_correlation(model)
    if not correlation >= TRAINED_CORRELATION:
        raise ValueError(
            "A trained model returns nearly its input for pure noise at the noisiest time step: a correlation of at "
            f"least {TRAINED_CORRELATION}. The weights are in the wrong places: please report it. "
            f"Received: {correlation:.3f} with {file}"
        )
