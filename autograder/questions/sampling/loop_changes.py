"""The mistakes of exercise 10's loop: its own, and those of the functions that it calls."""

from dataclasses import replace

import numpy as np

from autograder.questions.catalogue import Change, Form, change, on
from autograder.questions.catalogue.operations import root, second
from autograder.questions.sampling.base import SAMPLE, share_at
from autograder.questions.sampling.changes import about_clean, about_guidance, about_step

RENAMED = {  # a mistake of a function, called otherwise where the loop makes it
    "guidance-none": "loop-without-guidance",
    "guidance-without-prompt": "loop-without-prompt",
    "guidance-swapped": "loop-prompts-swapped",
    "step-gives-clean": "loop-clean-every-step",
}
# In a loop they compute what another mistake does: loop-unchanged; zeros, as no noise is left at the end.
SAME_IN_A_LOOP = ("step-same-share", "next-signal-other", "mixed-product")


def _functions() -> tuple[Change, ...]:
    changes = (
        *about_guidance(SAMPLE),
        *about_step(SAMPLE),
        *about_clean(SAMPLE, {"clean-shares-without-root": "step-clean-without-roots"}),
    )
    return tuple(replace(made, id=RENAMED.get(made.id, made.id)) for made in changes if made.id not in SAME_IN_A_LOOP)


def _with_both_ends(id: str, index, form: Form | None = None) -> tuple[Change, ...]:
    """The next share read at `index(i, times)`: at every step, and at all but the last.

    `form`: what else is changed.
    """

    def read(bars, i, times, timesteps):
        return share_at(bars, index(i, times))

    form = form or {}
    return (
        change(id, {**form, "then": read, "end": read}),
        change(f"{id}-but-the-last", {**form, "then": read}),
    )


def _now(index) -> Form:
    return {"now": lambda bars, i, times: share_at(bars, index(i, times))}


def _end(index) -> Form:
    """The share after the last step, read at `index(times, timesteps)`."""
    return {"end": lambda bars, i, times, timesteps: share_at(bars, index(times, timesteps))}


def _timesteps(taken) -> Form:
    """Other timesteps than all, in their order."""
    return {"times": lambda timesteps: [int(t) for t in taken(list(timesteps))]}


def _next_of_the_list(bars, i, times, timesteps):
    return share_at(bars, timesteps[i + 1])


def _embeds(id: str, *ways) -> Change:
    """Something else is embedded than the timestep of the step."""
    return change(id, *({"timestep": way} for way in ways))


def _shares_of_noise(bars, i, times, *_):
    return 1 - share_at(bars, times[i])


def _at_one_distance(before_the_first):
    """The share at equal distances, as many as there are steps; behind timestep 0 `before_the_first(bars, index)`."""

    def read(bars, i, times, timesteps):
        index = times[i] - len(bars) // len(timesteps)
        return share_at(bars, index) if index >= 0 else before_the_first(bars, index)

    return read


_EQUAL_DISTANCES = [_at_one_distance(f) for f in (lambda bars, i: 1.0, lambda bars, i: share_at(bars, 0), share_at)]


def _root_of_now(bars, i, times):
    return root(share_at(bars, times[i]))


def _root_of_next(bars, i, times, timesteps):
    return root(share_at(bars, times[i + 1]))


TIMESTEPS = (
    change("loop-backwards", _timesteps(lambda t: t[::-1])),
    change("loop-backwards-half", {**_timesteps(lambda t: t[::-1]), "then": _next_of_the_list}),
    change("loop-returns-early", {**_timesteps(lambda t: t[:1]), "end": _next_of_the_list}),
    change("loop-first-step-only", _timesteps(lambda t: t[:1])),
    change("loop-stops-early", _timesteps(lambda t: t[:-1])),
    change("loop-starts-late", _timesteps(lambda t: t[1:])),
    change("loop-one-more", _timesteps(lambda t: [*t, 0])),
    change("loop-twice", _timesteps(lambda t: t + t)),
    change("loop-every-other", _timesteps(lambda t: t[::2])),
    _embeds("loop-embeds-the-counter", lambda i, times: i, lambda i, times: i + 1),
    _embeds("loop-embeds-the-counter-backwards", lambda i, times: len(times) - i, lambda i, times: len(times) - i - 1),
    _embeds("loop-embeds-a-fraction", lambda i, times: times[i] / 1000, lambda i, times: times[i] / 999),
    _embeds("loop-embeds-the-first", lambda i, times: times[0]),
    _embeds("loop-embeds-the-last", lambda i, times: times[-1], lambda i, times: 0),
    _embeds("loop-embeds-a-neighbour", lambda i, times: times[i] + 1, lambda i, times: times[i] - 1),
    _embeds(
        "loop-embeds-the-next",
        lambda i, times: times[min(i + 1, len(times) - 1)],
        lambda i, times: times[i + 1] if i + 1 < len(times) else 0,
    ),
    _embeds(
        "loop-embeds-the-other-way",
        lambda i, times: 1000 - times[i],
        lambda i, times: 999 - times[i],
        lambda i, times: times[-1 - i],
    ),
)

SHARES = (
    *_with_both_ends("loop-share-of-the-counter", lambda i, times: i + 1, _now(lambda i, times: i)),
    change("loop-share-of-now-at-the-counter", _now(lambda i, times: i)),
    *_with_both_ends("loop-share-of-next-at-the-counter", lambda i, times: i + 1),
    *_with_both_ends("loop-previous-timestep", lambda i, times: times[i] - 1),
    *_with_both_ends("loop-step-before", lambda i, times: times[i - 1]),
    change(
        "loop-step-before-starting-at-1",
        on(("then", "end"), lambda bars, i, times, timesteps: share_at(bars, times[i - 1]) if i else 1.0),
    ),
    change(
        "loop-shares-of-noise", now=_shares_of_noise, then=lambda bars, i, times, _: 1 - share_at(bars, times[i + 1])
    ),
    change("loop-share-of-the-first", _now(lambda i, times: times[0])),
    change("loop-share-of-now-one-before", _now(lambda i, times: times[i] - 1)),
    change(
        "loop-equal-distances",
        *(form for read in _EQUAL_DISTANCES for form in ({"then": read, "end": read}, {"then": read})),
    ),
    change("loop-shares-as-roots", now=_root_of_now, then=_root_of_next),
    change("loop-ends-at-zero", _end(lambda times, timesteps: 0)),
    change("loop-ends-as-it-was", _end(lambda times, timesteps: times[-1])),
    change("loop-ends-at-the-noisiest", _end(lambda times, timesteps: -1), _end(lambda times, timesteps: times[0])),
    change("loop-ends-one-before", _end(lambda times, timesteps: times[-1] - 1)),
)

LATENTS = (
    change("loop-gives-noise", {"end": lambda *_: 0.0}, {"result": lambda new, start, eps: eps}),
    change("loop-clips", *({"result": lambda new, *_, low=low: np.clip(new, low, 1)} for low in (-1, 0))),
    change("loop-decodes", *({"result": lambda new, *_, by=by: new * np.float32(by)} for by in (1 / 0.18215, 0.18215))),
    change("loop-unchanged", result=second),
    change("loop-does-not-move", kept=second),
    change("loop-old-noise-without-prompt", plain_latent=second),
    change("loop-old-noise-with-prompt", told_latent=second),
    change("loop-old-noise", on(("plain_latent", "told_latent"), second)),
)

LOOP_CHANGES = (*TIMESTEPS, *SHARES, *LATENTS, *_functions())
