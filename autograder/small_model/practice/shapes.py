"""The language of the small model: its words, the scenes they describe, and which scenes training never sees.

A scene is one object, or two of which one stands above, below, left or right of the other, on a background:
"a red circle on blue", "a green triangle above a white cross on black". The background may be left unsaid.

Shapes: B scenes, T words of a caption.
"""

from dataclasses import dataclass

import numpy as np

COLOURS = {
    "red": (220, 40, 40),
    "green": (40, 170, 60),
    "blue": (45, 80, 220),
    "yellow": (245, 210, 40),
    "white": (250, 250, 250),
    "purple": (160, 60, 190),
    "black": (15, 15, 15),
    "gray": (125, 125, 125),
}
OBJECT_COLOURS = ("red", "green", "blue", "yellow", "white", "purple")
BACKGROUNDS = ("black", "gray", "blue", "white")
SHAPES = ("circle", "square", "triangle", "cross")
RELATIONS = ("", "above", "below", "left", "right")  # "" stands for a single object; in a caption: "left of"
PLACES = ("alone", "top", "bottom", "left", "right")
WORDS = ("", "a", "on", "of", *COLOURS, *SHAPES, *RELATIONS[1:])  # "" fills a caption up
MAX_TEXT_LENGTH = 10

# Where the first and the second object named stand, for each relation.
PLACES_OF = np.array([(0, 0), (1, 2), (2, 1), (3, 4), (4, 3)])
# Never seen in training, alone or beside another object: each of these shapes and colours is seen in other pairs.
HELD_OUT_PAIRS = (("purple", "square"), ("yellow", "triangle"), ("green", "circle"), ("red", "cross"))
_HELD_OUT_CODES = [OBJECT_COLOURS.index(c) * len(SHAPES) + SHAPES.index(s) for c, s in HELD_OUT_PAIRS]
HELD_OUT_SHARE = 8  # one scene in 8 is kept from training, by a hash of what it shows


@dataclass
class Scenes:
    """What B captions say, as indices: `colours` and `shapes` `(B, 2)`, `relations` and `backgrounds` `(B,)`.

    Where `relations` is 0 there is one object and the second column means nothing. `said` `(B,)` tells whether the
    caption names the background.
    """

    colours: np.ndarray
    shapes: np.ndarray
    relations: np.ndarray
    backgrounds: np.ndarray
    said: np.ndarray

    def __len__(self):
        return len(self.relations)

    def take(self, rows):
        """The scenes of the given rows."""
        return Scenes(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def pair_codes(scenes):
    """One number for each object's pair of colour and shape, `(B, 2)`."""
    return scenes.colours * len(SHAPES) + scenes.shapes


def has_held_out_pair(scenes):
    """Whether a scene shows a pair of colour and shape that training never sees, `(B,)`."""
    held_out = np.isin(pair_codes(scenes), _HELD_OUT_CODES)
    return held_out[:, 0] | (held_out[:, 1] & (scenes.relations > 0))


def is_held_out(scenes):
    """Whether a scene made of seen pairs is kept from training, `(B,)`: by what it shows, not by how it is said.

    "A above B" and "B below A" are the same picture, so they are held out together.
    """
    pairs = pair_codes(scenes).astype(np.uint64)
    swapped = np.isin(scenes.relations, [2, 4])
    first, second = np.where(swapped, pairs[:, 1], pairs[:, 0]), np.where(swapped, pairs[:, 0], pairs[:, 1])
    axis = ((scenes.relations + 1) // 2).astype(np.uint64)  # 0 alone, 1 vertical, 2 horizontal
    # A pair of objects is held out on every background; a single object only on some.
    rest = np.where(scenes.relations > 0, second, scenes.backgrounds.astype(np.uint64))
    code = (axis * np.uint64(64) + first) * np.uint64(64) + rest
    mixed = (code + np.uint64(1)) * np.uint64(2654435761) % np.uint64(2**32)
    return (mixed >> np.uint64(15)) % np.uint64(HELD_OUT_SHARE) == 0


def draw_scenes(rng, count, kind="training", two_objects=0.7):
    """Draws scenes at random.

    Args:
        rng: `numpy.random.Generator`.
        count: how many.
        kind: "training" (neither held-out scenes nor held-out pairs), "held-out" (held-out scenes of seen pairs),
            "pairs" (at least one held-out pair) or "all".
        two_objects: share of scenes with two objects.

    Returns:
        `Scenes` of `count` rows.
    """
    wanted = {
        "training": lambda s: ~is_held_out(s) & ~has_held_out_pair(s),
        # A single object is held out on some backgrounds only, so the caption has to name it.
        "held-out": lambda s: is_held_out(s) & ~has_held_out_pair(s) & (s.said | (s.relations > 0)),
        "pairs": has_held_out_pair,
        "all": lambda s: np.ones(len(s), bool),
    }
    if kind not in wanted:
        raise ValueError(f"`kind` must be one of {', '.join(wanted)}. Received: kind={kind!r}")
    found: list[Scenes] = []
    while sum(map(len, found)) < count:
        scenes = _any_scenes(rng, max(4 * count, 64), two_objects)
        found.append(scenes.take(np.flatnonzero(_is_visible(scenes) & wanted[kind](scenes))))
    fields = Scenes.__dataclass_fields__
    return Scenes(*(np.concatenate([getattr(s, name) for s in found])[:count] for name in fields))


def _any_scenes(rng, count, two_objects):
    two = rng.random(count) < two_objects
    return Scenes(
        colours=rng.integers(len(OBJECT_COLOURS), size=(count, 2)),
        shapes=rng.integers(len(SHAPES), size=(count, 2)),
        relations=np.where(two, rng.integers(1, len(RELATIONS), size=count), 0),
        backgrounds=rng.integers(len(BACKGROUNDS), size=count),
        said=rng.random(count) < 0.85,
    )


def _is_visible(scenes):
    """Objects differ from the background in colour, and from each other in colour or shape."""
    names = np.array(OBJECT_COLOURS)[scenes.colours]
    hidden = names == np.array(BACKGROUNDS)[scenes.backgrounds][:, None]
    twins = pair_codes(scenes)[:, 0] == pair_codes(scenes)[:, 1]
    two = scenes.relations > 0
    return ~hidden[:, 0] & ~(hidden[:, 1] & two) & ~(twins & two)


def captions(scenes):
    """The captions of scenes, a list of B texts."""
    texts = []
    for (c1, c2), (s1, s2), r, b, said in zip(
        scenes.colours, scenes.shapes, scenes.relations, scenes.backgrounds, scenes.said, strict=True
    ):
        text = f"a {OBJECT_COLOURS[c1]} {SHAPES[s1]}"
        if r:
            relation = RELATIONS[r] + (" of" if r > 2 else "")
            text += f" {relation} a {OBJECT_COLOURS[c2]} {SHAPES[s2]}"
        texts.append(text + (f" on {BACKGROUNDS[b]}" if said else ""))
    return texts


def tokenize(texts):
    """Captions as word numbers.

    Args:
        texts: list of B captions.

    Returns:
        int32 array `(B, T)`, filled up with 0.

    Raises:
        ValueError: for a word that is not in `WORDS`, listing those that are, and for a caption of more than
            `MAX_TEXT_LENGTH` words.
    """
    numbers = {word: i for i, word in enumerate(WORDS)}
    tokens = np.zeros((len(texts), MAX_TEXT_LENGTH), "int32")
    for row, text in zip(tokens, texts, strict=True):
        words = text.lower().replace(",", " ").replace(".", " ").split()
        unknown = [word for word in words if word not in numbers]
        if unknown:
            raise ValueError(
                f"The model knows these words only: {', '.join(WORDS[1:])}. Received: {text!r}, "
                f"of which it does not know: {', '.join(unknown)}"
            )
        if len(words) > MAX_TEXT_LENGTH:
            raise ValueError(f"A prompt must have at most {MAX_TEXT_LENGTH} words. Received: {text!r} ({len(words)})")
        row[: len(words)] = [numbers[word] for word in words]
    return tokens


def parse(text):
    """The scene that a caption describes, as `Scenes` of one row; a ValueError if it is not of the model's language."""
    words = [WORDS[i] for i in tokenize([text])[0] if i]
    for relation in range(len(RELATIONS)):
        scene = _parse_as(words, relation)
        if scene is not None and " ".join(words) == captions(scene)[0]:
            return scene
    raise ValueError(
        "A prompt must be like 'a red circle on blue' or 'a red circle left of a white cross on black'. "
        f"Received: {text!r}"
    )


def _parse_as(words, relation):
    said = len(words) > 1 and words[-2] == "on" and words[-1] in BACKGROUNDS
    names = [words[i + 1 : i + 3] for i, word in enumerate(words) if word == "a"]
    known = all(len(name) == 2 and name[0] in OBJECT_COLOURS and name[1] in SHAPES for name in names)
    if not known or len(names) != (2 if relation else 1):
        return None
    names = (names * 2)[:2]
    return Scenes(
        colours=np.array([[OBJECT_COLOURS.index(colour) for colour, _ in names]]),
        shapes=np.array([[SHAPES.index(shape) for _, shape in names]]),
        relations=np.array([relation]),
        backgrounds=np.array([BACKGROUNDS.index(words[-1]) if said else 0]),
        said=np.array([said]),
    )
