"""Reads which shape stands on which ground in drawn pictures, without a network: by comparing it with every shape.

Shapes: B pictures, H W sides of a picture, R radii.
"""

import numpy as np

from autograder.small_model.practice.shapes import (
    COLOUR_VALUES,
    COLOURS,
    GROUNDS,
    SHAPES,
    SIDE,
    Scenes,
    paint_at,
    parse,
)

RADII = np.arange(9, 20)  # that are tried, in pixels
LEAST = 0.6  # overlap over union of a shape and what is seen, to be called that shape
EDGE = 4  # pixels along the edge of a picture that are ground
NOTHING = -1  # in the place of an index


def read_shapes(pictures):
    """What is seen in uint8 pictures `(B, 64, 64, 3)`: `Scenes`, with -1 where no such colour or shape is found."""
    values = np.array(list(COLOUR_VALUES.values()), "float32")
    away = np.square(pictures[..., None, :].astype("float32") - values).sum(axis=-1)  # (B, H, W, colours)
    seen = np.argmin(away, axis=-1)  # the nearest colour of each pixel
    names = list(COLOUR_VALUES)
    rows = [_read(picture, names) for picture in seen]
    return Scenes(*np.array(rows, "int64").reshape(-1, 3).T)


def _read(seen, names):
    """Indices of colour, shape and ground in one picture of numbers of colours `(H, W)`."""
    edge = np.ones(seen.shape, bool)
    edge[EDGE:-EDGE, EDGE:-EDGE] = False
    ground = np.bincount(seen[edge], minlength=len(names)).argmax()
    colours = np.bincount(seen[seen != ground], minlength=len(names))
    colour = _index(COLOURS, names[colours.argmax()]) if colours.any() else NOTHING
    return colour, _shape_of(seen != ground), _index(GROUNDS, names[ground])


def _index(words, word):
    return words.index(word) if word in words else NOTHING


def _shape_of(mask):
    """The shape that covers most of a mask `(H, W)` and least besides, of any radius and at any place."""
    templates = _templates()
    overlap = np.fft.irfft2(np.fft.rfft2(mask) * np.conj(np.fft.rfft2(templates)), s=mask.shape)  # at every shift
    union = mask.sum() + templates.sum(axis=(-2, -1), keepdims=True) - overlap
    best = (overlap / union).max(axis=(-3, -2, -1))  # of each shape
    return int(best.argmax()) if best.max() >= LEAST else NOTHING


def _templates():
    """Masks of every shape in every radius, in the middle of a picture: `(shapes, R, H, W)`."""
    count = len(SHAPES) * len(RADII)
    white, black = np.full(count, COLOURS.index("white")), np.full(count, GROUNDS.index("black"))
    scenes = Scenes(white, np.repeat(np.arange(len(SHAPES)), len(RADII)), black)
    pictures = paint_at(scenes, np.full((count, 2), SIDE / 2), np.tile(RADII, len(SHAPES)))
    return (pictures[..., 0] > 0).astype("float32").reshape(len(SHAPES), len(RADII), SIDE, SIDE)


def count_right(prompts, pictures):
    """In how many pictures the `ground`, the `colour` and the `shape` are as the prompt says: a dict of numbers.

    Args:
        prompts: B captions.
        pictures: uint8 `(B, 64, 64, 3)`.
    """
    asked, seen = parse(prompts), read_shapes(pictures)
    pairs = {name.removesuffix("s"): name for name in ("grounds", "colours", "shapes")}
    return {one: int((getattr(asked, all_) == getattr(seen, all_)).sum()) for one, all_ in pairs.items()}
