"""The right answers of exercise 08, part by part.

Shapes: B batch, H W height and width, C channels, E embedding features, T context tokens, F features.
"""

from autograder.questions.catalogue import Base
from autograder.questions.catalogue.blocks import resblock, transformer, upsample
from autograder.questions.catalogue.operations import Conv, concatenate, first, same
from autograder.questions.down_flow.base import above_smallest, anew, fit_heads, own_width


def enlarge(p, x, channels):
    """`Upsample`: `(B, H, W, C)` to `(B, 2H, 2W, channels)`."""
    x = p.columns(p.rows(p.before(x)))
    return p.end(p.conv(x))


UPSAMPLE = Base(
    enlarge,
    {
        "before": same,
        "rows": lambda x: x.repeat(2, axis=1),
        "columns": lambda x: x.repeat(2, axis=2),
        "conv": Conv("channels"),
        "end": same,
    },
)

_COMMON = {
    "widths": lambda blocks: blocks.channels,
    "head_size": lambda blocks: blocks.head_size,
    "time": same,
    "text": same,
    "width": own_width,
    "heads": fit_heads,
    "attend_early": first,
    "look": resblock,
    "attend": transformer,
    "attended": first,
}


def middle_flow(p, x, t_emb, context, blocks):
    """x `(B, H, W, channels[3])`, t_emb `(B, E)`, context `(B, T, F)` to `(B, H, W, channels[3])`."""
    widths, time, text = p.widths(blocks), p.time(t_emb), p.text(context)
    width = p.width(widths, 3)
    heads = p.heads(width, p.head_size(blocks), 3, widths)
    early = p.attend_early(x, text, heads)
    h = p.looked(p.look(early, time, width), early)
    h = p.between(p.attended(p.attend(h, text, heads), h))
    h = p.looked2(p.look2(h, time, width, p.turn()), h)
    h = p.look3(p.attend_late(h, text, heads), time, width)
    return p.end(h, x)


MIDDLE = Base(
    middle_flow,
    {
        **_COMMON,
        "between": same,
        "turn": lambda: 0,
        "looked": first,
        "look2": resblock,
        "looked2": first,
        "attend_late": first,
        "look3": first,
        "end": first,
    },
)


def up_flow(p, x, outputs, t_emb, context, blocks):
    """x `(B, H/8, W/8, channels[3])`, 12 kept maps, t_emb `(B, E)`, context `(B, T, F)` to `(B, H, W, channels[0])`."""
    widths, head_size, time, text = p.widths(blocks), p.head_size(blocks), p.time(t_emb), p.text(context)
    waiting = p.waiting(outputs)
    for level in p.levels(widths):
        width, steps = p.width(widths, level), p.steps(level)
        x = p.enlarge_early(x, width, level)
        for i in steps:
            skip, waiting = p.take(waiting, i), p.leave(waiting, i)
            h = p.join(x, skip, i)
            heads = p.heads(width, head_size, level, widths) if p.attends(level, i) else None
            h = p.attend_early(h, text, heads) if heads else h
            x = p.looked(p.look(h, time, width, p.look_turn(i)), h)
            x = p.attended(p.attend(x, text, heads, p.attend_turn(i)), x) if heads else x
            x = p.join_late(x, skip)
            if p.enlarges(level, i, steps):
                x = p.enlarge(x, p.enlarged_width(widths, level), level)
        waiting = p.drop(waiting)
    return p.end(x)


def last(waiting, *_):
    """The map at the end of the list.

    Raises:
        IndexError: as a list's `pop` does, if there is none.
    """
    return [*waiting].pop()


UP = Base(
    up_flow,
    {
        **_COMMON,
        "waiting": same,
        "levels": lambda widths: (3, 2, 1, 0),
        "steps": lambda level: (0, 1, 2),
        "enlarge_early": first,
        "take": last,
        "leave": lambda waiting, i: waiting[:-1],
        "join": lambda x, skip, i: concatenate(x, skip),
        "attends": above_smallest,
        "look_turn": anew,
        "looked": first,
        "attend_turn": anew,
        "join_late": first,
        "enlarges": lambda level, i, steps: level > 0 and i == steps[-1],
        "enlarged_width": own_width,
        "enlarge": upsample,
        "drop": same,
        "end": same,
    },
)
