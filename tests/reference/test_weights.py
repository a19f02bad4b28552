"""Loading and saving: every kind of file gives its weights, every broken file its own error, and none half a model.

The legacy file is written with the names, the order and the shapes of a file that KerasCV 0.9.0 really saved
(`fixtures/keras_cv_file.json`); `make_fixtures.py` loads the real ones.
"""

import json
import types

import h5py
import keras
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from autograder.reference import (
    SD2,
    SD21_FILE,
    TINY,
    DiffusionModelV2,
    load_unet_weights,
    loading,
    noise_correlation,
    save_unet_weights,
    weights,
)
from autograder.reference.weight_names import unet_slots

from . import helpers, seeded
from .legacy_files import NARROW, arrays_of, narrow_arrays, narrow_layers, write_legacy


@pytest.fixture(scope="module")
def narrow():
    return DiffusionModelV2(64, 128, 5, download_weights=False, config=NARROW)


@pytest.fixture
def unchanged(narrow):
    """Afterwards, the narrow model must still have the weights it had: an error loads nothing."""
    before = [weight.copy() for weight in narrow.get_weights()]
    yield narrow
    assert all(np.array_equal(a, b) for a, b in zip(before, narrow.get_weights(), strict=True))


@pytest.fixture
def legacy(tmp_path):
    """A function that writes a legacy file of the narrow model after `change(layers)`."""

    def write(change=lambda layers: None, path=tmp_path / "narrow.h5", group=None):
        layers = [list(layer) for layer in narrow_layers()]
        change(layers)
        with h5py.File(path, "w") as file:
            write_legacy(file.create_group(group) if group else file, layers)
        return path

    return write


def assert_holds(model, arrays):
    held = {slot.name: slot.numpy() for slot in unet_slots(model)}
    assert held.keys() == arrays.keys()
    assert all(np.array_equal(held[name], arrays[name]) for name in held)


def fresh(model):
    """Other numbers in every weight, so that a load that does nothing is seen."""
    for slot in unet_slots(model):
        slot.variable.assign(seeded.weight(slot.name, slot.shape, seed=1))
    return model


# What loads


def test_legacy_file_with_keras_cvs_structure_computes_what_keras_cv_did(tmp_path, fixtures_dir):
    names = json.loads((fixtures_dir / "keras_cv_file.json").read_text())["layers"]
    layers = arrays_of(seeded.unet_layers())
    shapes = [[shape for _, shape in weights] for _, weights in names if weights]
    assert [[list(array.shape) for _, array in layer] for layer in layers] == shapes
    with h5py.File(tmp_path / "tiny.h5", "w") as file:
        write_legacy(file, layers, names)
    _, height, width, tokens = seeded.UNET_CASES["batch3"]
    model = DiffusionModelV2(8 * height, 8 * width, tokens, download_weights=tmp_path / "tiny.h5", config=TINY)
    wanted = load_file(fixtures_dir / "keras_cv.safetensors")["unet/batch3"]
    assert helpers.relative_error(helpers.call(model, seeded.unet_inputs("batch3")), wanted) <= 1e-5


def test_diffusers_state_dict_computes_what_diffusers_did(tmp_path, fixtures_dir):
    frozen = json.loads((fixtures_dir / "diffusers_file.json").read_text())  # names and shapes of the real file
    arrays = helpers.unet_arrays()
    tensors = {name: seeded.to_torch(arrays[name]) for name in frozen}
    assert {name: list(tensor.shape) for name, tensor in tensors.items()} == frozen
    save_file(tensors, tmp_path / "tiny.safetensors")
    model = helpers.built_unet("batch3", TINY.diffusers())
    load_unet_weights(fresh(model), tmp_path / "tiny.safetensors")
    outputs, inputs = load_file(fixtures_dir / "diffusers.safetensors"), seeded.unet_inputs("batch3")
    inputs["timestep_embedding"] = outputs["timestep_embedding/batch3"]
    assert helpers.relative_error(helpers.call(model, inputs), outputs["unet/batch3"]) <= 1e-4


def test_legacy_file_gives_every_weight_its_place(narrow, legacy):
    load_unet_weights(fresh(narrow), legacy())
    assert_holds(narrow, narrow_arrays())


def test_legacy_file_of_a_whole_model_with_a_long_list_of_layers_loads(narrow, legacy):
    """HDF5 limits an attribute to 64 KB: Keras cuts longer lists into `layer_names0`, `layer_names1`, ..."""
    path = legacy(group="model_weights")
    with h5py.File(path, "r+") as file:
        attributes = file["model_weights"].attrs
        names = list(attributes["layer_names"])
        del attributes["layer_names"]
        attributes["layer_names0"], attributes["layer_names1"] = names[:20], names[20:]
    load_unet_weights(fresh(narrow), path)
    assert_holds(narrow, narrow_arrays())


def test_diffusers_file_with_convolutions_and_float16_gives_every_weight_its_place(narrow, tmp_path):
    """1x1 convolutions for `proj_in` and `proj_out`: checkpoints without `use_linear_projection`."""
    tensors = {name: seeded.to_torch(array).astype("float16") for name, array in narrow_arrays().items()}
    for name in tensors:
        if "proj_in.weight" in name or "proj_out.weight" in name:
            tensors[name] = tensors[name][:, :, None, None]
    save_file(tensors, tmp_path / "unet.safetensors")
    load_unet_weights(fresh(narrow), tmp_path / "unet.safetensors")
    assert_holds(narrow, {name: array.astype("float16").astype("float32") for name, array in narrow_arrays().items()})


def test_saved_weights_load_again_from_both_our_files(narrow, tmp_path):
    helpers.assign(unet_slots(narrow), narrow_arrays())
    save_unet_weights(narrow, tmp_path / "unet.safetensors")
    narrow.save_weights(tmp_path / "unet.weights.h5")
    for name in ("unet.safetensors", "unet.weights.h5"):
        load_unet_weights(fresh(narrow), tmp_path / name)
        assert_holds(narrow, narrow_arrays())
    held = load_file(tmp_path / "unet.safetensors")
    wanted = {name: seeded.to_torch(array) for name, array in narrow_arrays().items()}
    assert held.keys() == wanted.keys()  # diffusers' own layout: others can load it
    assert all(np.array_equal(held[name], wanted[name]) for name in wanted)


# What does not load


def test_missing_file_is_an_error(unchanged, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.h5"):
        load_unet_weights(unchanged, tmp_path / "nowhere.h5")
    with pytest.raises(FileNotFoundError):
        load_unet_weights(unchanged, tmp_path)  # a folder


@pytest.mark.parametrize("name", ["unet.bin", "unet.ckpt", "unet"])
def test_file_of_unknown_kind_is_an_error(unchanged, tmp_path, name):
    (tmp_path / name).write_bytes(b"numbers")
    with pytest.raises(ValueError, match=r"safetensors.*Received"):
        load_unet_weights(unchanged, tmp_path / name)


@pytest.mark.parametrize("suffix", [".h5", ".weights.h5", ".safetensors"])
@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"<html>", lambda data: b""])
def test_incomplete_file_is_an_error(unchanged, legacy, tmp_path, suffix, damage):
    path = tmp_path / f"unet{suffix}"
    if suffix == ".safetensors":
        save_file({name: seeded.to_torch(array) for name, array in narrow_arrays().items()}, path)
    else:
        legacy(path=path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"incomplete.*Received: .* bytes"):
        load_unet_weights(unchanged, path)


def test_legacy_array_of_wrong_shape_is_named(unchanged, legacy):
    def change(layers):
        name, array = layers[4][1]  # the second array of the fifth layer
        layers[4][1] = (name, array[:-1])

    with pytest.raises(ValueError, match=r"Layer 4 .*`down0_transformer0`.*\(64,\).*Received: `layer_4`.*\(63,\)"):
        load_unet_weights(unchanged, legacy(change))


def test_legacy_layer_with_an_array_too_few_is_named(unchanged, legacy):
    with pytest.raises(ValueError, match=r"Layer 3 .*`down0_res0`, of 10 arrays. Received: `layer_3`, of 9 arrays"):
        load_unet_weights(unchanged, legacy(lambda layers: layers[3].pop()))


def test_legacy_file_with_a_layer_too_few_is_an_error(unchanged, legacy):
    with pytest.raises(ValueError, match=r"49 layers.*Received: 48 layers"):
        load_unet_weights(unchanged, legacy(lambda layers: layers.pop()))


def test_legacy_file_that_lists_what_it_lacks_is_an_error(unchanged, legacy):
    path = legacy()
    with h5py.File(path, "r+") as file:
        del file["layer_7"]["w0"]
    with pytest.raises(ValueError, match=r"Layer 7 .*Received: layer_7"):
        load_unet_weights(unchanged, path)


def test_legacy_file_in_another_order_is_an_error(unchanged, legacy):
    """The order of building, not of the graph: conv_in after both Denses of the time MLP."""

    def change(layers):
        layers[1], layers[2] = layers[2], layers[1]

    with pytest.raises(ValueError, match=r"Layer 1 .*`conv_in`"):
        load_unet_weights(unchanged, legacy(change))


def test_hdf5_file_of_something_else_is_an_error(unchanged, tmp_path):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["pictures"] = np.zeros(3)
    with pytest.raises(ValueError, match=r"layer_names.*Received: .*pictures"):
        load_unet_weights(unchanged, tmp_path / "data.h5")


def test_keras_file_under_another_name_is_an_error(unchanged, tmp_path):
    unchanged.save_weights(tmp_path / "unet.weights.h5")
    (tmp_path / "unet.weights.h5").rename(tmp_path / "unet.h5")
    with pytest.raises(ValueError, match=r"\.weights\.h5.*Received"):
        load_unet_weights(unchanged, tmp_path / "unet.h5")


def test_keras_file_of_another_model_is_an_error(narrow, tmp_path):
    small = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    small.save_weights(tmp_path / "other.weights.h5")
    with pytest.raises(ValueError, match=r"same config.*Received"):
        load_unet_weights(narrow, tmp_path / "other.weights.h5")


def test_diffusers_file_with_other_names_lists_them(unchanged, tmp_path):
    tensors = {name: seeded.to_torch(array) for name, array in narrow_arrays().items()}
    tensors["model.diffusion_model.out.0.weight"] = tensors.pop("conv_norm_out.weight")
    save_file(tensors, tmp_path / "unet.safetensors")
    expected = r"1 missing \(conv_norm_out\.weight\), 1 unexpected \(model\.diffusion_model\.out\.0\.weight\)"
    with pytest.raises(ValueError, match=expected):
        load_unet_weights(unchanged, tmp_path / "unet.safetensors")


def test_diffusers_file_of_another_config_names_the_first_weight(unchanged, tmp_path):
    tensors = {name: seeded.to_torch(array) for name, array in narrow_arrays().items()}
    tensors["conv_in.weight"] = np.zeros((64, 9, 3, 3), "float32")  # an inpainting model's
    save_file(tensors, tmp_path / "unet.safetensors")
    with pytest.raises(ValueError, match=r"`conv_in\.weight` .*\(64, 4, 3, 3\).*Received: shape \(64, 9, 3, 3\)"):
        load_unet_weights(unchanged, tmp_path / "unet.safetensors")


# What loads and is noticed to be wrong


def test_weights_with_nan_are_an_error(narrow, legacy):
    def change(layers):
        name, array = layers[5][0]
        layers[5][0] = (name, np.where(np.arange(64) == 3, np.float32(np.nan), array))

    with pytest.raises(ValueError, match=r"finite.*`down_blocks\.0\.resnets\.1\.norm1\.weight`"):
        load_unet_weights(narrow, legacy(change))


def test_weights_that_are_all_zero_are_an_error(narrow, legacy):
    def change(layers):
        layers[:] = [[(name, np.zeros_like(array)) for name, array in layer] for layer in layers]

    with pytest.raises(ValueError, match=r"all the same.*Received"):
        load_unet_weights(narrow, legacy(change))


@pytest.mark.parametrize("attention", ["down_blocks.0.attentions.0", "mid_block.attentions.0"])
def test_swapped_keys_and_values_are_noticed_in_a_file_of_ours(narrow, tmp_path, attention):
    helpers.assign(unet_slots(narrow), narrow_arrays())
    path = tmp_path / "unet.safetensors"
    save_unet_weights(narrow, path)
    tensors = load_file(path)
    with safe_open(path, framework="np") as file:
        metadata = file.metadata()
    key, value = (f"{attention}.transformer_blocks.0.attn1.{name}.weight" for name in ("to_k", "to_v"))
    tensors[key], tensors[value] = tensors[value], tensors[key]
    save_file(tensors, path, metadata=metadata)
    with pytest.raises(ValueError, match=r"exchanged.*Received: .*error"):
        load_unet_weights(narrow, path)


def stub(predict):
    """A model of the narrow config that computes eps with `predict(latent)`."""
    return types.SimpleNamespace(
        unet_config=NARROW, input_shape=[(None, 8, 8, 4), (None, 64), (None, 5, 8)], call=lambda x: predict(x[0])
    )


def test_noise_correlation_tells_a_model_that_knows_noise_from_random_weights(narrow):
    assert noise_correlation(stub(lambda latent: latent)) == pytest.approx(1, abs=1e-6)
    assert noise_correlation(stub(lambda latent: 0.97 * latent + 0.02)) > weights.TRAINED_CORRELATION
    assert noise_correlation(stub(lambda latent: -latent)) < 0
    helpers.assign(unet_slots(narrow), narrow_arrays())
    assert abs(noise_correlation(narrow)) < 0.2  # 4,096 numbers: 0.02 is one standard deviation, 3x3 kernels widen it


def test_file_known_to_be_trained_must_know_noise(narrow, legacy, monkeypatch):
    """The published file is 3.5 GB: here its hash is that of a random model's file, which the check must refuse."""
    path = legacy()
    monkeypatch.setattr(loading, "is_published", lambda part, model, file: True)
    with pytest.raises(ValueError, match=r"correlation.*Received"):
        load_unet_weights(narrow, path)


# The published file


def test_published_name_on_other_bytes_is_an_error(unchanged, legacy, tmp_path):
    path = legacy(path=tmp_path / SD21_FILE.rpartition("/")[2])
    with pytest.raises(ValueError, match=r"c31730e9.*Received: .* of sha256 [0-9a-f]{64}"):
        load_unet_weights(unchanged, path)


def test_download_with_another_config_is_refused_before_it_starts(monkeypatch):
    monkeypatch.setattr(keras.utils, "get_file", lambda **_: pytest.fail("a download was started"))
    with pytest.raises(ValueError, match=r"download_weights=False.*Received: config="):
        DiffusionModelV2(64, 64, 5, config=NARROW)


def sd2_stub():
    return types.SimpleNamespace(unet_config=SD2)


def test_download_asks_for_keras_cvs_file_and_its_hash(monkeypatch, tmp_path):
    asked = {}
    monkeypatch.setattr(keras.utils, "get_file", lambda **options: asked.update(options) or str(tmp_path / "none.h5"))
    with pytest.raises(FileNotFoundError):
        load_unet_weights(sd2_stub(), SD21_FILE)
    assert asked["origin"] == "https://huggingface.co/ianstenbit/keras-sd2.1/resolve/main/diffusion_model_v2_1.h5"
    assert asked["file_hash"] == "c31730e91111f98fe0e2dbde4475d381b5287ebb9672b1821796146a25c5132d"


@pytest.mark.parametrize(("content", "error"), [(b"not the weights", ValueError), (None, ConnectionError)])
def test_download_that_fails_says_so(monkeypatch, tmp_path, content, error):
    """Keras' own `get_file` on a local address: wrong bytes fail the hash, no file at all fails the download."""
    origin, get_file = tmp_path / "served.h5", keras.utils.get_file
    if content:
        origin.write_bytes(content)

    def local(**options):
        return get_file(**options | {"origin": origin.as_uri(), "cache_dir": tmp_path / "cache"})

    monkeypatch.setattr(keras.utils, "get_file", local)
    with pytest.raises(error, match="Received"):
        load_unet_weights(sd2_stub(), SD21_FILE)
