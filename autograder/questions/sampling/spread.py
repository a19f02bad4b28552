"""How far guided noise spreads: the right prediction of exercise 10 in parts, and its mistakes."""

from autograder.questions.catalogue import Base, change, wired
from autograder.questions.catalogue.operations import add, same, scaled


def guided_variance(scale, correlation):
    """The variance of u + s·(c - u), for u and c of variance 1."""
    return (1 - scale) ** 2 + scale**2 + 2 * scale * (1 - scale) * correlation


def spread(p, scale, correlation):
    """u + s·(c - u) is (1 - s)·u + s·c: two squares, and twice the product of all that they have in common."""
    rest = p.rest(scale)
    squares = p.squares(p.plain_square(rest), p.told_square(scale))
    return p.end(p.joined(squares, p.common(rest, scale, correlation)))


def _common(rest, scale, correlation):
    return 2 * rest * scale * correlation


SPREAD = Base(
    spread,
    {
        "rest": lambda scale: 1 - scale,
        "plain_square": lambda rest: rest**2,
        "told_square": lambda scale: scale**2,
        "squares": add,
        "common": _common,
        "joined": add,
        "end": same,
    },
)


def _from_plain(scale, correlation):
    """1 and the variance of s·(c - u), as if u and c - u were independent."""
    return 1 + scale**2 * 2 * (1 - correlation)


SPREAD_CHANGES = (
    change("spread-stays-at-1", joined=lambda squares, common: 1 + 0 * squares),
    change("spread-of-independent-answers", common=lambda *_: 0),
    change("spread-of-plain-and-difference", joined=wired(_from_plain, "scale", "correlation")),
    change("spread-of-plain-and-independent-difference", joined=wired(lambda scale: 1 + 2 * scale**2, "scale")),
    change("spread-of-the-difference", joined=wired(lambda s, c: 2 * s**2 * (1 - c), "scale", "correlation")),
    change("spread-of-the-scale", joined=wired(lambda scale: scale**2, "scale")),
    change("spread-of-plain-and-scale", joined=wired(lambda scale: 1 + scale**2, "scale")),
    change("spread-common-once", common=lambda *parts: _common(*parts) / 2),
    change("spread-common-subtracted", common=lambda *parts: -_common(*parts)),
    change("spread-correlation-squared", common=lambda rest, scale, c: 2 * rest * scale * c**2),
    change("spread-without-squares", squares=wired(add, "rest", "scale")),
    change(
        "spread-from-the-prompt",
        {
            "rest": lambda scale: -scale,
            "told_square": lambda scale: (1 + scale) ** 2,
            "common": lambda rest, scale, c: 2 * rest * (1 + scale) * c,
        },
    ),
    change("spread-rooted", end=lambda variance: variance**0.5),
    change("spread-halved", end=scaled(0.5)),
)
