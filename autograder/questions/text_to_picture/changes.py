"""The mistakes of exercise 12's functions: the right answers with one thing changed each."""

import math

import numpy as np

from autograder.questions.catalogue import Form, change, generated, on, reads, wired
from autograder.questions.catalogue.operations import Refused, first, same, scaled, second, subtract
from autograder.questions.text_to_picture.base import START

# ------------------------------------------------------------------------------------------------------------- the mask


def _near(most_ahead, most_behind):
    """A token sees its neighbours only."""
    return lambda row, column: (row - column >= most_ahead) & (row - column <= most_behind)


def _to_add(least: float):
    """A mask whose numbers are added to scores: 0 where a token may look."""
    return lambda allowed: np.where(allowed, 0.0, least)


MASK_CHANGES = (
    change("mask-transposed", allowed=lambda row, column: row <= column),
    change("mask-not-itself", allowed=lambda row, column: row > column),
    change("mask-turned-round", allowed=lambda row, column: row < column),
    change("mask-itself-only", allowed=lambda row, column: row == column),
    change("mask-not-itself-only", allowed=lambda row, column: row != column),
    change("mask-of-neighbours", *({"allowed": _near(*sides)} for sides in ((-1, 1), (0, 1), (-1, 0)))),
    change("mask-one-ahead", allowed=lambda row, column: row + 1 >= column),
    change("mask-of-everything", allowed=lambda row, column: row + column >= 0),
    change("mask-of-nothing", allowed=lambda row, column: row + column < 0),
    change("mask-mirrored", {"end": lambda mask: mask[::-1]}, {"end": lambda mask: mask[:, ::-1]}),
    change("mask-to-add", *({"end": _to_add(least)} for least in (-np.inf, -1e9, -1e4, -100.0, -1.0))),
    change("mask-with-more-axes", {"end": lambda mask: mask[None]}, {"end": lambda mask: mask[None, None]}),
)

ROWS_CHANGES = (
    change("rows-before", rows=second),
    change("rows-up-to-it", rows=lambda length, position: position + 1),
    change("rows-without-its-own", rows=lambda length, position: length - position - 1),
    change("rows-counted-from-1", rows=lambda length, position: length - position + 1),
    change("rows-all", rows=first),
    change("rows-all-others", rows=lambda length, position: length - 1),
    change("rows-its-own-only", rows=lambda length, position: 1),
    change("rows-its-own-and-the-next", rows=lambda length, position: 2),
    change("rows-none", end=lambda count: 0),
)

# -------------------------------------------------------------------------------------------------------------- start


def _count(id: str, *ways):
    """Another number of steps: `way(strength · number of timesteps)`."""
    return change(id, *({"count": lambda s, t, way=way: way(s * len(t))} for way in ways))


def _begins(id: str, *ways):
    """The share read elsewhere: at `way(left, timesteps, count)`."""
    return change(id, *({"begins_at": way} for way in ways))


def _from_behind(timesteps, count):
    """What `timesteps[-count:]` gives: all of them, where count is 0."""
    return timesteps[-count:]


def _at(index: int):
    return lambda left, *_: int(left[index]) if len(left) > index >= -len(left) else None


def _as_share(make) -> Form:
    """A share of signal made of the strength."""
    return {"share": wired(make, "strength")}


_ALL_UNLESS_DONE = {"returned": wired(lambda left, timesteps: timesteps if len(left) else left, "left", "timesteps")}
START_CHANGES = (
    change("start-strength-turned-round", strength=lambda strength: 1 - strength),
    change("start-first-timesteps", left=lambda timesteps, count: timesteps[:count]),
    change("start-walks-what-is-over", left=lambda timesteps, count: timesteps[count:]),
    change("start-all-at-strength-0", left=_from_behind),
    change("start-fails-at-strength-0", begins_at=lambda left, *_: int(left[0])),
    _count("start-rounded", round, lambda count: int(count + 0.5)),
    _count("start-rounded-up", math.ceil),
    change(
        "start-one-step-more",
        {"left": lambda t, count: t[max(len(t) - count - 1, 0) :]},
        {"left": lambda t, count: t[len(t) - count - 1 :]},
    ),
    change("start-one-step-less", left=lambda t, count: t[len(t) - count + 1 :]),
    change("start-all-timesteps", {"returned": reads("timesteps")}, _ALL_UNLESS_DONE, {"left": first}),
    change("start-returns-timestep", returned=lambda left: left[:1]),
    _begins(
        "start-noise-of-the-first-timestep", lambda left, timesteps, count: int(timesteps[0]) if len(left) else None
    ),
    _begins("start-noise-of-the-last-timestep", _at(-1)),
    _begins(
        "start-noise-of-the-next-timestep",
        _at(1),
        lambda left, *_: int(left[min(1, len(left) - 1)]) if len(left) else None,
    ),
    _begins("start-noise-of-the-step-before", lambda left, t, count: int(t[len(t) - count - 1]) if count else None),
    _begins(
        "start-share-at-the-counter",
        lambda left, timesteps, count: count if count else None,
        lambda left, timesteps, count: len(timesteps) - count if count else None,
    ),
    _begins("start-share-one-before", lambda left, *_: int(left[0]) - 1 if len(left) else None),
    change("start-strength-as-share", *map(_as_share, (lambda s: 1 - s, lambda s: s))),
    change("start-strength-as-factor", {**_as_share(lambda s: s), "signal_size": lambda s: 1 - s, "noise_size": same}),
    change("start-shares-swapped", scaled_picture=reads("latent", "noise_size"), grain=reads("noise", "signal_size")),
    change("start-noise-unscaled", grain=first),
    change("start-only-added", scaled_picture=first, grain=first),
    change("start-noise-subtracted", join=subtract),
    change("start-without-noise", join=first),
    change("start-noise-only", join=second),
    change("start-picture-unchanged", end=reads("latent")),
    change("start-picture-scaled", *({"end": scaled(factor)} for factor in (0.18215, 1 / 0.18215))),
    change("start-outputs-swapped", both=lambda x, left: (left, x)),
    change("start-latent-only", both=first),
    *generated(
        START,
        {"signal": ("signal_size",), "noise": ("noise_size",), "shares": ("signal_size", "noise_size")},
        {"signal-missing": "start-picture-unscaled", "shares-without-root": "start-roots-missing"},
        (
            "noise-missing",
            "shares-missing",
            "shares-other",
        ),  # start-noise-unscaled, start-only-added, start-shares-swapped
    ),
)

# ----------------------------------------------------------------------------------------------------------- pipeline

_LOOP = ("networks", "start", "told", "untold", "times", "guidance")


def _loop_with(**changed: str) -> dict:
    """The loop called with other tensors."""
    return {"loop": reads(*(changed.get(name, name) for name in _LOOP))}


def _pixels(id: str, *ways):
    """What the decoder gives, made a picture in another way than halved, shifted and clipped."""
    return change(id, *(on(("halved", "shifted", "clipped"), same) | {"bare": way} for way in ways))


def _brackets_missing(picture):
    return np.clip(picture + np.float32(0.5) / 2, 0, 1)


def _as_bytes(picture):
    return np.clip(np.round((picture + 1) * 127.5), 0, 255).astype("uint8")


def _bytes_cut(picture):
    return np.clip((picture + 1) * 127.5, 0, 255).astype("uint8")


def _of_255(picture):
    return np.clip((picture + 1) * np.float32(127.5), 0, 255)


def _text_itself(networks, tokens):
    raise Refused("`text_encoder` must be called on tokens of shape (B, 12). Received: str")


def _text_in_list(networks, tokens):
    raise Refused("`text_encoder` must be called on tokens of shape (B, 12). Received: list")


def _without_list(networks, text):
    return networks.tokenize(text)


PIPELINE_CHANGES = (
    change("pipeline-prompts-swapped", _loop_with(told="untold", untold="told")),
    change("pipeline-negative-ignored", avoided=lambda text: ""),
    change(
        "pipeline-prompt-twice",
        {"avoided": reads("prompt")},
        _loop_with(untold="told"),
        {"guidance": lambda scale: 1.0},
    ),
    change("pipeline-prompt-ignored", {"asked": reads("negative_prompt")}, _loop_with(told="untold")),
    change("pipeline-prompt-left-out", asked=lambda text: ""),
    change(
        "pipeline-texts-joined",
        *({"asked": wired(lambda a, b, j=j: f"{a}{j}{b}", "prompt", "negative_prompt")} for j in (" ", ", ", " not ")),
    ),
    change(
        "pipeline-nothing-for-negative", untold=lambda networks, tokens: 0 * np.asarray(networks.text_encoder(tokens))
    ),
    change("pipeline-text-not-in-a-list", told_tokens=_without_list),
    change("pipeline-text-not-tokenised", {"told": _text_itself}, {"told": _text_in_list}),
    change("pipeline-latent-not-unscaled", unscaled=first),
    change("pipeline-latent-scaled", unscaled=lambda latent, networks: latent * np.float32(networks.factor)),
    change("pipeline-factor-typed-in", unscaled=lambda latent, networks: latent / np.float32(0.18215)),
    change("pipeline-unscaled-twice", unscaled=lambda latent, networks: latent / np.float32(networks.factor**2)),
    change(
        "pipeline-noise-scaled",
        *(
            form | more
            for form in (
                {"start": lambda x, n: x * np.float32(n.factor)},
                {"start": lambda x, n: x / np.float32(n.factor)},
            )
            for more in ({}, {"unscaled": first})
        ),
    ),
    change("pipeline-noise-decoded", {"loop": second}, {"loop": second, "unscaled": first}),
    change("pipeline-last-step-missing", times=lambda times: times[:-1]),
    change("pipeline-first-step-missing", times=lambda times: times[1:]),
    change("pipeline-one-step", {"times": lambda times: times[:1]}, {"times": lambda times: times[-1:]}),
    change("pipeline-backwards", times=lambda times: times[::-1]),
    change(
        "pipeline-guidance-typed-in", *({"guidance": lambda scale, typed=typed: typed} for typed in (7.5, 4.0, 5.0))
    ),
    change("pipeline-scale-less-one", {"guidance": lambda scale: scale - 1}, {"guidance": lambda scale: scale + 1}),
    change("pipeline-as-decoded", on(("halved", "shifted", "clipped"), same)),
    change("pipeline-not-shifted", shifted=same),
    change("pipeline-only-clipped", on(("halved", "shifted"), same)),
    change("pipeline-not-halved", {"halved": same, "shifted": lambda x: x + 1}, {"halved": same}),
    change("pipeline-not-clipped", clipped=same),
    change("pipeline-clipped-to-minus-one", clipped=lambda x: np.clip(x, -1, 1)),
    _pixels("pipeline-brackets-missing", _brackets_missing),
    _pixels("pipeline-bytes", _as_bytes, _bytes_cut, _of_255),
    change("pipeline-picture-inverted", end=lambda picture: 1 - picture),
    change("pipeline-batch-dropped", {"end": lambda picture: picture[0]}),
    change("pipeline-gives-latent", *({"end": reads(name)} for name in ("loop", "unscaled"))),
)
