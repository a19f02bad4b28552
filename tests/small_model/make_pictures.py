"""Makes data/pictures.png, which test_model.py compares with: `python -m tests.small_model.make_pictures`.

To be run after every training (`make score` does it): the pictures belong to the weights.
"""

from pathlib import Path

import numpy as np

from autograder.small_model.model import sample_prompts, write_png

PROMPTS = (
    "a red circle on blue",
    "a yellow square on black",
    "a white triangle on gray",
    "a blue cross on white",
    "a purple circle",
    "a green triangle on black",
    "a red circle above a blue square",
    "a white cross left of a red triangle on black",
)
SEED = 11
FILE = Path(__file__).parent / "data" / "pictures.png"


def make():
    """The pictures of `PROMPTS`, uint8 `(8, 64, 64, 3)`."""
    return sample_prompts(list(PROMPTS), seed=SEED)


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    write_png(FILE, np.concatenate(make(), axis=1), {"prompts": "; ".join(PROMPTS), "seed": SEED})
