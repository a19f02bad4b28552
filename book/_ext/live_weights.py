"""Packs the small model for the reader's browser: its weights, its config as text in the same file, its language.

Two files: `int8`, a byte for each number of the UNet's kernels and one scale for each of their output channels, to play
with; and `half`, the numbers as they were stored, for the same picture as in the book. The encoder, which no drawing
needs, is left out, and so are a kernel's edges where the feature map is a single pixel: they would meet zeros only.
"""

import gzip
import hashlib
import json
import re
from dataclasses import asdict

import numpy as np
from safetensors.numpy import load_file, save

from autograder.reference.config import DOWNSAMPLINGS, GROUPS

QUALITIES = ("int8", "half")
LEAST = 4096  # numbers in a kernel that is worth a scale of its own
SMALLEST_LEVEL = re.compile(r"unet/(down3|middle|up3)_res\d/conv\d/conv/kernel")


def packed_files(folder):
    """The files to serve, by quality: the small model of `folder`, packed with gzip."""
    from autograder.small_model.model import WEIGHTS

    arrays, config = live_arrays(load_file(folder / WEIGHTS)), live_config()
    about = {"config": json.dumps(config, separators=(",", ":"))}
    by_quality = {"int8": quantised(arrays), "half": arrays}
    # A time in the header of gzip would give the same weights another name at each build.
    return {name: gzip.compress(save(by_quality[name], about), compresslevel=9, mtime=0) for name in QUALITIES}


def file_name(quality, packed):
    """A name that changes with the content, so that a browser may keep the file for ever."""
    return f"weights-{quality}-{hashlib.sha256(packed).hexdigest()[:12]}.bin"


def live_config():
    """What the runner must know of the model, beside its weights."""
    from autograder.small_model import ddim, networks
    from autograder.small_model.practice.shape_pictures import SIDE
    from autograder.small_model.practice.shapes import MAX_TEXT_LENGTH, WORDS

    relations = networks.WordEmbedding().relation_of_word.tolist()
    return {
        "unet": asdict(networks.SMALL) | {"groups": GROUPS},
        "latent_side": networks.LATENT_SIDE,
        "picture_side": SIDE,
        "text": {
            "kind": "word table",
            "words": list(WORDS),
            "length": MAX_TEXT_LENGTH,
            "relation_of_word": relations,
            "relations": max(relations) + 1,
        },
        "predicts": "v",
        "timesteps": ddim.TIMESTEPS,
        "max_period": 10000,
        "decoder": decoder_layers(networks.build_decoder()),
    }


def decoder_layers(decoder):
    """The layers of a decoder in their order, as `decode` in model.js takes them."""
    return [
        {
            "name": layer.name,
            "kind": "transposed" if "Transpose" in type(layer).__name__ else "conv",
            "activation": layer.activation.__name__,
        }
        for layer in decoder.layers
        if layer.weights
    ]


def live_language():
    """Sentences of the model's language as patterns of words and of classes of words; all can be drawn."""
    from autograder.small_model.practice.shapes import BACKGROUNDS, OBJECT_COLOURS, RELATIONS, SHAPES

    relations = [f"{word} of" if word in ("left", "right") else word for word in RELATIONS if word]
    patterns = ["a colour shape", "a colour shape relation a colour shape"]
    return {
        "patterns": [*patterns, *(f"{pattern} on ground" for pattern in patterns)],
        "classes": {"colour": OBJECT_COLOURS, "shape": SHAPES, "relation": relations, "ground": BACKGROUNDS},
    }


def live_arrays(arrays):
    """What drawing needs of the trained arrays, with the noise schedule."""
    from autograder.small_model import ddim, networks

    kept = {name: array for name, array in arrays.items() if not name.startswith("encoder/")}
    if networks.LATENT_SIDE == 2**DOWNSAMPLINGS:
        kept = {name: _centre(array) if SMALLEST_LEVEL.fullmatch(name) else array for name, array in kept.items()}
    return kept | {"alpha_bars": ddim.alpha_bars().astype("float32")}


def _centre(kernel):
    """The middle of a kernel `(3, 3, ...)`."""
    return np.ascontiguousarray(kernel[1:2, 1:2])


def quantised(arrays):
    """Arrays with the UNet's large kernels as int8, and `NAME/scale`, float32, a number for each output channel."""
    packed = {}
    for name, array in arrays.items():
        if name.startswith("unet/") and name.endswith("kernel") and array.size >= LEAST:
            numbers = array.astype("float32")
            scale = np.maximum(np.abs(numbers).max(axis=tuple(range(array.ndim - 1))), 1e-12) / 127
            packed[name] = np.round(numbers / scale).astype("int8")
            packed[f"{name}/scale"] = scale.astype("float32")
        else:
            packed[name] = array
    return packed


def dequantised(arrays):
    """What `quantised` stands for, in float32."""
    return {
        name: array.astype("float32") * arrays.get(f"{name}/scale", 1)
        for name, array in arrays.items()
        if not name.endswith("/scale")
    }
