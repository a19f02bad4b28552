"""Runs in an environment with KerasCV 0.9.0: the outputs of its layers and its flow, and the file it saves.

    python fixtures_keras_cv.py OUT_DIR

KerasCV's `DiffusionModelV2` hard-codes its widths, so its own layers are put together here in the article's order at
the fixtures' width. Weights are assigned by attribute, never by position. It runs on Keras 3 (the outputs) and on
Keras 2.15, whose `save_weights` writes the legacy HDF5 layout of the published weights.
"""

import json
import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
sys.path.insert(0, str(Path(__file__).parent))

import h5py
import keras
import numpy as np
import seeded
from keras_cv.src.models.stable_diffusion import diffusion_model as keras_cv
from keras_cv.src.models.stable_diffusion.padded_conv2d import PaddedConv2D

# Name of the layout -> attribute of KerasCV's layer
RES_BLOCK = {
    "norm1": "entry_flow.0",
    "conv1": "entry_flow.2.conv2d",
    "time_emb_proj": "embedding_flow.1",
    "norm2": "exit_flow.0",
    "conv2": "exit_flow.2.conv2d",
    "conv_shortcut": "residual_projection.conv2d",
}
ATTENTION = {"to_q": "to_q", "to_k": "to_k", "to_v": "to_v", "to_out.0": "out_proj"}
TRANSFORMER = {f"{block}.{k}": f"{block}.{v}" for block in ("attn1", "attn2") for k, v in ATTENTION.items()}
TRANSFORMER |= {f"norm{i}": f"norm{i}" for i in (1, 2, 3)} | {"ff.net.0.proj": "geglu.dense", "ff.net.2": "dense"}
SPATIAL = {f"transformer_blocks.0.{k}": f"transformer_block.{v}" for k, v in TRANSFORMER.items()}
SPATIAL |= {"norm": "norm", "proj_in": "proj1", "proj_out": "proj2"}
ATTRIBUTES = {
    keras_cv.ResBlock: RES_BLOCK,
    keras_cv.CrossAttention: ATTENTION,
    keras_cv.GEGLU: {"proj": "dense"},
    keras_cv.BasicTransformerBlock: TRANSFORMER,
    keras_cv.SpatialTransformer: SPATIAL,
    keras_cv.Upsample: {"conv": "conv.conv2d"},
    PaddedConv2D: {"": "conv2d"},
}
VARIABLES = {"weight": ("kernel", "gamma"), "bias": ("bias", "beta")}


def inner_layer(layer, path):
    for part in path.split(".") if path else []:
        layer = layer[int(part)] if part.isdigit() else getattr(layer, part)
    return layer


def assign(layer, layout, prefix):
    """Puts the seeded weights of `layout` into a built layer, by attribute; every weight of the layer is set."""
    for name, shape in layout.items():
        module, _, kind = name.rpartition(".")
        inner = inner_layer(layer, ATTRIBUTES.get(type(layer), {"": ""})[module])
        variable = next(getattr(inner, a) for a in VARIABLES[kind] if getattr(inner, a, None) is not None)
        array = seeded.weight(f"{prefix}.{name}", shape)
        assert tuple(variable.shape) == array.shape, (prefix, name, variable.shape, array.shape)
        variable.assign(array)
    assert len(layer.weights) == len(layout), (prefix, len(layer.weights), len(layout))


BLOCKS = {
    "conv-stride1": (lambda: PaddedConv2D(96, 3, padding=1), ["x"]),
    "conv-stride2": (lambda: PaddedConv2D(96, 3, padding=1, strides=2), ["x"]),
    "resblock-same": (lambda: keras_cv.ResBlock(64), ["x", "t_emb"]),
    "resblock-project": (lambda: keras_cv.ResBlock(64), ["x", "t_emb"]),
    "self-attention": (lambda: keras_cv.CrossAttention(4, 16), ["x"]),
    "cross-attention": (lambda: keras_cv.CrossAttention(4, 16), None),
    "geglu": (lambda: keras_cv.GEGLU(40), ["x"]),
    "transformer-block": (lambda: keras_cv.BasicTransformerBlock(64, 4, 16), ["x", "context"]),
    "spatial-transformer": (lambda: keras_cv.SpatialTransformer(4, 16, fully_connected=True), ["x", "context"]),
    "upsample": (lambda: keras_cv.Upsample(96), ["x"]),
}


def run_block(name):
    make, order = BLOCKS[name]
    layer = make()
    _, inputs = seeded.block_case(name)

    def call():
        if order is None:
            return layer(inputs["x"], context=inputs["context"])
        return layer(inputs["x"] if len(order) == 1 else [inputs[k] for k in order])

    call()  # builds
    assign(layer, seeded.BLOCK_CASES[name][0], name)
    return np.asarray(call())


def build_unet(height, width, tokens):
    """KerasCV's layers in the flow of its `DiffusionModelV2`, at the fixtures' width."""
    channels, heads = seeded.CHANNELS, [c // seeded.HEAD_SIZE for c in seeded.CHANNELS]
    context = keras.Input((tokens, seeded.CONTEXT_DIM), name="context")
    time = keras.Input((channels[0],), name="timestep_embedding")
    latent = keras.Input((height, width, seeded.LATENT_CHANNELS), name="latent")
    t_emb = keras.layers.Dense(seeded.TIME_DIM)(time)
    t_emb = keras.layers.Dense(seeded.TIME_DIM)(keras.layers.Activation("swish")(t_emb))

    def transformer(level):
        return keras_cv.SpatialTransformer(heads[level], seeded.HEAD_SIZE, fully_connected=True)

    x = PaddedConv2D(channels[0], kernel_size=3, padding=1)(latent)
    outputs = [x]
    for level in range(4):
        for _ in range(2):
            x = keras_cv.ResBlock(channels[level])([x, t_emb])
            x = transformer(level)([x, context]) if level < 3 else x
            outputs.append(x)
        if level < 3:
            x = PaddedConv2D(channels[level], 3, strides=2, padding=1)(x)
            outputs.append(x)
    x = keras_cv.ResBlock(channels[3])([x, t_emb])
    x = transformer(3)([x, context])
    x = keras_cv.ResBlock(channels[3])([x, t_emb])
    for level in (3, 2, 1, 0):
        for _ in range(3):
            x = keras.layers.Concatenate()([x, outputs.pop()])
            x = keras_cv.ResBlock(channels[level])([x, t_emb])
            x = transformer(level)([x, context]) if level < 3 else x
        x = keras_cv.Upsample(channels[level])(x) if level else x
    x = keras.layers.Activation("swish")(keras.layers.GroupNormalization(epsilon=1e-5)(x))
    eps = PaddedConv2D(seeded.LATENT_CHANNELS, kernel_size=3, padding=1)(x)
    return keras.Model([latent, time, context], eps)


def assign_unet(model):
    """Each layer of the model gets the weights of the layer it stands for in the flow."""
    made, wanted = {}, {}
    for layer in sorted(model.layers, key=made_as):
        if layer.weights:
            made.setdefault(type(layer), []).append(layer)
    for name, layout in seeded.unet_layers():
        kind = keras.layers.Dense if name.startswith("time") else PaddedConv2D
        kind = keras_cv.ResBlock if "resnets" in name else keras_cv.SpatialTransformer if "attentions" in name else kind
        kind = keras.layers.GroupNormalization if name == "conv_norm_out" else kind
        if "upsamplers" in name:
            kind, name, layout = keras_cv.Upsample, name.removesuffix(".conv"), seeded.prefixed("conv", layout)
        wanted.setdefault(kind, []).append((name, layout))
    assert {kind: len(layers) for kind, layers in made.items()} == {kind: len(some) for kind, some in wanted.items()}
    for kind, layers in made.items():
        for layer, (name, layout) in zip(layers, wanted[kind], strict=True):
            assign(layer, layout, name)


def made_as(layer):
    """Keras numbers the layers of a kind as they are made: dense, dense_1, dense_2, ..."""
    number = layer.name.rpartition("_")[2]
    return int(number) if number.isdigit() else 0


def structure(path):
    """The legacy file without its numbers: [layer, [[weight, shape], ...]] and the file's own attributes."""
    with h5py.File(path, "r") as file:
        layers = []
        for layer in file.attrs["layer_names"]:
            names = file[layer].attrs["weight_names"]
            layers.append([layer, [[name, list(file[layer][name].shape)] for name in names]])
        attributes = {key: str(value) for key, value in file.attrs.items() if key != "layer_names"}
        others = sorted(set(file) - {name for name, _ in layers})
    return {"attributes": attributes, "other_groups": others, "layers": layers}


def save_legacy(model, path):
    if keras.__version__.startswith("2."):
        model.save_weights(path)
        return
    from keras.src.legacy.saving import legacy_h5_format

    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)


def main(out):
    results = {f"block/{name}": run_block(name) for name in BLOCKS}
    for case, (_, height, width, tokens) in seeded.UNET_CASES.items():
        keras.backend.clear_session()  # starts the numbers of the names again
        model = build_unet(height, width, tokens)
        assign_unet(model)
        inputs = seeded.unet_inputs(case)
        results[f"unet/{case}"] = np.asarray(model([inputs["latent"], inputs["timestep_embedding"], inputs["context"]]))
    np.savez(out / "outputs.npz", **results)
    save_legacy(model, out / "weights.h5")
    (out / "file.json").write_text(json.dumps(structure(out / "weights.h5")))
    full = keras_cv.DiffusionModelV2(64, 64, 77, download_weights=False)
    layers = [[list(weight.shape) for weight in layer.weights] for layer in full.layers if layer.weights]
    (out / "sd2.json").write_text(json.dumps({"parameters": full.count_params(), "layers": layers}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
