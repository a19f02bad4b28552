"""Packs the small model for the reader's browser: its weights, its config as text in the same file, its language.

Two files: `int8`, a byte for each number of the kernels and one scale for each channel of their last axis, to play
with; and `half`, the numbers as they were stored, for the same picture as in the book. The encoder, which no drawing
needs, is left out.
"""

import hashlib
import json
import zlib
from dataclasses import asdict

import numpy as np
from safetensors.numpy import load_file, save

from autograder.reference.config import GROUPS

QUALITIES = ("int8", "half")
LEAST = 4096  # numbers in a kernel that is worth a scale of its own
STEPS = 10  # of a byte, in the usual size of a channel's numbers


def packed_files(folder):
    """The files to serve, by quality: the small model of `folder`, packed with gzip."""
    arrays, config = live_arrays(stored_arrays(folder)), live_config()
    about = {"config": json.dumps(config, separators=(",", ":"))}
    by_quality = {"int8": quantised(arrays), "half": arrays}
    return {name: packed(save(by_quality[name], about)) for name in QUALITIES}


def packed(data):
    """Bytes as gzip packs them, without a time, so that the same weights have the same name at each build.

    Numbers hardly ever repeat in rows: packed as filtered data they take 3 % less than as texts.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16, strategy=zlib.Z_FILTERED)
    return packer.compress(data) + packer.flush()


def stored_arrays(folder):
    """All trained arrays that drawing may need, as they are stored: of UNet and text encoder, and the autoencoder's."""
    from autograder.small_model.model import AUTOENCODER, WEIGHTS

    return load_file(folder / WEIGHTS) | load_file(folder / AUTOENCODER)


def file_name(quality, data):
    """A name that changes with the content, so that a browser may keep the file for ever."""
    return f"weights-{quality}-{hashlib.sha256(data).hexdigest()[:12]}.bin"


def live_config():
    """What the runner must know of the model, beside its weights."""
    from autograder.small_model import ddim, networks
    from autograder.small_model.language import END, START, WORDS
    from autograder.small_model.painting import SIDE

    frame = [WORDS.index(START), WORDS.index(END)]
    return {
        "unet": asdict(networks.SMALL) | {"groups": GROUPS},
        "latent_side": networks.LATENT_SIDE,
        "picture_side": SIDE,
        "text": asdict(networks.SMALL_TEXT) | {"words": list(WORDS), "frame": frame},
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
    """Sentences of the model's language, as patterns of words and of names of classes.

    A member of a class is a word or words, or again a pattern. Of two relations the second is another than the first,
    as in all scenes of training: so each relation has a class of its own, and one of the others.
    """
    from autograder.small_model.language import COLOURS, GROUNDS, RELATIONS, SIZES, THINGS

    relations = {word: f"{word} of" if word in ("left", "right") else word for word in RELATIONS}
    patterns = ["thing", "thing relation thing"]
    patterns += [f"thing only-{word} thing and not-{word} thing" for word in RELATIONS]
    others = {f"not-{word}": [said for other, said in relations.items() if other != word] for word in RELATIONS}
    return {
        "patterns": [*patterns, *(f"{pattern} ground" for pattern in patterns)],
        "classes": {
            "thing": ["a size colour name", "a colour name"],
            "size": SIZES[1:],
            "colour": COLOURS,
            "name": THINGS,
            "relation": list(relations.values()),
            "ground": list(GROUNDS.values()),
        }
        | {f"only-{word}": [said] for word, said in relations.items()}
        | others,
    }


def live_arrays(arrays):
    """What drawing needs of the trained arrays, with the noise schedule."""
    from autograder.small_model import ddim

    kept = {name: array for name, array in arrays.items() if not name.startswith("encoder/")}
    return kept | {"alpha_bars": ddim.alpha_bars().astype("float32")}


def quantised(arrays):
    """Arrays with large kernels as int8, and `NAME/scale`, float32, the step from a byte to the next, for each channel.

    A step is a tenth of the channel's numbers, by their root mean square: as fine as a picture needs, and such small
    bytes pack well. It is more only where the largest number would need more than a byte.
    """
    bytes_of = {}
    for name, array in arrays.items():
        if name.endswith("kernel") and array.size >= LEAST:
            numbers, axes = array.astype("float32"), tuple(range(array.ndim - 1))
            usual, largest = np.sqrt((numbers**2).mean(axis=axes)), np.abs(numbers).max(axis=axes)
            scale = np.maximum(np.maximum(usual / STEPS, largest / 127), 1e-12)
            bytes_of[name] = np.round(numbers / scale).astype("int8")
            bytes_of[f"{name}/scale"] = scale.astype("float32")
        else:
            bytes_of[name] = array
    return bytes_of


def dequantised(arrays):
    """What `quantised` stands for, in float32."""
    return {
        name: array.astype("float32") * arrays.get(f"{name}/scale", 1)
        for name, array in arrays.items()
        if not name.endswith("/scale")
    }
