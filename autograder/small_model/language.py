"""The language of the small model: its words, the scenes they describe, and which scenes training never sees.

A scene is one thing, or two or three of which the first stands in a relation to each of the others, on a ground:
"a red house by day", "a small blue boat below a yellow moon at night", "a white cloud right of a red balloon and above
a green tree". Size and ground may be left unsaid.
"""

import itertools
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

THINGS = ("house", "tree", "boat", "sun", "moon", "star", "cloud", "fish", "flower", "balloon")
COLOURS = ("red", "yellow", "green", "blue", "purple", "white")
SIZES = ("", "small", "large")  # "" is left unsaid, and then of middle size
RELATIONS = ("above", "below", "left", "right")
OPPOSITE = {"above": "below", "below": "above", "left": "right", "right": "left"}
GROUNDS = {"day": "by day", "night": "at night", "sunset": "at sunset", "sea": "at sea", "snow": "in snow"}

START, END = "<start>", "<end>"
# The first fills a caption up. A start, at most 19 words, an end.
WORDS = ("", START, END, "a", "and", "of", "by", "at", "in", *SIZES[1:], *COLOURS, *THINGS, *RELATIONS, *GROUNDS)
MAX_TEXT_LENGTH = 22

# Never seen in training, alone or beside others: each of these colours and things is seen in other pairs.
UNSEEN_PAIRS = (
    ("purple", "house"),
    ("green", "sun"),
    ("yellow", "fish"),
    ("red", "cloud"),
    ("blue", "flower"),
    ("white", "tree"),
)
HELD_OUT_SHARE = 8  # one scene in 8 is kept from training, by a hash of what it shows
KINDS = ("training", "held-out", "unseen pairs", "all")
SHARES = (0.2, 0.4, 0.4)  # of scenes with one, two and three things


@dataclass(frozen=True)
class Thing:
    """One thing of a scene: what it is, its colour, and its size as far as it is said."""

    name: str
    colour: str
    size: str = ""

    def __str__(self) -> str:
        return " ".join(word for word in ("a", self.size, self.colour, self.name) if word)


@dataclass(frozen=True)
class Scene:
    """What a caption says.

    Args:
        things: one to three.
        relations: for each thing behind the first how the first stands to it, of `RELATIONS`.
        ground: of `GROUNDS`, or "" if it is left unsaid.
    """

    things: tuple[Thing, ...]
    relations: tuple[str, ...] = ()
    ground: str = ""

    def __str__(self) -> str:
        """The caption."""
        pairs = zip(self.relations, self.things[1:], strict=True)
        others = [f"{relation}{' of' if relation in ('left', 'right') else ''} {thing}" for relation, thing in pairs]
        parts = [str(self.things[0]), " and ".join(others), GROUNDS.get(self.ground, "")]
        return " ".join(part for part in parts if part)


def has_unseen_pair(scene: Scene) -> bool:
    """Whether a scene shows a pair of colour and thing that training never sees."""
    return any((thing.colour, thing.name) in UNSEEN_PAIRS for thing in scene.things)


def is_held_out(scene: Scene) -> bool:
    """Whether a scene is kept from training: by what it shows, not by how it is said.

    "A above B" and "B below A" are the same picture, so they are held out together, in every size and on every ground;
    a thing alone is held out on some grounds only, and only where the ground is said.
    """
    things = [f"{thing.colour} {thing.name}" for thing in scene.things]
    if len(things) == 1:
        return bool(scene.ground) and _hash(f"{things[0]} {scene.ground}")
    if len(things) == 2:
        ordered = things if scene.relations[0] in ("above", "left") else things[::-1]
        return _hash(f"{ordered[0]} {'|-'[scene.relations[0] in ('left', 'right')]} {ordered[1]}")
    return _hash("; ".join([things[0], *sorted(f"{r} {t}" for r, t in zip(scene.relations, things[1:], strict=True))]))


def _hash(text: str) -> bool:
    return zlib.crc32(text.encode()) % HELD_OUT_SHARE == 0


def draw_scenes(rng: np.random.Generator, count: int, kind: str = "training", shares=SHARES) -> list[Scene]:
    """Draws scenes at random.

    Args:
        rng: NumPy's generator.
        count: how many.
        kind: "training" (neither held-out scenes nor unseen pairs), "held-out" (held-out scenes of seen pairs),
            "unseen pairs" (at least one) or "all".
        shares: of scenes with one, two and three things.

    Raises:
        ValueError: for another kind.
    """
    wanted = {
        "training": lambda s: not is_held_out(s) and not has_unseen_pair(s),
        "held-out": lambda s: is_held_out(s) and not has_unseen_pair(s),
        "unseen pairs": has_unseen_pair,
        "all": lambda s: True,
    }
    if kind not in wanted:
        raise ValueError(f"`kind` must be one of {', '.join(wanted)}. Received: kind={kind!r}")
    return list(itertools.islice(filter(wanted[kind], _any_scenes(rng, shares)), count))


def _any_scenes(rng: np.random.Generator, shares) -> Iterator[Scene]:
    while True:
        count = 1 + int(rng.choice(3, p=shares))
        names = [(str(rng.choice(COLOURS)), str(rng.choice(THINGS))) for _ in range(count)]
        if len(set(names)) < count:
            continue  # twins cannot be told apart
        things = tuple(Thing(name, colour, _any_size(rng)) for colour, name in names)
        if sum(thing.size == "large" for thing in things) > 1 and count == 3:
            continue  # there is no room for them
        relations = tuple(str(r) for r in rng.permutation(RELATIONS)[: count - 1])
        yield Scene(things, relations, str(rng.choice(list(GROUNDS))) if rng.random() < 0.8 else "")


def _any_size(rng: np.random.Generator) -> str:
    return str(rng.choice(SIZES, p=(0.6, 0.2, 0.2)))


def tokenize(texts: Sequence[str]) -> np.ndarray:
    """Captions as word numbers: a start, the words, an end.

    Args:
        texts: list of B captions.

    Returns:
        int32 array `(B, T)`, filled up with 0.

    Raises:
        ValueError: for a word that is not in `WORDS`, listing those that are, and for a caption that is too long.
    """
    numbers = {word: i for i, word in enumerate(WORDS)}
    tokens = np.zeros((len(texts), MAX_TEXT_LENGTH), "int32")
    for row, text in zip(tokens, texts, strict=True):
        words = words_of(text)
        unknown = [word for word in words if word not in numbers or word in ("", START, END)]
        if unknown:
            raise ValueError(
                f"The model knows these words only: {', '.join(WORDS[3:])}. Received: {text!r}, "
                f"of which it does not know: {', '.join(unknown)}"
            )
        if len(words) > MAX_TEXT_LENGTH - 2:
            longest = MAX_TEXT_LENGTH - 2
            raise ValueError(f"A prompt must have at most {longest} words. Received: {text!r} ({len(words)})")
        row[: len(words) + 2] = [numbers[word] for word in (START, *words, END)]
    return tokens


def words_of(text: str) -> list[str]:
    """The words of a caption, in small letters and without commas and full stops."""
    return text.lower().replace(",", " ").replace(".", " ").split()


def parse(text: str) -> Scene:
    """The scene that a caption describes.

    Raises:
        ValueError: for a word that the model does not know, and for a text that is not of its language.
    """
    tokenize([text])
    words = words_of(text)
    scene = _parse(list(words))
    if scene is None or str(scene).split() != words:
        raise ValueError(
            "A prompt must be like 'a red house by day' or 'a small blue boat below a yellow moon and left of a green "
            f"tree at night'. Received: {text!r}"
        )
    return scene


def _parse(words: list[str]) -> Scene | None:
    ground = words[-1] if words and words[-1] in GROUNDS else ""
    things: list[Thing] = []
    relations: list[str] = []
    for word in words:
        if word == "a":
            things.append(Thing("", ""))
        elif word in RELATIONS:
            relations.append(word)
        elif things and word in (*SIZES[1:], *COLOURS, *THINGS):
            field = "size" if word in SIZES else "colour" if word in COLOURS else "name"
            things[-1] = replace(things[-1], **{field: word})
    whole = all(thing.name and thing.colour for thing in things)
    return Scene(tuple(things), tuple(relations), ground) if things and whole and len(things) < 4 else None
