"""Makes what chapter 12's latent to paint on needs: the decoder, packed, with latents of true pictures of scenes.

Latents are of variance 1 and mean 0 in each channel, as the UNet has them: a number is a standard deviation.

Shapes: N scenes, H W sides of a latent, C its channels.
"""

import json

import numpy as np
from live_weights import file_name, live_config, packed, stored_arrays
from safetensors.numpy import save

CAPTIONS = (
    "a red house left of a green tree by day",
    "a white boat below a yellow moon at night",
    "a purple balloon above a red flower at sunset",
    "a large blue fish at sea",
)
SEED = 12  # of the places and forms of the things
SQUARE = slice(5, 11)  # rows and columns of a latent that the still picture changes
RAISED = 2.0  # to so many standard deviations above the channel's mean
STRENGTH = 0.6  # of the noise with which a painted latent is drawn on
GAP = 4  # transparent pixels between two pictures


def write_latent_files(folder):
    """Writes the packed decoder and a still picture into `folder`; returns the facts."""
    config, latents = live_config(), scene_latents()
    data = packed_decoder(latents)
    name = file_name("latent", data)
    (folder / name).write_bytes(data)
    return {
        "file": {"name": name, "bytes": len(data), "megabytes": f"{len(data) / 1e6:.1f}"},
        "side": config["latent_side"],
        "channels": config["unet"]["latent_channels"],
        "picture_side": config["picture_side"],
        "captions": CAPTIONS,
        "strength": STRENGTH,
        "still": write_latent_still(folder, latents[0]),
    }


def scene_pictures():
    """The scenes of `CAPTIONS`, painted: float32 `(N, 128, 128, 3)`, -1 to 1."""
    from autograder.small_model.language import parse
    from autograder.small_model.painting import lay_out, paint

    rng = np.random.default_rng(SEED)
    return np.stack([paint(rng, lay_out(rng, parse(caption))) for caption in CAPTIONS])


def scene_latents():
    """The latents of `CAPTIONS`: `(N, H, W, C)`, in half precision, as they are sent."""
    from autograder.small_model.model import encode_pictures

    return encode_pictures(scene_pictures()).astype("float16")


def packed_decoder(latents):
    """The decoder's weights, its config and the latents as one file, packed with gzip."""
    from autograder.small_model.model import FOLDER

    arrays = {name: array for name, array in stored_arrays(FOLDER).items() if name.startswith(("decoder/", "latent_"))}
    about = {"config": json.dumps(live_config(), separators=(",", ":"))}
    return packed(save(arrays | {"latents": latents}, about))


def write_latent_still(folder, latent):
    """A scene decoded as it is, then with a square of each channel raised, side by side; returns what it is."""
    from PIL import Image

    from autograder.small_model.model import decode

    changed = np.repeat(latent[None].astype("float32"), 1 + latent.shape[-1], axis=0)
    for channel in range(latent.shape[-1]):
        changed[1 + channel, SQUARE, SQUARE, channel] = RAISED
    pictures = np.pad(decode(changed), ((0, 0), (0, 0), (0, 0), (0, 1)), constant_values=255)
    strip = np.concatenate(list(np.pad(pictures, ((0, 0), (0, 0), (0, GAP), (0, 0)))), axis=1)[:, :-GAP]
    Image.fromarray(strip).save(folder / "still-latent.png", optimize=True)
    height, width = strip.shape[:2]
    return {"name": "still-latent.png", "width": width, "height": height, "caption": CAPTIONS[0]}
