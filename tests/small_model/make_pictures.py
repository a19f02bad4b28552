"""Makes data/pictures.png, which test_model.py compares with: `python -m tests.small_model.make_pictures`.

To be run after every training (`make score` does it): the pictures belong to the weights.
"""

from pathlib import Path

import numpy as np

from autograder.small_model.model import sample_prompts, write_png

PROMPTS = (
    "a red house by day",
    "a yellow moon at night",
    "a large blue fish at sea",
    "a small green tree in snow",
    "a white cloud at sunset",
    "a purple flower",
    "a red balloon above a blue boat",
    "a white star left of a red tree at night",
)
SEED = 11
FILE = Path(__file__).parent / "data" / "pictures.png"


def make():
    """The pictures of `PROMPTS`, uint8 `(8, 128, 128, 3)`."""
    return sample_prompts(list(PROMPTS), seed=SEED)


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    write_png(FILE, np.concatenate(make(), axis=1), {"prompts": "; ".join(PROMPTS), "seed": SEED})
