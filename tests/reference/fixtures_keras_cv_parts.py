"""Runs where `fixtures_keras_cv.py` does: KerasCV's text encoder and autoencoder, and the files it saves of them.

    python fixtures_keras_cv_parts.py OUT_DIR

KerasCV's classes hard-code their widths, so its own layers are put together here in their order. Of the classes
themselves, the shapes of all weights are kept, layer by layer.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import fixtures_keras_cv as unet
import keras
import numpy as np
import seeded_parts as seeded
from keras_cv.src.backend import ops
from keras_cv.src.models.stable_diffusion.attention_block import AttentionBlock
from keras_cv.src.models.stable_diffusion.decoder import Decoder
from keras_cv.src.models.stable_diffusion.image_encoder import ImageEncoder
from keras_cv.src.models.stable_diffusion.padded_conv2d import PaddedConv2D
from keras_cv.src.models.stable_diffusion.resnet_block import ResnetBlock
from keras_cv.src.models.stable_diffusion.text_encoder import CLIPEmbedding, CLIPEncoderLayer, TextEncoderV2

RES_BLOCK = {"norm1": "norm1", "conv1": "conv1.conv2d", "norm2": "norm2", "conv2": "conv2.conv2d"}
ATTENTION = {"to_q": "q.conv2d", "to_k": "k.conv2d", "to_v": "v.conv2d", "to_out.0": "proj_out.conv2d"}
TEXT = {f"self_attn.{name}": f"clip_attn.{name}" for name in ("q_proj", "k_proj", "v_proj", "out_proj")}
TEXT |= {"layer_norm1": "layer_norm1", "layer_norm2": "layer_norm2", "mlp.fc1": "fc1", "mlp.fc2": "fc2"}
unet.ATTRIBUTES |= {
    ResnetBlock: RES_BLOCK | {"conv_shortcut": "residual_projection.conv2d"},
    AttentionBlock: ATTENTION | {"group_norm": "norm"},
    CLIPEncoderLayer: TEXT,
    CLIPEmbedding: {name: name for name in ("token_embedding", "position_embedding")},
}
unet.VARIABLES["weight"] += ("embeddings",)


def text():
    tokens = keras.layers.Input((seeded.LENGTH,), dtype="int32")
    positions = keras.layers.Input((seeded.LENGTH,), dtype="int32")
    x = CLIPEmbedding(seeded.VOCABULARY, seeded.WIDTH, seeded.LENGTH)([tokens, positions])
    for _ in range(seeded.BLOCKS):
        x = CLIPEncoderLayer(seeded.WIDTH, seeded.HEADS, activation=ops.gelu)(x)
    return keras.Model([tokens, positions], keras.layers.LayerNormalization(epsilon=1e-5)(x))


def exit_layers(channels):
    norm = keras.layers.GroupNormalization(epsilon=1e-5)
    return [norm, keras.layers.Activation("swish"), PaddedConv2D(channels, 3, padding=1)]


def encoder():
    layers = [keras.layers.Input((None, None, 3)), PaddedConv2D(seeded.CHANNELS[0], 3, padding=1)]
    for level, width in enumerate(seeded.CHANNELS):
        layers += [ResnetBlock(width) for _ in range(seeded.BLOCKS_PER_LEVEL)]
        if level < len(seeded.CHANNELS) - 1:
            layers.append(PaddedConv2D(width, 3, padding=((0, 1), (0, 1)), strides=2))
    layers += [ResnetBlock(width), AttentionBlock(width), ResnetBlock(width), *exit_layers(8), PaddedConv2D(8, 1)]
    return keras.Sequential([*layers, keras.layers.Lambda(lambda x: x[..., :4] * 0.18215)])


def decoder():
    width = seeded.CHANNELS[-1]
    layers = [keras.layers.Input((None, None, 4)), keras.layers.Rescaling(1.0 / 0.18215), PaddedConv2D(4, 1)]
    layers += [PaddedConv2D(width, 3, padding=1), ResnetBlock(width), AttentionBlock(width), ResnetBlock(width)]
    for level, width in reversed(list(enumerate(seeded.CHANNELS))):
        layers += [ResnetBlock(width) for _ in range(seeded.BLOCKS_PER_LEVEL + 1)]
        if level:
            layers += [keras.layers.UpSampling2D(2), PaddedConv2D(width, 3, padding=1)]
    return keras.Sequential([*layers, *exit_layers(3)])


def assign(model, part, size=None):
    """The layers of these models stand in the order of their flow, as those of the layout do."""
    with_weights = [layer for layer in model.layers if layer.weights]
    for layer, (name, layout) in zip(with_weights, seeded.LAYERS[part](**size or {}), strict=True):
        unet.assign(layer, layout, name)


def shapes(model):
    layers = [[list(weight.shape) for weight in layer.weights] for layer in model.layers if layer.weights]
    return {"parameters": model.count_params(), "layers": layers}


def main(out):
    results, files = {}, {}
    positions = np.arange(seeded.LENGTH, dtype="int32")[None].repeat(2, axis=0)
    made = {"text": text(), "encoder": encoder(), "decoder": decoder()}
    for part, model in made.items():
        assign(model, part)
        unet.save_legacy(model, out / f"{part}.h5")
        files[part] = unet.structure(out / f"{part}.h5")
    results["text"] = np.asarray(made["text"]([seeded.tokens(), positions]))
    for case in seeded.PICTURES:
        results[f"encoder/{case}"] = np.asarray(made["encoder"](seeded.picture(case)))
        results[f"decoder/{case}"] = np.asarray(made["decoder"](seeded.latent(case)))
    (out / "file.json").write_text(json.dumps(files))
    full = {"text": TextEncoderV2(77, download_weights=False), "encoder": ImageEncoder(download_weights=False)}
    full["decoder"] = Decoder(64, 64, download_weights=False)
    (out / "sd2.json").write_text(json.dumps({part: shapes(model) for part, model in full.items()}))
    for part, x in seeded.full_inputs().items():
        assign(full[part], part, seeded.FULL[part])
        output = full[part]([x, np.arange(77, dtype="int32")[None]] if part == "text" else x)
        results[f"full/{part}"] = seeded.kept(part, np.asarray(output))
    np.savez(out / "outputs.npz", **results)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
