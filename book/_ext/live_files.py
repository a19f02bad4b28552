"""Makes what the site serves of the live UNet: packed weights, the kernel, still pictures, facts of it and its blocks.

    python book/_ext/live_files.py FOLDER

It runs beside Sphinx, in a process of its own, since it needs Keras. `facts.json`, written last, says what there is.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import wasmtime
from live_blocks import block_facts
from live_latent import write_latent_files
from live_weights import file_name, live_config, live_language, packed_files

LIVE = Path(__file__).resolve().parents[1] / "live"
PROMPT = "a red house left of a green tree by day"
SEED, STEPS, GUIDANCE = 3, 25, 4.0  # steps and guidance are the book's own
OTHER = {"prompt": "a yellow moon above a blue boat at night", "seed": 5}  # to blend with
STILL_STEPS = (1, 5, 9, 13, 17, 21, 25)  # what a strip of still pictures shows
SMALLER = 2  # times in a strip than drawn: as large as a page shows them, and light enough to come before any click
GAP = 4  # transparent pixels between two of them
STILLS = (None, "skips")  # the whole model, and what is switched off in it
PARTS = ("time", "text", "middle", "self-attention", "cross-attention", "skips")  # of the switchboard, as offered


def write_files(folder):
    """Writes all files into `folder` and returns the facts."""
    from autograder.small_model.model import FOLDER

    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for quality, data in packed_files(FOLDER).items():
        name = file_name(quality, data)
        (folder / name).write_bytes(data)
        files[quality] = {"name": name, "bytes": len(data), "megabytes": f"{len(data) / 1e6:.1f}"}
    (folder / "product.wasm").write_bytes(wasmtime.wat2wasm((LIVE / "product.wat").read_text()))
    config = live_config()
    facts = {
        "files": files,
        "program": "product.wasm",
        "prompt": PROMPT,
        "seed": SEED,
        "steps": STEPS,
        "guidance": int(GUIDANCE),
        "other": OTHER,
        "parts": PARTS,
        "picture_side": config["picture_side"],
        "sides": [config["latent_side"] >> level for level in range(4)],
        "text": {name: config["text"][name] for name in ("words", "length", "frame") if name in config["text"]},
        "language": live_language(),
        "stills": [write_still(folder, without) for without in STILLS],
        "latent": write_latent_files(folder),
    }
    (folder / "blocks.json").write_text(json.dumps(block_facts(config)))
    (folder / "facts.json").write_text(json.dumps(facts))
    return facts


def write_still(folder, without):
    """Draws the prompt with a part switched off, or None, as a strip of its steps; returns what it is."""
    from PIL import Image

    pictures = drawn_steps(without)[[step - 1 for step in STILL_STEPS]]
    count, side = pictures.shape[0], pictures.shape[1] // SMALLER
    small = pictures.reshape(count, side, SMALLER, side, SMALLER, 3).mean(axis=(2, 4)).round().astype("uint8")
    opaque = np.pad(small, ((0, 0), (0, 0), (0, 0), (0, 1)), constant_values=255)
    strip = np.concatenate(list(np.pad(opaque, ((0, 0), (0, 0), (0, GAP), (0, 0)))), axis=1)[:, :-GAP]
    name = f"still-{without or 'whole'}.png"
    Image.fromarray(strip).save(folder / name, optimize=True)
    height, width = strip.shape[:2]
    return {"name": name, "without": without, "width": width, "height": height, "count": len(STILL_STEPS)}


def drawn_steps(without):
    """The picture after each step, uint8 `(steps, side, side, 3)`."""
    from autograder.reference.sampling import ddim_step
    from autograder.small_model.ddim import initial_noise, sample
    from autograder.small_model.model import decode, encode_prompts, load_unet
    from autograder.small_model.networks import LATENT_SIDE

    latents = []

    def step(*arguments, **keywords):
        latents.append(ddim_step(*arguments, **keywords))
        return latents[-1]

    context, nothing = encode_prompts([PROMPT, ""])[:, None]
    unet = load_unet(without=without or ())
    sample(unet, initial_noise(1, LATENT_SIDE, seed=SEED), context, nothing, STEPS, GUIDANCE, parts={"ddim_step": step})
    return decode(np.concatenate([np.asarray(latent) for latent in latents]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    write_files(parser.parse_args().folder)
