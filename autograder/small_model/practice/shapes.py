"""The world that one learns to draw while one waits: captions and pictures of one flat shape on a plain ground.

"a red circle on black": 64x64 pixels with smooth edges, values from -1 to 1.

Shapes: B scenes, T words of a caption.
"""

from dataclasses import dataclass

import numpy as np

SIDE = 64
COLOUR_VALUES = {
    "red": (220, 40, 40),
    "green": (40, 170, 60),
    "blue": (45, 80, 220),
    "yellow": (245, 210, 40),
    "white": (250, 250, 250),
    "purple": (160, 60, 190),
    "black": (15, 15, 15),
    "gray": (125, 125, 125),
}
COLOURS = ("red", "green", "blue", "yellow", "white", "purple")
GROUNDS = ("black", "gray", "blue", "white")
SHAPES = ("circle", "square", "triangle", "cross")
WORDS = ("", "a", "on", *COLOUR_VALUES, *SHAPES)  # "" fills a caption up
MAX_TEXT_LENGTH = 5
_STRAY = 8  # how far a centre strays from the picture's, in pixels, across and down
_RADII = (11, 17)


@dataclass(frozen=True)
class Scenes:
    """What B captions say, as indices, each `(B,)`."""

    colours: np.ndarray
    shapes: np.ndarray
    grounds: np.ndarray

    def __len__(self):
        return len(self.grounds)


def draw_scenes(rng, count):
    """Draws `count` scenes at random, none with a shape in the colour of its ground."""
    # Of all pairs of a colour and a ground those that can be seen.
    pairs = np.array([(i, j) for i, c in enumerate(COLOURS) for j, g in enumerate(GROUNDS) if c != g])
    colours, grounds = pairs[rng.integers(len(pairs), size=count)].T
    return Scenes(colours, rng.integers(len(SHAPES), size=count), grounds)


def captions(scenes):
    """The captions of scenes, a list of B texts."""
    rows = zip(scenes.colours, scenes.shapes, scenes.grounds, strict=True)
    return [f"a {COLOURS[c]} {SHAPES[s]} on {GROUNDS[g]}" for c, s, g in rows]


def parse(texts):
    """The `Scenes` that captions describe.

    Raises:
        ValueError: for a text that is no caption.
    """
    rows = []
    for text in texts:
        words = text.split()
        known = len(words) == 5 and words[1] in COLOURS and words[2] in SHAPES and words[4] in GROUNDS
        if not known or words[::3] != ["a", "on"]:
            raise ValueError(f"A prompt must be like 'a red circle on black'. Received: {text!r}")
        rows.append((COLOURS.index(words[1]), SHAPES.index(words[2]), GROUNDS.index(words[4])))
    return Scenes(*np.array(rows, "int64").reshape(-1, 3).T)


def tokenize(texts):
    """Captions as word numbers: int32 `(B, T)`, filled up with 0; the empty prompt is "".

    Raises:
        ValueError: for a word that is not in `WORDS`, listing those that are, and for a caption of more than
            `MAX_TEXT_LENGTH` words.
    """
    numbers = {word: i for i, word in enumerate(WORDS)}
    tokens = np.zeros((len(texts), MAX_TEXT_LENGTH), "int32")
    for row, text in zip(tokens, texts, strict=True):
        words = text.split()
        unknown = [word for word in words if word not in numbers]
        if unknown:
            raise ValueError(
                f"The practice UNet knows these words only: {', '.join(WORDS[1:])}. Received: {text!r}, "
                f"of which it does not know: {', '.join(unknown)}"
            )
        if len(words) > MAX_TEXT_LENGTH:
            raise ValueError(f"A prompt must have at most {MAX_TEXT_LENGTH} words. Received: {text!r} ({len(words)})")
        row[: len(words)] = [numbers[word] for word in words]
    return tokens


def paint_shapes(rng, scenes):
    """Paints scenes, each shape with a size and a place of its own: float32 `(B, 64, 64, 3)`, values from -1 to 1."""
    centres = SIDE / 2 + rng.uniform(-_STRAY, _STRAY, (len(scenes), 2))  # x, y
    radii = rng.uniform(*_RADII, len(scenes))
    return paint_at(scenes, centres, radii)


def paint_at(scenes, centres, radii):
    """Paints scenes whose shapes stand at `centres` `(B, 2)` with `radii` `(B,)`, in pixels: see `paint_shapes`."""
    pixels = np.arange(SIDE, dtype="float32") + 0.5
    x = pixels[None, None, :] - centres[:, 0, None, None]  # (B, 1, W)
    y = pixels[None, :, None] - centres[:, 1, None, None]  # (B, H, 1)
    all_shapes = np.stack([np.broadcast_to(d, (len(scenes), SIDE, SIDE)) for d in _distances(x, y, _last(radii))])
    distance = all_shapes[scenes.shapes, np.arange(len(scenes))]  # (B, H, W)
    cover = np.clip(0.5 - distance, 0, 1)[..., None]
    ground, colour = _values(GROUNDS)[scenes.grounds], _values(COLOURS)[scenes.colours]
    return (ground[:, None, None] + cover * (colour - ground)[:, None, None]).astype("float32")


def _last(radii):
    return np.asarray(radii)[:, None, None]


def _values(names):
    return np.array([COLOUR_VALUES[name] for name in names], "float32") / 127.5 - 1


def _distances(x, y, r):
    """Signed distances in pixels to the edge of each of SHAPES, negative inside, `(B, H, W)` each."""
    across, down = np.abs(x), np.abs(y)
    circle = np.sqrt(x * x + y * y) - r
    square = np.maximum(across, down) - 0.85 * r
    triangle = np.maximum(y - 0.8 * r, (1.8 * across - (y + r)) / (1.8**2 + 1) ** 0.5)  # apex up
    bar, beam = np.maximum(across - r, down - 0.33 * r), np.maximum(down - r, across - 0.33 * r)
    return circle, square, triangle, np.minimum(bar, beam)
