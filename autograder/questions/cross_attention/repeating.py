"""A word that stands in the prompt several times: the right prediction of exercise 06 in parts, and its mistakes.

With equal embeddings the copies of a word have equal scores, so a pixel gives each of them the same weight.
"""

from autograder.questions.catalogue import Base, change, wired
from autograder.questions.catalogue.operations import add, divide, first, multiply, same


def repeated_share(share, times):
    """The weight that all copies of a word get together."""
    return times * share / (1 + (times - 1) * share)


def together(p, share, times):
    """A share between 0 and 1 and a number of copies to a share: what all copies weigh, of what everything weighs."""
    copies = p.copies(share, p.times(times))
    return p.end(p.shared_out(copies, p.total(copies, p.others(share))))


REPEATED = Base(
    together,
    {
        "times": same,
        "copies": multiply,
        "others": lambda share: 1 - share,
        "total": add,
        "shared_out": divide,
        "end": same,
    },
)


def _odds_to_the_power(share, times):
    return share**times / (share**times + (1 - share) ** times)


REPEATED_CHANGES = (
    change("repeat-changes-nothing", shared_out=wired(same, "share")),
    change("repeat-not-shared-out", shared_out=first),
    change("repeat-capped-at-all", shared_out=lambda copies, total: min(copies, 1.0)),
    change("repeat-of-one-copy", shared_out=wired(divide, "share", "total")),
    change("repeat-divides-the-share", copies=divide, shared_out=first),
    change("repeat-as-independent-looks", shared_out=wired(lambda s, n: 1 - (1 - s) ** n, "share", "times")),
    change("repeat-as-a-larger-score", shared_out=wired(_odds_to_the_power, "share", "times")),
    change("repeat-of-the-others", shared_out=wired(divide, "others", "total")),
    change("repeat-against-the-others", shared_out=wired(divide, "copies", "others")),
    change("repeat-counts-the-old-share-twice", others=lambda share: 1),
    change("repeat-one-copy-too-many", times=lambda times: times + 1),
    change("repeat-one-copy-too-few", times=lambda times: times - 1),
)
