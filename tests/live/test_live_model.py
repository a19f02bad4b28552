"""The live UNet against Keras: every block, the attention maps, parts scaled and switched off, what is drawn."""

import json
import re
import zlib
from dataclasses import asdict, replace

import keras
import numpy as np
import pytest
from keras import ops
from live_files import PROMPT, SEED
from live_weights import LEAST, STEPS, dequantised, live_arrays, quantised, stored_arrays
from safetensors.numpy import save_file

from autograder.reference import DiffusionModelV2, UNetConfig
from autograder.reference.config import GROUPS
from autograder.reference.sampling import timestep_embedding
from autograder.small_model.attention_maps import LAYERS, CrossAttentionWeights, attention_maps
from autograder.small_model.block_unet import BlockUNet
from autograder.small_model.checkpoints import inner_path
from autograder.small_model.ddim import initial_noise, sample
from autograder.small_model.language import words_of
from autograder.small_model.model import FOLDER, decode, encode_prompts, load_unet, trained_unet
from autograder.small_model.networks import LATENT_SIDE
from autograder.small_model.painting import SIDE
from autograder.small_model.switchboard import LEVELS, SWITCHES, Switches

OTHER = "a large yellow moon above a small blue boat"
TOLERANCE = 1e-5  # relative L2 of one call: float32, summed in another order; 2e-6 was seen
DRAWN = 2e-4  # of a latent after 25 calls
BLOCKS = r"(down|middle|up)\d?_(res|transformer|conv|upsample)\d?|conv_(in|out)|exit_norm|time_dense2"


def error(received, expected):
    """Relative L2."""
    assert received.shape == tuple(expected.shape)
    return float(np.linalg.norm(received - expected) / np.linalg.norm(expected))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A noisy latent, its time and two prompts, and the file that holds them."""
    arrays = {
        "latent": initial_noise(2, LATENT_SIDE, seed=5),
        "embedding": ops.convert_to_numpy(timestep_embedding(np.array([700, 210]), 64)),
        "context": encode_prompts([PROMPT, OTHER]),
    }
    path = tmp_path_factory.mktemp("inputs") / "inputs.safetensors"
    save_file(arrays, path)
    return list(arrays.values()), str(path)


# ----------------------------------------------------------------------------------------------------- every block


@pytest.mark.parametrize("simd", [True, False])
def test_every_block_is_equal_to_keras(live, inputs, simd):
    tensors, path = inputs
    seen, answer = live("blocks", simd=simd, inputs=path, gains={})
    assert answer["product"] == ("wasm" if simd else "javascript")
    unet = trained_unet()
    names = [layer.name for layer in unet.layers if re.fullmatch(BLOCKS, layer.name)]
    assert len(names) == 48
    expected = keras.Model(unet.inputs, [unet.get_layer(name).output for name in names])(tensors)
    errors = {name: error(seen[name], ops.convert_to_numpy(x)) for name, x in zip(names, expected, strict=True)}
    print(f"largest relative error of 48 tensors: {max(errors.values()):.1e} ({answer['product']})")
    assert max(errors.values()) < TOLERANCE, errors


def test_attention_maps_are_equal_to_keras(live, inputs):
    tensors, path = inputs
    seen, _ = live("blocks", inputs=path, gains={})
    unet = trained_unet()
    names = [layer.name for layer in unet.layers if "transformer" in layer.name]
    assert len(names) == 16
    for name in names:
        layer = unet.get_layer(name)
        x, context = keras.Model(unet.inputs, layer.input)(tensors)
        expected = ops.convert_to_numpy(CrossAttentionWeights(layer)([x, context]))  # over the heads
        weights = seen[f"{name}/attn2/weights"]
        assert weights.shape[1] == layer.num_heads
        assert error(weights.mean(axis=1), expected) < TOLERANCE, name
        own = seen[f"{name}/attn1/weights"]
        np.testing.assert_allclose(own.sum(axis=-1), 1, atol=1e-5)
        assert own.shape[2] == own.shape[3] == weights.shape[2]


def test_maps_of_a_drawing_are_the_chapters(live):
    """What the attention viewer shows, against the figure's numbers: the mean over the layers that see all pixels."""
    seen, _ = live("maps", wish={"prompt": PROMPT, "seed": 2, "steps": 3}, layers=LAYERS)
    expected = attention_maps(PROMPT, seed=2, steps=3).maps  # (steps, words, 16, 16)
    words = slice(1, 1 + len(words_of(PROMPT)))  # behind the start
    for step, maps in enumerate(expected, start=1):
        shares = seen[f"mean{step}"]
        assert error(shares.T[words].reshape(maps.shape), maps) < DRAWN
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
        assert np.abs(seen[f"head{step}"] - shares).max() > 0.01


def test_unet_of_another_config_is_equal_to_keras(live, tmp_path):
    """Wider pictures, other widths and heads, a longer text, diffusers' numerics: all of it is read from the file."""
    config = UNetConfig(channels=(64, 96, 128, 128), head_size=16, context_dim=40).diffusers()
    config = replace(config, norm_epsilon=2e-5)
    model = DiffusionModelV2(128, 192, 7, download_weights=False, config=config)
    rng = np.random.default_rng(0)
    for variable in model.variables:
        variable.assign(variable + rng.normal(0, 0.1, variable.shape).astype("float32"))
    arrays = {f"unet/{inner_path(model, v)}": ops.convert_to_numpy(v) for v in model.variables}
    about = {"unet": asdict(config) | {"groups": GROUPS}}
    save_file(arrays, tmp_path / "weights", {"config": json.dumps(about)})
    shapes = {"latent": (2, 16, 24, 4), "embedding": (2, 64), "context": (2, 7, 40)}
    tensors = {name: rng.normal(size=shape).astype("float32") for name, shape in shapes.items()}
    save_file(tensors, tmp_path / "inputs")
    seen, _ = live("blocks", weights=str(tmp_path / "weights"), inputs=str(tmp_path / "inputs"), gains={})
    assert error(seen["conv_out"], ops.convert_to_numpy(model(list(tensors.values())))) < TOLERANCE
    assert seen["up1_transformer0/attn2/weights"].shape == (2, 6, 8 * 12, 7)


# ------------------------------------------------------------------------------------- scaled and switched off


class Gained(BlockUNet):
    """The trained UNet with its parts scaled: by the weights with which each adds what it finds."""

    def __init__(self, trained, gains):
        super().__init__(trained)
        self.gains = gains

    def gain(self, *names):
        return float(np.prod([self.gains.get(name, 1.0) for name in names]))

    def time(self, embedding):
        return self.gain("time") * super().time(embedding)

    def flow(self, flow, own, inputs):
        if flow == "up":
            x, outputs, *others = inputs
            gains = [self.gain("skips", f"skips-{i // 3}", f"skip-{i}") for i in range(len(outputs))]
            inputs = [x, [gain * y for gain, y in zip(gains, outputs, strict=True)], *others]
        out = super().flow(flow, own, inputs)
        gain = self.gain("middle")
        return inputs[0] + gain * (out - inputs[0]) if flow == "middle" else out

    def block(self, kind, arguments, keywords, turns, shapes):
        block = super().block(kind, arguments, keywords, turns, shapes)
        paths = [variable.path for variable in block.layer.variables]
        block.weights = [self.scaled(w, path, block.name) for w, path in zip(block.weights, paths, strict=True)]
        return block

    def scaled(self, weight, path, name):
        level = re.match(r"\D+(\d)_", name)
        level = level[1] if level else LEVELS - 1
        for number, part in ((1, "self-attention"), (2, "cross-attention")):
            if f"/attn{number}/out_proj/" in path:
                if path.endswith("kernel"):
                    heads = [self.gain(f"head-{row // self.config.head_size}") for row in range(weight.shape[0])]
                    weight = np.array(heads, "float32")[:, None] * weight
                return self.gain(part, f"{part}-{level}", f"{name}/attn{number}") * weight
        if "/transformer_block/dense/" in path:
            return self.gain(f"{name}/dense") * weight
        last = "conv2" if "_res" in name else "proj2"
        return self.gain(name) * weight if f"/{last}/" in path else weight


def random_gains(rng):
    """A gain from -0.5 to 1.5 for every part that has one."""
    layers = [layer.name for layer in trained_unet().layers]
    blocks = [name for name in layers if re.search("_res|_transformer", name)]
    inner = [f"{n}/{part}" for n in blocks if "transformer" in n for part in ("attn1", "attn2", "dense")]
    levels = [f"{n}-{i}" for n in ("skips", "self-attention", "cross-attention") for i in range(LEVELS)]
    names = ["time", "middle", "skips", "self-attention", "cross-attention", *levels, *blocks, *inner]
    names += [*(f"skip-{i}" for i in range(12)), *(f"head-{i}" for i in range(3))]
    return {name: float(gain) for name, gain in zip(names, rng.uniform(-0.5, 1.5, len(names)), strict=True)}


@pytest.mark.parametrize("seed", [0, 1])
def test_random_gains_are_equal_to_keras(live, inputs, seed):
    tensors, path = inputs
    gains = random_gains(np.random.default_rng(seed))
    seen, _ = live("blocks", inputs=path, gains=gains)
    model = Gained(trained_unet(), gains).wire()
    named = {operation.name: operation.output for operation in model.operations}
    names = [name for name in named if re.fullmatch(r".*_(res|transformer)\d?", name)]
    outputs = keras.Model(model.inputs, [model.output, *(named[name] for name in names)])(tensors)
    errors = {n: error(seen[n], ops.convert_to_numpy(x)) for n, x in zip(["conv_out", *names], outputs, strict=True)}
    assert len(errors) == 39
    assert max(errors.values()) < TOLERANCE, errors


def test_names_of_the_switchboard_are_names_of_gains(live):
    """Each switch draws what the package's switchboard draws."""
    numbers = {"skips": "-1", "self-attention": "-0", "head": "-1"}
    names = [name + numbers.get(name, "") for name in SWITCHES]
    wishes = [{"prompt": PROMPT, "seed": 3, "steps": 4, "gains": {name: 0}} for name in names]
    drawn, _ = live("draw", wishes=wishes)
    context, nothing = encode_prompts([PROMPT, ""])[:, None]
    for i, name in enumerate(names):
        told = Switches.of(name).context(context, nothing)
        expected = sample(load_unet(without=name), initial_noise(1, LATENT_SIDE, seed=3), told, nothing, steps=4)
        assert error(drawn[f"latent{i}"].reshape(expected.shape), expected) < DRAWN, name


# ------------------------------------------------------------------------------------------------------- drawing


def test_the_same_seed_draws_the_same_picture_as_in_the_book(live):
    wishes = [
        {"prompt": PROMPT, "seed": 0},
        {"prompt": OTHER, "seed": 11, "steps": 16, "guidance": 2.5},
    ]
    drawn, answer = live("draw", wishes=wishes)
    for i, (prompt, seed, steps, scale) in enumerate([(PROMPT, 0, 25, 4.0), (OTHER, 11, 16, 2.5)]):
        context, nothing = encode_prompts([prompt, ""])[:, None]
        latent = sample(load_unet(), initial_noise(1, LATENT_SIDE, seed=seed), context, nothing, steps, scale)
        assert error(drawn[f"latent{i}"].reshape(latent.shape), latent) < DRAWN
        picture = drawn[f"picture{i}"].reshape(SIDE, SIDE, 4)
        assert (picture[..., 3] == 255).all()
        assert np.abs(picture[..., :3] - decode(latent)[0]).max() <= 1  # of 255: a number beside the edge of rounding
    print(f"median of a step: {np.median(answer['milliseconds']):.0f} ms with SIMD")


def test_weights_of_a_byte_draw_nearly_the_same(live):
    """Equal to Keras with the weights that the bytes stand for, and a reader sees no difference to the book's."""
    wish = {"prompt": PROMPT, "seed": SEED}
    half, _ = live("draw", wishes=[wish])
    int8, _ = live("draw", quality="int8", wishes=[wish])
    apart = np.abs(int8["picture0"] - half["picture0"]).reshape(SIDE, SIDE, 4)[..., :3]
    print(f"int8 to half: mean {apart.mean():.2f}, at most {apart.max():.0f} of 255")
    assert apart.mean() < 2


def test_packing_loses_what_it_says_and_no_more():
    arrays = stored_arrays(FOLDER)
    kept = live_arrays(arrays)
    packed = quantised(kept)
    restored = dequantised(packed)
    assert {"/".join(name.split("/")[:1]) for name in set(arrays) - set(kept)} == {"encoder"}
    for name, array in restored.items():
        exact = kept[name].astype("float32")
        worst = 0.0
        if f"{name}/scale" in packed:
            rows = np.abs(exact).reshape(-1, exact.shape[-1])
            step = np.maximum(np.sqrt((rows**2).mean(axis=0)) / STEPS, rows.max(axis=0) / 127)
            np.testing.assert_allclose(packed[f"{name}/scale"], step, rtol=1e-5, err_msg=name)
            worst = step / 2
        assert (np.abs(array - exact) <= worst + 1e-6).all(), name
    kernels = [name for name in kept if name.endswith("kernel") and kept[name].size >= LEAST]
    assert kernels == [name for name in kept if f"{name}/scale" in packed]
    assert kept["unet/middle_res0/conv1/conv/kernel"].shape[:2] == (3, 3)  # on 2x2 pixels all of its places are used


def test_weights_stay_within_their_bytes():
    """A reader on a phone waits for them."""
    import live_weights

    sizes = {name: len(packed) for name, packed in live_weights.packed_files(FOLDER).items()}
    print(sizes)
    assert sizes["int8"] < 6_000_000
    assert sizes["half"] < 16_000_000  # no more than two bytes for each number


def test_packing_twice_gives_the_same_bytes():
    import live_weights

    first, second = (live_weights.packed_files(FOLDER) for _ in range(2))
    assert {name: zlib.crc32(packed) for name, packed in first.items()} == {
        name: zlib.crc32(packed) for name, packed in second.items()
    }
