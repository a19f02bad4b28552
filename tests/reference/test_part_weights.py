"""Loading text encoder and autoencoder: what `test_weights.py` asks of the UNet's files, and what is these parts' own.

The legacy files are written with the names, the order and the shapes of files that KerasCV 0.9.0 really saved
(`fixtures/keras_cv_parts_file.json`), the others with the names of real ones (`fixtures/diffusers_parts.json`).
"""

import json

import h5py
import keras
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from autograder.reference import (
    SD2_AUTOENCODER,
    SD2_TEXT,
    load_decoder_weights,
    load_encoder_weights,
    load_text_encoder_weights,
    loading,
    save_decoder_weights,
    save_encoder_weights,
    save_text_encoder_weights,
)
from autograder.reference.autoencoder_weights import DECODER_PART, ENCODER_PART
from autograder.reference.text_weights import TEXT

from . import helpers, parts
from . import seeded_parts as seeded
from .legacy_files import arrays_of, write_legacy
from .seeded import to_torch, weight

LOAD = {"text": load_text_encoder_weights, "encoder": load_encoder_weights, "decoder": load_decoder_weights}
SAVE = {"text": save_text_encoder_weights, "encoder": save_encoder_weights, "decoder": save_decoder_weights}
SPECIFICATION = {"text": TEXT, "encoder": ENCODER_PART, "decoder": DECODER_PART}
CASE = {part: parts.cases(part)[0] for part in parts.PARTS}


@pytest.fixture(scope="module", params=parts.PARTS)
def part(request):
    return request.param


@pytest.fixture(scope="module")
def shared_model(part):
    return parts.built(part, "diffusers", CASE[part])


@pytest.fixture
def model(part, shared_model):
    """With other numbers in every weight, so that a load that does nothing is seen."""
    for slot in parts.PARTS[part](shared_model):
        slot.variable.assign(weight(slot.name, slot.shape, seed=1))
    return shared_model


@pytest.fixture
def unchanged(model):
    """Afterwards, the model must still have the weights it had: an error loads nothing."""
    before = [array.copy() for array in model.get_weights()]
    yield model
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.fixture
def legacy(part, tmp_path):
    """A function that writes a legacy file of the part after `change(layers)`."""

    def write(change=lambda layers: None, path=tmp_path / "part.h5"):
        layers = [list(layer) for layer in arrays_of(seeded.LAYERS[part]())]
        change(layers)
        with h5py.File(path, "w") as file:
            write_legacy(file, layers)
        return path

    return write


def torch_tensors(part):
    return {
        name: array if name.endswith(seeded.TABLES) else to_torch(array) for name, array in parts.arrays(part).items()
    }


def assert_holds(part, model, arrays=None):
    held = {slot.name: slot.numpy() for slot in parts.PARTS[part](model)}
    arrays = arrays or parts.arrays(part)
    assert held.keys() == arrays.keys()
    assert all(np.array_equal(held[name], arrays[name]) for name in held)


# What loads


def test_legacy_file_with_keras_cvs_structure_computes_what_keras_cv_did(part, tmp_path, fixtures_dir):
    names = json.loads((fixtures_dir / "keras_cv_parts_file.json").read_text())[part]["layers"]
    layers = arrays_of(seeded.LAYERS[part]())
    shapes = [[shape for _, shape in weights] for _, weights in names if weights]
    assert [[list(array.shape) for _, array in layer] for layer in layers] == shapes
    with h5py.File(tmp_path / "part.h5", "w") as file:
        write_legacy(file, layers, names)
    model = parts.built(part, "keras_cv", CASE[part], download_weights=tmp_path / "part.h5")
    wanted = load_file(fixtures_dir / "keras_cv_parts.safetensors")[CASE[part]]
    output = helpers.call(model, parts.model_input(part, CASE[part]))
    assert helpers.relative_error(output, wanted) <= parts.SOURCES["keras_cv"]


def test_file_of_pytorch_computes_what_pytorch_did(part, model, tmp_path, fixtures_dir):
    """With the names and shapes of a real file, where both halves of the autoencoder stand in one."""
    frozen = json.loads((fixtures_dir / "diffusers_parts.json").read_text())["text" if part == "text" else "vae"]
    tensors = torch_tensors("text") if part == "text" else torch_tensors("encoder") | torch_tensors("decoder")
    tensors = {name if name in frozen else name.removeprefix("text_model."): x for name, x in tensors.items()}
    assert tensors.keys() == frozen.keys()
    save_file({name: tensors[name].reshape(shape) for name, shape in frozen.items()}, tmp_path / "part.safetensors")
    LOAD[part](model, tmp_path / "part.safetensors")
    assert_holds(part, model)
    wanted = load_file(fixtures_dir / "diffusers_parts.safetensors")[CASE[part]]
    output = helpers.call(model, parts.model_input(part, CASE[part]))
    assert helpers.relative_error(output, wanted) <= parts.SOURCES["diffusers"]


def test_saved_weights_load_again_from_both_our_files(part, model, tmp_path):
    helpers.assign(parts.PARTS[part](model), parts.arrays(part))
    SAVE[part](model, tmp_path / "part.safetensors")
    model.save_weights(tmp_path / "part.weights.h5")
    wanted = torch_tensors(part)
    held = load_file(tmp_path / "part.safetensors")  # PyTorch's layout: others can load it
    assert held.keys() == wanted.keys()
    assert all(np.array_equal(held[name], wanted[name]) for name in wanted)
    for name in ("part.safetensors", "part.weights.h5"):
        for slot in parts.PARTS[part](model):
            slot.variable.assign(weight(slot.name, slot.shape, seed=1))
        LOAD[part](model, tmp_path / name)
        assert_holds(part, model)


def test_float16_file_loads(part, model, tmp_path):
    tensors = {name: array.astype("float16") for name, array in torch_tensors(part).items()}
    save_file(tensors, tmp_path / "part.safetensors")
    LOAD[part](model, tmp_path / "part.safetensors")
    rounded = {name: array.astype("float16").astype("float32") for name, array in parts.arrays(part).items()}
    assert_holds(part, model, rounded)


# What does not load


def test_missing_file_is_an_error(part, unchanged, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.h5"):
        LOAD[part](unchanged, tmp_path / "nowhere.h5")


def test_file_of_unknown_kind_is_an_error(part, unchanged, tmp_path):
    (tmp_path / "part.bin").write_bytes(b"numbers")
    with pytest.raises(ValueError, match=r"safetensors.*Received"):
        LOAD[part](unchanged, tmp_path / "part.bin")


@pytest.mark.parametrize("suffix", [".h5", ".weights.h5", ".safetensors"])
def test_incomplete_file_is_an_error(part, unchanged, legacy, tmp_path, suffix):
    path = tmp_path / f"part{suffix}"
    if suffix == ".safetensors":
        save_file(torch_tensors(part), path)
    else:
        legacy(path=path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=r"incomplete.*Received: .* bytes"):
        LOAD[part](unchanged, path)


def test_legacy_array_of_wrong_shape_is_named(part, unchanged, legacy):
    def change(layers):
        name, array = layers[1][-1]
        layers[1][-1] = (name, array[:-1])

    with pytest.raises(ValueError, match=r"Layer 1 .*shape.*Received: `layer_1`"):
        LOAD[part](unchanged, legacy(change))


def test_legacy_file_with_a_layer_too_few_is_an_error(part, unchanged, legacy):
    count = len(seeded.LAYERS[part]())
    with pytest.raises(ValueError, match=rf"{count} layers.*{SPECIFICATION[part].model}.*Received: {count - 1} layers"):
        LOAD[part](unchanged, legacy(lambda layers: layers.pop()))


def test_file_with_other_names_lists_them(part, unchanged, tmp_path):
    tensors = torch_tensors(part)
    name = next(iter(tensors))
    tensors["another.weight"] = tensors.pop(name)
    save_file(tensors, tmp_path / "part.safetensors")
    with pytest.raises(ValueError, match=rf"1 missing \({name}\), 1 unexpected \(.*another\.weight\)"):
        LOAD[part](unchanged, tmp_path / "part.safetensors")


def test_file_of_another_width_names_the_first_weight(part, unchanged, tmp_path):
    tensors = torch_tensors(part)
    name = next(iter(tensors))
    tensors[name] = np.concatenate([tensors[name]] * 2)
    save_file(tensors, tmp_path / "part.safetensors")
    with pytest.raises(ValueError, match=rf"`{name}` .*must have shape.*Received: shape"):
        LOAD[part](unchanged, tmp_path / "part.safetensors")


def test_weights_with_nan_and_all_zero_are_errors(part, model, legacy):
    def broken(layers):
        name, array = layers[1][0]
        layers[1][0] = (name, np.full_like(array, np.nan))

    def zero(layers):
        layers[:] = [[(name, np.zeros_like(array)) for name, array in layer] for layer in layers]

    with pytest.raises(ValueError, match=r"finite"):
        LOAD[part](model, legacy(broken))
    with pytest.raises(ValueError, match=r"all the same"):
        LOAD[part](model, legacy(zero))


def test_exchanged_weights_are_noticed_in_a_file_of_ours(part, model, tmp_path):
    """Keys and values of one attention: shapes fit, names do not tell."""
    helpers.assign(parts.PARTS[part](model), parts.arrays(part))
    path = tmp_path / "part.safetensors"
    SAVE[part](model, path)
    tensors = load_file(path)
    with safe_open(path, framework="np") as file:
        metadata = file.metadata()
    attention = {
        "text": "text_model.encoder.layers.0.self_attn.{}_proj.weight",
        "encoder": "encoder.mid_block.attentions.0.to_{}.weight",
        "decoder": "decoder.mid_block.attentions.0.to_{}.weight",
    }[part]
    key, value = attention.format("k"), attention.format("v")
    tensors[key], tensors[value] = tensors[value], tensors[key]
    save_file(tensors, path, metadata=metadata)
    with pytest.raises(ValueError, match=r"exchanged.*Received: .*error"):
        LOAD[part](model, path)


# What only these parts have


@pytest.mark.parametrize("part", ["text"], indirect=True)
def test_file_of_the_whole_of_clip_with_one_block_more_loads(model, tmp_path):
    """OpenCLIP's ViT-H has 24 blocks, of which Stable Diffusion 2 uses 23."""
    tensors = torch_tensors("text")
    last, unused = (f"text_model.encoder.layers.{i}." for i in (seeded.BLOCKS - 1, seeded.BLOCKS))
    tensors |= {name.replace(last, unused): x for name, x in tensors.items() if name.startswith(last)}
    tensors["text_model.embeddings.position_ids"] = np.arange(seeded.LENGTH)[None]
    tensors |= {name: np.ones((2, 2), "float32") for name in ("text_projection.weight", "vision_model.x.weight")}
    tensors["logit_scale"] = np.ones(1, "float32")
    save_file(tensors, tmp_path / "clip.safetensors")
    load_text_encoder_weights(model, tmp_path / "clip.safetensors")
    assert_holds("text", model)
    two_more = {name.replace(last, unused.replace("3", "4")): x for name, x in tensors.items() if last in name}
    save_file(tensors | two_more, tmp_path / "clip.safetensors")
    with pytest.raises(ValueError, match=r"0 missing \(none\), 16 unexpected"):
        load_text_encoder_weights(model, tmp_path / "clip.safetensors")


@pytest.mark.parametrize("part", ["encoder", "decoder"], indirect=True)
def test_file_with_the_older_names_of_the_attention_loads(part, model, tmp_path):
    older = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}
    tensors = {}
    for name, array in (torch_tensors("encoder") | torch_tensors("decoder")).items():
        for newer, old in older.items():
            array = array[:, :, 0, 0] if newer in name and array.ndim == 4 else array
            name = name.replace(newer, old)
        tensors[name] = array
    save_file(tensors, tmp_path / "vae.safetensors")
    LOAD[part](model, tmp_path / "vae.safetensors")
    assert_holds(part, model)


# The published files


def test_published_name_on_other_bytes_is_an_error(part, unchanged, legacy, tmp_path):
    published = SPECIFICATION[part].published
    with pytest.raises(ValueError, match=rf"{published.sha256}.*Received: .* of sha256 [0-9a-f]{{64}}"):
        LOAD[part](unchanged, legacy(path=tmp_path / published.name))


def test_download_of_another_config_is_refused_before_it_starts(part, unchanged, monkeypatch):
    monkeypatch.setattr(keras.utils, "get_file", lambda **_: pytest.fail("a download was started"))
    with pytest.raises(ValueError, match=r"download_weights=False.*Received: config="):
        LOAD[part](unchanged, True)


def test_download_asks_for_keras_cvs_file_and_its_hash(part, unchanged, monkeypatch, tmp_path):
    """Addresses and hashes as they stand in KerasCV 0.9.0's own source."""
    asked = {}
    monkeypatch.setattr(keras.utils, "get_file", lambda **options: asked.update(options) or str(tmp_path / "none.h5"))
    full = SD2_TEXT if part == "text" else SD2_AUTOENCODER
    monkeypatch.setattr(unchanged, "text_config" if part == "text" else "autoencoder_config", full)
    with pytest.raises(FileNotFoundError):
        LOAD[part](unchanged, True)
    assert (asked["origin"], asked["file_hash"]) == {
        "text": (
            "https://huggingface.co/ianstenbit/keras-sd2.1/resolve/main/text_encoder_v2_1.h5",
            "985002e68704e1c5c3549de332218e99c5b9b745db7171d5f31fcd9a6089f25b",
        ),
        "encoder": (
            "https://huggingface.co/fchollet/stable-diffusion/resolve/main/vae_encoder.h5",
            "c60fb220a40d090e0f86a6ab4c312d113e115c87c40ff75d11ffcf380aab7ebb",
        ),
        "decoder": (
            "https://huggingface.co/fchollet/stable-diffusion/resolve/main/kcv_decoder.h5",
            "ad350a65cc8bc4a80c8103367e039a3329b4231c2469a1093869a345f55b1962",
        ),
    }[part]


def test_published_weights_are_for_any_numerics_of_their_widths(part):
    full = SD2_TEXT if part == "text" else SD2_AUTOENCODER
    assert SPECIFICATION[part].may_be_published(full)
    assert SPECIFICATION[part].may_be_published(full.keras_cv())
    assert not SPECIFICATION[part].may_be_published(parts.config(part))
    assert loading.Published("https://example.org/a/b.h5", "0").name == "b.h5"
