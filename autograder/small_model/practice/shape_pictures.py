"""Pictures of scenes, drawn by code: flat shapes with anti-aliased edges, 64x64 pixels, values from -1 to 1.

Drawing runs in `keras.ops`, so that training makes its pictures on the machine and in the step that uses them.

Shapes: B pictures, H W sides in pixels (64), 2 objects.
"""

import numpy as np
from keras import ops

from autograder.small_model.practice.shapes import BACKGROUNDS, COLOURS, OBJECT_COLOURS, PLACES_OF, SHAPES

SIDE = 64
_CENTRES = np.array([(32, 32), (32, 17), (32, 47), (17, 32), (47, 32)], "float32")  # x, y of each of PLACES
_ALONG, _ACROSS = 2, 7  # how far a centre strays from its place, along and across the line from object to object
_SINGLE_STRAY = 8
_RADII = {False: (11, 17), True: (9, 12)}  # least and largest radius, alone and in twos


def _rgb(names):
    return np.array([COLOURS[name] for name in names], "float32") / 127.5 - 1


def lay_out(rng, scenes):
    """Gives each object of each scene a place and a size, at random within what its relation allows.

    Args:
        rng: `numpy.random.Generator`.
        scenes: `Scenes` of B rows.

    Returns:
        Dict of float32 arrays, what `render` draws: `background` `(B, 3)`, `colour` `(B, 2, 3)`, `shape` `(B, 2, 4)`
        (one-hot), `centre` `(B, 2, 2)` (x, y in pixels), `radius` `(B, 2)` (0 for an object that is not there).
    """
    count, two = len(scenes), (scenes.relations > 0)[:, None]
    centre = _CENTRES[PLACES_OF[scenes.relations]]
    vertical = np.isin(scenes.relations, [1, 2])[:, None]
    stray = np.stack([np.where(vertical, _ACROSS, _ALONG), np.where(vertical, _ALONG, _ACROSS)], axis=-1)  # (B, 1, 2)
    stray = np.where(two[..., None], stray, _SINGLE_STRAY)
    low, high = (np.where(two, _RADII[True][i], _RADII[False][i]) for i in (0, 1))
    radius = low + (high - low) * rng.random((count, 2))
    radius[:, 1:] *= two
    layout = {
        "background": _rgb(BACKGROUNDS)[scenes.backgrounds],
        "colour": _rgb(OBJECT_COLOURS)[scenes.colours],
        "shape": np.eye(len(SHAPES))[scenes.shapes],
        "centre": centre + stray * rng.uniform(-1, 1, (count, 2, 2)),
        "radius": radius,
    }
    return {name: array.astype("float32") for name, array in layout.items()}


def render(layout):
    """Draws layouts.

    Args:
        layout: dict of tensors, see `lay_out`.

    Returns:
        Tensor `(B, 64, 64, 3)`, values from -1 to 1.
    """
    layout = {name: ops.convert_to_tensor(array) for name, array in layout.items()}
    pixels = ops.arange(SIDE, dtype="float32") + 0.5
    picture = layout["background"][:, None, None, :]  # (B, 1, 1, 3): the first object spreads it over the picture
    for i in range(2):
        x = pixels[None, None, :] - layout["centre"][:, i, 0, None, None]  # (B, 1, W)
        y = pixels[None, :, None] - layout["centre"][:, i, 1, None, None]  # (B, H, 1)
        radius = layout["radius"][:, i, None, None]
        distances = _distances(x, y, radius)
        distance = sum(layout["shape"][:, i, k, None, None] * d for k, d in enumerate(distances))  # (B, H, W)
        cover = ops.clip(0.5 - distance, 0.0, 1.0) * ops.cast(radius > 0, "float32")
        picture = picture + cover[..., None] * (layout["colour"][:, i, None, None, :] - picture)
    return picture


def _distances(x, y, r):
    """Signed distances in pixels to the edge of each of SHAPES, negative inside, `(B, H, W)` each."""
    across, down = ops.abs(x), ops.abs(y)
    circle = ops.sqrt(x * x + y * y) - r
    square = ops.maximum(across, down) - 0.85 * r
    triangle = ops.maximum(y - 0.8 * r, (1.8 * across - (y + r)) / (1.8**2 + 1) ** 0.5)  # apex up
    bar, beam = ops.maximum(across - r, down - 0.33 * r), ops.maximum(down - r, across - 0.33 * r)
    return circle, square, triangle, ops.minimum(bar, beam)


def to_uint8(pictures):
    """Pictures from -1..1 to 0..255, as a NumPy array."""
    pictures = ops.convert_to_numpy(ops.cast(pictures, "float32"))
    return np.clip(np.round((pictures + 1) * 127.5), 0, 255).astype("uint8")
