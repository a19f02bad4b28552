"""What the judge reads in pictures, and whether that is what was asked for.

Shapes: B pictures, G cells along a side of a picture.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from autograder.small_model.language import COLOURS, GROUNDS, THINGS, Scene, Thing
from autograder.small_model.painting import RADII, SIDE

SURE = 0.5  # least probability of a thing's middle
SMALLER, LARGER = ((RADII[a][1] * RADII[b][0]) ** 0.5 for a, b in (("small", ""), ("", "large")))  # radii between sizes


@dataclass(frozen=True)
class Seen:
    """A thing as the judge saw it: what, in which colour, its middle and its radius in pixels."""

    name: str
    colour: str
    x: float
    y: float
    radius: float


def read_pictures(judge, pictures, batch=64) -> list[tuple[list[Seen], str]]:
    """For each picture of `(B, 128, 128, 3)`, values from -1 to 1, the things seen and the ground."""
    found = []
    for start in range(0, len(pictures), batch):
        maps = judge.predict_on_batch(pictures[start : start + batch])
        found += [_read({name: array[i] for name, array in maps.items()}) for i in range(len(maps["ground"]))]
    return found


def _read(maps):
    """The things and the ground in the maps of one picture: a thing is where a cell is surer than its neighbours."""
    sure = 1 / (1 + np.exp(-maps["centre"][..., 0]))  # (G, G)
    padded = np.pad(sure, 1)
    around = np.lib.stride_tricks.sliding_window_view(padded, (3, 3)).max(axis=(2, 3))
    cells = np.argwhere((sure >= around) & (sure > SURE))
    size = SIDE / len(sure)
    things = [
        Seen(
            THINGS[int(np.argmax(maps["thing"][r, c]))],
            COLOURS[int(np.argmax(maps["colour"][r, c]))],
            (c + 0.5) * size,
            (r + 0.5) * size,
            float(np.exp(maps["radius"][r, c, 0])),
        )
        for r, c in cells
    ]
    return things, list(GROUNDS)[int(np.argmax(maps["ground"]))]


def mark(scene: Scene, seen: list[Seen], ground: str) -> dict[str, bool]:
    """Compares what was seen with what was asked.

    Returns:
        Whether the `things` are right (each with its colour, and no other), their `relations`, their `sizes` where
        said, the `ground` where said, and `right` for all together.
    """
    result = dict.fromkeys(("things", "relations", "sizes"), False)
    if len(seen) == len(scene.things):
        for order in itertools.permutations(seen):
            if all((s.name, s.colour) == (t.name, t.colour) for s, t in zip(order, scene.things, strict=True)):
                result["things"] = True
                pairs = zip(scene.relations, order[1:], strict=True)
                result["relations"] = all(_stands(relation, order[0], other) for relation, other in pairs)
                result["sizes"] = all(_has_size(s, t) for s, t in zip(order, scene.things, strict=True))
    result["ground"] = scene.ground in ("", ground)
    return result | {"right": all(result.values())}


def _stands(relation: str, first: Seen, other: Seen) -> bool:
    dx, dy = other.x - first.x, other.y - first.y
    far = {"above": dy, "below": -dy, "left": dx, "right": -dx}[relation]
    return far > 0 and far == max(abs(dx), abs(dy))


def _has_size(seen: Seen, thing: Thing) -> bool:
    bounds = {"small": (0, SMALLER), "": (0, np.inf), "large": (LARGER, np.inf)}[thing.size]
    return bounds[0] <= seen.radius <= bounds[1]
