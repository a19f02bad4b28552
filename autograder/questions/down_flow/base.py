"""The right answers of exercise 07's wiring, part by part.

Shapes: B batch, H W height and width of the latent, C its channels, E embedding features, T context tokens, F features.
"""

from autograder.questions.catalogue import Base
from autograder.questions.catalogue.blocks import PaddedConv, resblock, transformer
from autograder.questions.catalogue.operations import first, same


def down_pair(p, x, t_emb, context, level, blocks):
    """x `(B, H, W, C)`, t_emb `(B, E)`, context `(B, T, F)` to `(B, H, W, channels[level])`."""
    widths, head_size, time, text = _told(p, t_emb, context, blocks)
    width = p.width(widths, level)
    heads = p.heads(width, head_size, level, widths) if p.attends(level, 0) else None
    x = p.attend_early(x, text, heads) if heads else x
    x = p.looked(p.look(x, time, width), x)
    x = p.attended(p.attend(x, text, heads), x) if heads else x
    return p.end(x, width)


def down_level(p, x, t_emb, context, level, blocks):
    """x `(B, H, W, C)` to `(B, H/2, W/2, channels[level])`, on the fourth level `(B, H, W, ..)`, and its kept maps."""
    told = _told(p, t_emb, context, blocks)
    return p.result(*_through(p, x, p.keep_entry([], x), level, told))


def down_flow(p, latent, t_emb, context, blocks):
    """latent `(B, H, W, C)`, t_emb `(B, E)`, context `(B, T, F)` to x `(B, H/8, W/8, channels[3])` and 12 kept maps."""
    told = _told(p, t_emb, context, blocks)
    widths = told[0]
    x = p.entry(latent, p.entry_width(widths, blocks))
    kept = p.keep_entry([], x, latent)
    for level in p.levels(widths):
        x, kept = _through(p, x, kept, level, told)
    return p.result(x, kept)


def _told(p, t_emb, context, blocks):
    """What all levels are told: the widths, the size of a head, the time and the text."""
    return p.widths(blocks), p.head_size(blocks), p.time(t_emb), p.text(context)


def _through(p, x, kept, level, told):
    """One level: x as it leaves it, and the list of kept maps with those of the level behind."""
    widths, head_size, time, text = told
    width, pairs = p.width(widths, level), p.pairs(level)
    x = p.halve_early(x, width, level)
    kept = p.keep_halved_early(kept, x, level)
    for i in pairs:
        kept = p.keep_early(kept, x)
        heads = p.heads(width, head_size, level, widths) if p.attends(level, i) else None
        x = p.attend_early(x, text, heads) if heads else x
        x = p.looked(p.look(x, time, width, p.look_turn(i)), x)
        kept = p.keep_looked(kept, x, level)
        x = p.attended(p.attend(x, text, heads, p.attend_turn(i)), x) if heads else x
        kept = p.keep(kept, x, level, i)
        if p.halves(level, i, pairs):
            halved = p.halve(x, p.halved_width(widths, level), level)
            kept = p.keep_halved(kept, halved, x)
            x = p.go_on(halved, x)
    return x, kept


def append(kept, x, *_):
    """The list with one map more at its end."""
    return [*kept, x]


def fit_heads(width, head_size, *_):
    """As many heads of `head_size` as the width has room for."""
    return width // head_size, head_size


def above_smallest(level, *_):
    """Whether a level is one of the three larger ones."""
    return level < 3


def own_width(widths, level):
    return widths[level]


def anew(_):
    """Each block is used for the first time."""
    return 0


_TOLD = {
    "widths": lambda blocks: blocks.channels,
    "head_size": lambda blocks: blocks.head_size,
    "time": same,
    "text": same,
    "width": own_width,
    "heads": fit_heads,
    "attends": above_smallest,
    "attend_early": first,
    "look": resblock,
    "looked": first,
    "attend": transformer,
    "attended": first,
}
_LEVEL = {
    **_TOLD,
    "pairs": lambda level: (0, 1),
    "halve_early": first,
    "keep_halved_early": first,
    "keep_early": first,
    "look_turn": anew,
    "keep_looked": first,
    "attend_turn": anew,
    "keep": append,
    "halves": lambda level, i, pairs: level < 3 and i == pairs[-1],
    "halved_width": own_width,
    "halve": PaddedConv(stride=2),
    "keep_halved": append,
    "go_on": first,
    "result": lambda x, kept: (x, kept),
}

PAIR = Base(down_pair, {**_TOLD, "end": first})
LEVEL = Base(down_level, {**_LEVEL, "keep_entry": first})
DOWN = Base(
    down_flow,
    {
        **_LEVEL,
        "entry_width": lambda widths, blocks: widths[0],
        "entry": PaddedConv(),
        "keep_entry": append,
        "levels": lambda widths: (0, 1, 2, 3),
    },
)
