"""The mistakes of exercise 10's functions: noise, clean latent, DDIM step, guidance. Each is one thing changed."""

import numpy as np

from autograder.questions.catalogue import Base, Change, change, generated, noisy, on, reads, redrawn, then, wired
from autograder.questions.catalogue.operations import (
    add,
    divide,
    first,
    multiply,
    same,
    scaled,
    second,
    subtract,
    subtract_from,
)
from autograder.questions.sampling.base import CLEAN, GUIDANCE, STEP, normal

# ----------------------------------------------------------------------------------------------------------- noise


def _noise_beside_a_signal_of_1(share):
    """As in the form of diffusion where the signal keeps its size and only the noise grows."""
    return ((1 - share) / share) ** 0.5


SIDES = ("rows", "columns")


def _drawn(id: str, *ways) -> Change:
    """Numbers drawn in another way than from a normal distribution: `way(generator, shape)`."""
    return change(
        id, *({"numbers": lambda shape, seed, way=way: way(np.random.default_rng(seed), shape)} for way in ways)
    )


def _shaped(id: str, *ways) -> Change:
    return change(id, *({"shape": way} for way in ways))


def _truncated(rng, shape):
    """Numbers beyond two standard deviations are left out, as Keras' `truncated_normal` does."""
    size = int(np.prod(shape))
    numbers = rng.standard_normal(2 * size)
    return numbers[np.abs(numbers) < 2][:size].reshape(shape)


def _same_for_all(shape, seed):
    return np.repeat(normal((1, *shape[1:]), seed), shape[0], axis=0)


def _unseeded(batch_size, img_height, img_width, seed):
    return normal((batch_size, img_height // 8, img_width // 8, 4), None).astype("float32")


def _as(dtype: str):
    return lambda numbers: numbers.astype(dtype)


NOISE_CHANGES = (
    change("noise-of-the-picture", on(SIDES, same)),
    change("noise-one-side-of-the-picture", *({side: same} for side in SIDES)),
    change("noise-other-sides", *(on(SIDES, lambda side, by=by: side // by) for by in (2, 4, 16, 32, 64))),
    change("noise-three-channels", channels=lambda: 3),
    change("noise-one-channel", {"channels": lambda: 1}, {"shape": lambda b, h, w, c: (b, h, w)}),
    _shaped("noise-channels-first", lambda b, h, w, c: (b, c, h, w)),
    _shaped("noise-sides-swapped", lambda b, h, w, c: (b, w, h, c)),
    _shaped("noise-of-one-picture", lambda b, h, w, c: (1, h, w, c), lambda b, h, w, c: (h, w, c)),
    _drawn("noise-uniform", lambda rng, shape: rng.uniform(size=shape)),
    _drawn("noise-uniform-around-zero", lambda rng, shape: rng.uniform(-1, 1, size=shape)),
    _drawn("noise-none", lambda rng, shape: np.zeros(shape), lambda rng, shape: np.ones(shape)),
    change("noise-scaled", *({"spread": scaled(factor)} for factor in (0.18215, 1 / 0.18215, 0.5, 2.0, 0.1))),
    change("noise-shifted", spread=lambda numbers: numbers + 1),
    change("noise-positive", spread=np.abs),
    _drawn("noise-truncated", _truncated),
    change("noise-float64", dtype=_as("float64")),
    change("noise-float16", dtype=_as("float16")),
    Change("noise-without-seed", answer=_unseeded),
    change("noise-fixed-seed", seed=lambda seed: 42),
    change("noise-same-for-all", numbers=_same_for_all),
)

# ------------------------------------------------------------------------------------------------------------ steps

CLEAN_SIZES, NEXT_SIZES = ("signal_size", "noise_size"), ("next_signal_size", "next_noise_size")
# The wider behind the narrower: two mistakes at once are better told as one here, another there than as one everywhere.
_CLEAN_SUBJECTS = {"clean-signal": CLEAN_SIZES[:1], "clean-noise": CLEAN_SIZES[1:], "clean-shares": CLEAN_SIZES}
_NEXT_SUBJECTS = {"next-signal": NEXT_SIZES[:1], "next-noise": NEXT_SIZES[1:], "next-shares": NEXT_SIZES}
_CLEAN_IDS = {
    "clean-shares-without-root": "clean-without-roots",
    "clean-shares-other": "clean-shares-swapped",
    "clean-signal-missing": "clean-not-divided",
    "clean-signal-without-root": "clean-divided-without-root",
    "clean-noise-missing": "clean-whole-noise",
    "clean-noise-one-minus-root": "clean-one-minus-root",
}


def about_clean(base: Base, ids: dict[str, str]) -> tuple[Change, ...]:
    """What can be wrong where the clean latent is found, in any function that finds it."""
    return (
        change("clean-adds-noise", left=add),
        change("clean-difference-reversed", left=subtract_from),
        change("clean-noise-kept", left=first),
        change("clean-divided-first", latent_first=divide, brought_back=first),
        change("clean-noise-divided", noise_divided=divide, brought_back=first),
        change("clean-multiplied", brought_back=multiply),
        change("clean-noise-by-its-size", noise=divide),
        change(
            "clean-latent-and-noise-swapped",
            noise=reads("noisy", "noise_size"),
            latent_first=reads("seen", "signal_size"),
        ),
        change(
            "clean-mixed-again",
            *({"latent_first": multiply, "left": join, "brought_back": first} for join in (add, subtract)),
        ),
        change("clean-clipped", *({"clean": then(lambda x, low=low: np.clip(x, low, 1))} for low in (-1, 0))),
        *generated(base, _CLEAN_SUBJECTS, _CLEAN_IDS | ids),
    )


def _root_of_difference(share, next_share):
    return float(np.sqrt(np.abs(next_share - share)))


def about_step(base: Base) -> tuple[Change, ...]:
    """What can be wrong where the clean latent is made noisy again."""
    return (
        change("step-gives-clean", next_signal=first, mixed=first),
        change("step-same-share", {"next_share": reads("share")}, on(CLEAN_SIZES, reads("next_share"))),
        change("step-shares-swapped", on(NEXT_SIZES, reads("share")) | on(CLEAN_SIZES, reads("next_share"))),
        change("step-clean-at-full-size", next_signal=first, next_noise_size=_noise_beside_a_signal_of_1),
        change("step-noise-of-now", next_noise_size=reads("share")),
        change("step-clean-of-now", next_signal_size=reads("share")),
        change("step-adds-the-latent", noise_added=reads("noisy")),
        change("step-noise-of-the-difference", next_noise_size=wired(_root_of_difference, "share", "next_share")),
        change("step-scales-the-latent", next_signal=reads("noisy", "next_signal_size")),
        *generated(
            base,
            {**_NEXT_SUBJECTS, "all-shares": CLEAN_SIZES + NEXT_SIZES, "mixed": ("mixed",)},
            {
                "next-shares-without-root": "step-without-roots",
                "mixed-missing": "step-without-noise",
                "mixed-second-only": "step-without-signal",
            },
            # step-same-share, which leaves the latent as it is; clean-difference-reversed
            ["all-shares-missing", "mixed-reversed-difference"],
        ),
    )


CLEAN_CHANGES = (*about_clean(CLEAN, {}), redrawn("clean-new-noise", "seen"))
STEP_CHANGES = (
    *about_step(STEP),
    *about_clean(STEP, {"clean-shares-without-root": "step-clean-without-roots"}),
    redrawn("clean-new-noise", "seen"),
    redrawn("step-new-noise", "noise_added"),
    noisy("step-more-noise", "step"),
)

# --------------------------------------------------------------------------------------------------------- guidance


def _scale(id: str, *ways) -> Change:
    """The difference that the prompt makes, stretched by another number than the scale."""
    return change(id, *({"stretch": way} for way in ways))


def about_guidance(base: Base) -> tuple[Change, ...]:
    """What can be wrong where the two predictions are joined."""
    return (
        change("guidance-swapped", difference=reads("plain", "told"), guided=reads("told", "stretched")),
        change("guidance-difference-reversed", difference=subtract_from),
        change("guidance-from-the-prompt", guided=reads("told", "stretched")),
        change("guidance-none", stretched=first),
        change("guidance-scaled-prompt", difference=first, guided=second),
        change("guidance-sum", difference=first),
        change("guidance-sum-of-both", {"difference": add}, {"difference": add, "guided": second}),
        change("guidance-of-plain", difference=second, guided=reads("told", "stretched")),
        _scale("guidance-scale-less-one", lambda scale: scale - 1),
        _scale("guidance-scale-typed-in", *(lambda _, fixed=fixed: fixed for fixed in (7.5, 7, 5, 8))),
        _scale("guidance-scale-whole", int, round),
        _scale("guidance-scale-squared", lambda scale: scale**2),
        _scale("guidance-mixed", lambda scale: 1 - 1 / scale, lambda scale: 1 / scale),
        _scale("guidance-averaged", lambda scale: 0.5),
        *generated(
            base,
            {"guided": ("guided",)},
            {"guided-missing": "guidance-without-prompt", "guided-second-only": "guidance-difference-only"},
            ["guided-difference"],  # guidance-difference-reversed
        ),
    )


GUIDANCE_CHANGES = about_guidance(GUIDANCE)
