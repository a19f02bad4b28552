"""Pictures of scenes, painted by code: 128x128 pixels, smooth edges, another form of each thing in every picture.

A thing is a stack of parts, each a signed distance (negative inside) and a colour, in coordinates in which the thing
has radius 1, x to the right and y down. Shapes: H W sides in pixels.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from autograder.small_model.language import GROUNDS, Scene
from autograder.small_model.things import PAINTERS

SIDE = 128
MARGIN = 2  # pixels between a thing and the edge, at least
RADII = {"small": (12.0, 14.0), "": (16.0, 20.0), "large": (23.0, 27.0)}  # least and largest, in pixels
ACROSS = 9.0  # how far two things of a relation are out of line, at most
COLOUR_VALUES = {
    "red": (220, 50, 47),
    "yellow": (250, 208, 50),
    "green": (38, 150, 60),
    "blue": (38, 84, 220),
    "purple": (145, 70, 190),
    "white": (250, 250, 250),
}
_STEPS = {"above": (0, 1), "below": (0, -1), "left": (1, 0), "right": (-1, 0)}  # from the first thing to the other


class Place(NamedTuple):
    """Where a thing stands: its centre and radius in pixels, x from the left, y from the top."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Layout:
    """A scene with everything settled that its caption leaves open: places, and the ground."""

    scene: Scene
    places: tuple[Place, ...]
    ground: str


def lay_out(rng: np.random.Generator, scene: Scene) -> Layout:
    """Gives each thing a place and a size, at random within what the caption says."""
    ground = scene.ground or str(rng.choice(list(GROUNDS)))
    while True:
        radii = [rng.uniform(*RADII[thing.size]) for thing in scene.things]
        centres = [np.zeros(2)]
        for relation, radius in zip(scene.relations, radii[1:], strict=True):
            along = np.array(_STEPS[relation], "float64")
            gap = rng.uniform(2, 14)
            centres.append(along * (radii[0] + radius + gap) + along[::-1] * rng.uniform(-ACROSS, ACROSS))
        low = np.min([c - r for c, r in zip(centres, radii, strict=True)], axis=0)
        high = np.max([c + r for c, r in zip(centres, radii, strict=True)], axis=0)
        room = SIDE - 2 * MARGIN - (high - low)
        apart = len(centres) < 3 or np.linalg.norm(centres[1] - centres[2]) > radii[1] + radii[2] + 2
        if apart and (room >= 0).all():
            shift = MARGIN - low + rng.random(2) * room
            places = tuple(
                Place(float(c[0] + shift[0]), float(c[1] + shift[1]), r) for c, r in zip(centres, radii, strict=True)
            )
            return Layout(scene, places, ground)


def paint(rng: np.random.Generator, layout: Layout) -> np.ndarray:
    """Paints a layout, a float32 array `(128, 128, 3)` of values from -1 to 1."""
    picture = paint_ground(rng, layout.ground)
    for thing, place in zip(layout.scene.things, layout.places, strict=True):
        colour = np.array(COLOUR_VALUES[thing.colour], "float32") * rng.uniform(0.94, 1.02)
        _paint_thing(rng, picture, PAINTERS[thing.name], colour, place)
    return (np.clip(picture, 0, 255) / 127.5 - 1).astype("float32")


def to_uint8(pictures) -> np.ndarray:
    """Pictures from -1..1 to 0..255, as a NumPy array."""
    return np.clip(np.round((np.asarray(pictures, "float32") + 1) * 127.5), 0, 255).astype("uint8")


def _paint_thing(rng, picture, painter, colour, place):
    reach = int(place.radius * 1.25) + 3
    left, top = max(0, int(place.x) - reach), max(0, int(place.y) - reach)
    window = picture[top : int(place.y) + reach, left : int(place.x) + reach]
    y, x = np.mgrid[top : top + window.shape[0], left : left + window.shape[1]].astype("float32") + 0.5
    x, y = (x - place.x) / place.radius, (y - place.y) / place.radius
    for distance, paint_of_part in painter(rng, x, y, colour):
        pixels = distance * place.radius
        edge = np.clip(1.7 - pixels, 0, 1)[..., None]  # a dark line around each part
        window += edge * (paint_of_part * 0.35 - window)
        cover = np.clip(0.2 - pixels, 0, 1)[..., None]
        window += cover * (paint_of_part - window)


_SKIES = {  # top and bottom of the sky, the land
    "day": ((120, 185, 240), (205, 230, 250), (150, 195, 105)),
    "night": ((14, 18, 52), (44, 50, 100), (30, 46, 48)),
    "sunset": ((120, 70, 130), (250, 160, 95), (92, 62, 62)),
    "sea": ((175, 210, 235), (228, 240, 248), (36, 128, 150)),
    "snow": ((150, 165, 185), (200, 210, 222), (232, 238, 245)),
}


def paint_ground(rng: np.random.Generator, ground: str) -> np.ndarray:
    """Sky and land of a ground, with hills, waves, stars or flakes at random: float32 `(H, W, 3)`, 0 to 255."""
    top, bottom, land = (np.array(colour, "float32") for colour in _SKIES[ground])
    y, x = np.mgrid[:SIDE, :SIDE].astype("float32") + 0.5
    share = (y / SIDE)[..., None]
    picture = top + (bottom - top) * share  # (H, W, 3)
    if ground in ("night", "snow"):
        _sprinkle(rng, picture, x, y, 7 if ground == "night" else 10)
    phase, horizon = rng.uniform(0, 2 * np.pi, 2), rng.uniform(0.62, 0.78) * SIDE
    if ground == "sea":
        edge = horizon + 0 * x
        stripes = np.sin(y * 0.45 + phase[0] + 1.5 * np.sin(x * 0.12 + phase[1]))
        land = land + 14 * np.clip(stripes, 0, 1)[..., None]
    else:
        edge = horizon + 6 * np.sin(x * rng.uniform(0.03, 0.06) + phase[0]) + 3 * np.sin(x * 0.09 + phase[1])
        land = land * (1.06 - 0.22 * np.clip((y - edge) / SIDE, 0, 1)[..., None])
    cover = np.clip(0.5 + y - edge, 0, 1)[..., None]
    return picture + cover * (land - picture)


def _sprinkle(rng, picture, x, y, count):
    for px, py, radius in rng.uniform((0, 0, 0.8), (SIDE, 0.7 * SIDE, 1.8), (count, 3)):
        cover = np.clip(radius + 0.5 - np.hypot(x - px, y - py), 0, 1)[..., None]
        picture += 0.9 * cover * (np.float32(250) - picture)
