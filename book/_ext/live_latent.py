"""Makes what chapter 12's latent to paint on needs: the decoder of scenes, packed, with latents of real scenes.

Shapes: N scenes, H W sides of a latent, C its channels.
"""

import gzip
import json
from pathlib import Path

import numpy as np
from live_weights import decoder_layers, file_name
from safetensors.numpy import load_file, save

CAPTIONS = (
    "a red house left of a green tree by day",
    "a white boat below a yellow moon at night",
    "a purple balloon above a red flower at sunset",
    "a large blue fish at sea",
)
SEED = 12  # of the places and forms of the things
MEASURED = 48  # scenes that say how large each channel is
SQUARE = slice(5, 11)  # rows and columns of a latent that the still picture changes
RAISED = 2.0  # to so many standard deviations above the channel's mean
GAP = 4  # transparent pixels between two pictures


def write_latent_files(folder):
    """Writes the packed decoder and a still picture into `folder`; returns the facts."""
    from autograder.small_model.networks import LATENT_SIDE, SMALL
    from autograder.small_model.painting import SIDE
    from autograder.small_model.scene_model import Autoencoder

    autoencoder, latents = Autoencoder(), scene_latents()
    seen = autoencoder.encode(some_pictures())
    mean, std = seen.mean(axis=(0, 1, 2)), seen.std(axis=(0, 1, 2))
    packed = packed_decoder(latents)
    name = file_name("latent", packed)
    (folder / name).write_bytes(packed)
    return {
        "file": {"name": name, "bytes": len(packed), "megabytes": f"{len(packed) / 1e6:.1f}"},
        "side": LATENT_SIDE,
        "channels": SMALL.latent_channels,
        "picture_side": SIDE,
        "captions": CAPTIONS,
        "mean": [round(float(value), 4) for value in mean],
        "std": [round(float(value), 4) for value in std],
        "still": write_latent_still(folder, autoencoder, latents[0], mean + RAISED * std),
    }


def scene_pictures():
    """The scenes of `CAPTIONS`, painted: float32 `(N, 128, 128, 3)`, -1 to 1."""
    from autograder.small_model.language import parse
    from autograder.small_model.painting import lay_out, paint

    rng = np.random.default_rng(SEED)
    return np.stack([paint(rng, lay_out(rng, parse(caption))) for caption in CAPTIONS])


def some_pictures():
    """Scenes of all kinds: float32 `(MEASURED, 128, 128, 3)`."""
    from autograder.small_model.language import draw_scenes
    from autograder.small_model.painting import lay_out, paint

    rng = np.random.default_rng(SEED)
    return np.stack([paint(rng, lay_out(rng, scene)) for scene in draw_scenes(rng, MEASURED, "all")])


def scene_latents():
    """The latents of `CAPTIONS`, as the encoder gives them: `(N, H, W, C)`, in half precision, as they are sent."""
    from autograder.small_model.scene_model import Autoencoder

    return Autoencoder().encode(scene_pictures()).astype("float16")


def packed_decoder(latents):
    """The decoder's weights, its config and the latents as one file, packed with gzip."""
    from autograder.small_model.scenes import scene_model, scene_networks

    weights = load_file(Path(scene_model.__file__).with_name(scene_networks.AUTOENCODER))
    arrays = {name: array for name, array in weights.items() if name.startswith("decoder/")}
    config = {
        "unet": {"latent_channels": scene_networks.SMALL.latent_channels},
        "latent_side": scene_networks.LATENT_SIDE,
        "decoder": decoder_layers(scene_networks.build_decoder()),
    }
    return gzip.compress(save(arrays | {"latents": latents}, {"config": json.dumps(config)}), compresslevel=9, mtime=0)


def write_latent_still(folder, autoencoder, latent, raised):
    """A scene decoded as it is, then with a square of each channel raised, side by side; returns what it is."""
    from PIL import Image

    changed = np.repeat(latent[None].astype("float32"), 1 + latent.shape[-1], axis=0)
    for channel, value in enumerate(raised):
        changed[1 + channel, SQUARE, SQUARE, channel] = value
    pictures = np.pad(autoencoder.decode(changed), ((0, 0), (0, 0), (0, 0), (0, 1)), constant_values=255)
    strip = np.concatenate(list(np.pad(pictures, ((0, 0), (0, 0), (0, GAP), (0, 0)))), axis=1)[:, :-GAP]
    Image.fromarray(strip).save(folder / "still-latent.png", optimize=True)
    height, width = strip.shape[:2]
    return {"name": "still-latent.png", "width": width, "height": height, "caption": CAPTIONS[0]}
