"""The forms of the things: for each a function that gives its parts, from the back to the front.

A painter gets a generator, the coordinates x and y `(H, W)` of the pixels (the thing has radius 1, y goes down) and
the thing's colour; it yields pairs of signed distance `(H, W)` and colour `(3,)`. What is drawn at random stays small
enough that the thing is still the same thing.
"""

import numpy as np

_WOOD, _STEM, _GLASS = (np.array(c, "float32") for c in ((120, 80, 50), (60, 120, 60), (255, 236, 170)))
_INK, _SAIL = (np.array(c, "float32") for c in ((40, 40, 48), (245, 240, 228)))


def circle(x, y, cx, cy, r):
    return np.hypot(x - cx, y - cy) - r


def ellipse(x, y, cx, cy, rx, ry):
    """Nearly the distance to an ellipse, close to its edge."""
    u, v = (x - cx) / rx, (y - cy) / ry
    length = np.hypot(u, v)
    return (length - 1) * length / np.maximum(np.hypot(u / rx, v / ry), 1e-6)


def box(x, y, cx, cy, half_width, half_height):
    dx, dy = np.abs(x - cx) - half_width, np.abs(y - cy) - half_height
    return np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0)


def polygon(x, y, corners):
    """The distance to a polygon, convex or not.

    Reference: Inigo Quilez, "2D distance functions", the polygon: nearest edge, sign by counting crossings.
    """
    corners = np.asarray(corners, "float32")
    nearest, inside = np.full(x.shape, 1e9, "float32"), np.zeros(x.shape, bool)
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, 1, axis=0), strict=True):
        ex, ey, wx, wy = bx - ax, by - ay, x - ax, y - ay
        along = np.clip((wx * ex + wy * ey) / (ex * ex + ey * ey), 0, 1)
        nearest = np.minimum(nearest, np.hypot(wx - along * ex, wy - along * ey))
        if by != ay:
            inside ^= ((ay > y) != (by > y)) & (wx < ex * wy / ey)
    return np.where(inside, -nearest, nearest)


def line(x, y, ax, ay, bx, by, width):
    ex, ey = bx - ax, by - ay
    along = np.clip(((x - ax) * ex + (y - ay) * ey) / (ex * ex + ey * ey), 0, 1)
    return np.hypot(x - ax - along * ex, y - ay - along * ey) - width


def _rays(count, turn, inner, outer):
    """Corners of a star, alternately far from and near to the middle."""
    angles = turn + np.arange(2 * count) * np.pi / count
    radii = np.where(np.arange(2 * count) % 2, inner, outer)
    return np.stack([radii * np.sin(angles), -radii * np.cos(angles)], axis=-1)


def house(rng, x, y, colour):
    width, eaves = rng.uniform(0.62, 0.72), rng.uniform(-0.25, -0.05)
    yield box(x, y, 0, (eaves + 0.9) / 2, width, (0.9 - eaves) / 2), colour
    yield polygon(x, y, [(-width - 0.22, eaves), (0, -0.98), (width + 0.22, eaves)]), colour * 0.62
    side = rng.choice([-1, 1])
    yield box(x, y, side * 0.3 * width, 0.66, 0.15, 0.24), _WOOD
    yield box(x, y, -side * 0.42 * width, 0.25, 0.16, 0.15), _GLASS


def tree(rng, x, y, colour):
    yield box(x, y, 0, 0.68, rng.uniform(0.1, 0.15), 0.3), _WOOD
    if rng.random() < 0.5:
        crown = np.minimum(circle(x, y, -0.3, -0.1, 0.45), circle(x, y, 0.3, -0.1, 0.45))
        yield np.minimum(crown, circle(x, y, rng.uniform(-0.1, 0.1), -0.46, 0.5)), colour
    else:
        for top, width in ((-0.25, 0.78), (-0.98, rng.uniform(0.55, 0.65))):
            yield polygon(x, y, [(-width, top + 0.8), (0, top), (width, top + 0.8)]), colour


def boat(rng, x, y, colour):
    side = rng.choice([-1, 1])
    yield line(x, y, 0, -0.95, 0, 0.4, 0.05), _WOOD
    yield polygon(x, y, [(side * 0.08, -0.92), (side * 0.08, 0.22), (side * rng.uniform(0.6, 0.8), 0.22)]), _SAIL
    yield polygon(x, y, [(-side * 0.08, -0.7), (-side * 0.08, 0.22), (-side * 0.5, 0.22)]), _SAIL
    yield polygon(x, y, [(-0.98, 0.32), (0.98, 0.32), (rng.uniform(0.5, 0.65), 0.88), (-0.58, 0.88)]), colour


def sun(rng, x, y, colour):
    count = rng.integers(8, 12)
    yield polygon(x, y, _rays(count, rng.uniform(0, 1), 0.6, 1.0)), colour
    yield circle(x, y, 0, 0, rng.uniform(0.5, 0.56)), colour


def moon(rng, x, y, colour):
    angle, far = rng.uniform(-0.5, 0.5) + rng.choice([0, np.pi]), rng.uniform(0.42, 0.55)
    bite = circle(x, y, far * np.cos(angle), far * np.sin(angle), 0.72)
    yield np.maximum(circle(x, y, 0, 0, 0.95), -bite), colour


def star(rng, x, y, colour):
    yield polygon(x, y, _rays(5, rng.uniform(-0.25, 0.25), rng.uniform(0.4, 0.46), 1.0)), colour


def cloud(rng, x, y, colour):
    left, right = rng.uniform(0.3, 0.38, 2)
    parts = [circle(x, y, -0.55, 0.15, left), circle(x, y, 0.55, 0.15, right), box(x, y, 0, 0.28, 0.55, 0.2)]
    parts += [circle(x, y, rng.uniform(-0.25, -0.1), -0.12, 0.42), circle(x, y, 0.25, -0.05, rng.uniform(0.3, 0.38))]
    yield np.minimum.reduce(parts), colour


def fish(rng, x, y, colour):
    side, height = rng.choice([-1, 1]), rng.uniform(0.4, 0.5)
    yield (
        polygon(x, y, [(-side * 0.4, 0), (-side * 0.98, -0.45), (-side * 0.86, 0), (-side * 0.98, 0.45)]),
        colour * 0.7,
    )
    yield ellipse(x, y, side * 0.18, 0, 0.76, height), colour
    yield circle(x, y, side * 0.56, -0.1, 0.09), _INK


def flower(rng, x, y, colour):
    count, turn = rng.integers(5, 7), rng.uniform(0, 2)
    yield line(x, y, 0, 0, rng.uniform(-0.1, 0.1), 0.95, 0.06), _STEM
    yield ellipse(x, y, rng.choice([-0.25, 0.25]), 0.66, 0.24, 0.1), _STEM
    angles = turn + np.arange(count) * 2 * np.pi / count
    petals = [circle(x, y, 0.38 * np.cos(a), -0.32 + 0.38 * np.sin(a), 0.27) for a in angles]
    yield np.minimum.reduce(petals), colour
    yield circle(x, y, 0, -0.32, 0.2), _GLASS


def balloon(rng, x, y, colour):
    yield line(x, y, 0, 0.5, rng.uniform(-0.2, 0.2), 0.98, 0.03), _INK
    yield polygon(x, y, [(0, 0.42), (-0.13, 0.62), (0.13, 0.62)]), colour
    yield ellipse(x, y, 0, -0.24, rng.uniform(0.56, 0.62), 0.74), colour


PAINTERS = {painter.__name__: painter for painter in (house, tree, boat, sun, moon, star, cloud, fish, flower, balloon)}
