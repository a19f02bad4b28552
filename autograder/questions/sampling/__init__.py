"""Exercise 10: the first noise, the clean latent behind a noisy one, the DDIM step, guidance, its spread, the loop."""

from dataclasses import dataclass

from autograder.questions.catalogue import Base, Change, Texts
from autograder.questions.question import Case, Pick, Question, RandomInput
from autograder.questions.sampling.base import CLEAN, GUIDANCE, NOISE, SAMPLE, STEP
from autograder.questions.sampling.changes import CLEAN_CHANGES, GUIDANCE_CHANGES, NOISE_CHANGES, STEP_CHANGES
from autograder.questions.sampling.loop_changes import LOOP_CHANGES
from autograder.questions.sampling.spread import SPREAD, SPREAD_CHANGES, guided_variance
from autograder.reference import ddim_step, guided_eps, initial_noise, predict_x0, sample

EXERCISE = "10-sampling"
# The standard deviation of latents and of eps, as in the real model.
ONE = 1.0


def _noise_cases(scale):
    sizes = ((2, 512, 640), (3, 768, 512)) if scale == "full" else ((2, 192, 256), (3, 320, 128))
    seeds = Pick(0, 999), Pick(1000, 9999)
    pairs = [(size, seed) for size in sizes for seed in (seeds[0], seeds[0], seeds[1])]
    return tuple(Case((*size, seed), {}) for size, seed in pairs)


def _latents(scale):
    return ((2, 64, 80, 4), (1, 96, 64, 4)) if scale == "full" else ((2, 6, 8, 4), (3, 5, 7, 4))


def _pairs(scale, first, second):
    return [{first: RandomInput(shape, ONE), second: RandomInput(shape, ONE)} for shape in _latents(scale)]


def _clean_cases(scale):
    picks = Pick(0.05, 0.45), Pick(0.55, 0.95)
    return tuple(Case((p,), pair) for p, pair in zip(picks, _pairs(scale, "latent", "eps"), strict=True))


def _step_cases(scale):
    picks = (Pick(0.05, 0.25), Pick(0.3, 0.5)), (Pick(0.4, 0.6), Pick(0.7, 0.95))
    return tuple(Case(p, pair) for p, pair in zip(picks, _pairs(scale, "latent", "eps"), strict=True))


def _guidance_cases(scale):
    picks = Pick(1.5, 4.0), Pick(5.0, 9.0)
    return tuple(Case((p,), pair) for p, pair in zip(picks, _pairs(scale, "eps_uncond", "eps_cond"), strict=True))


def _spread_cases(_):
    """Far above 1, between 0 and 1, and below 0."""
    picks = (Pick(2.5, 9.0), Pick(0.6, 0.95)), (Pick(0.2, 0.8), Pick(0.15, 0.5)), (Pick(-3.0, -1.0), Pick(-0.6, -0.2))
    return tuple(Case(pick, {}) for pick in picks)


def _loop_cases(scale):
    words = ((2, 77, 1024), (1, 50, 768)) if scale == "full" else ((2, 9, 10), (3, 11, 13))
    steps = (Pick(4, 6), Pick(1.5, 3.0)), (Pick(7, 9), Pick(3.5, 6.0))
    return tuple(
        Case(
            pick,
            {
                "latent": RandomInput(latent, ONE),
                "context": RandomInput(text, ONE),
                "unconditional": RandomInput(text, ONE),
            },
        )
        for pick, latent, text in zip(steps, _latents(scale), words, strict=True)
    )


_TEXTS = Texts.beside(__file__)


@dataclass(frozen=True)
class _Catalogue:
    """A base, what can be wrong in it, and where the chapter explains it."""

    base: Base
    changes: tuple[Change, ...]
    section: str


def _exercise(question_id, function, cases, catalogue, kind="function", marking="close"):
    return Question(
        id=question_id,
        exercise=EXERCISE,
        name=function.__name__,
        kind=kind,
        cases=cases,
        accepted=(function,),
        base=catalogue.base,
        mistakes=_TEXTS.of(catalogue.changes),
        section=catalogue.section,
        marking=marking,
    )


_NOISE = _Catalogue(NOISE, NOISE_CHANGES, "Where a picture begins")
_CLEAN = _Catalogue(CLEAN, CLEAN_CHANGES, "The clean latent behind the noise")
_STEP = _Catalogue(STEP, STEP_CHANGES, "One DDIM step")
_GUIDANCE = _Catalogue(GUIDANCE, GUIDANCE_CHANGES, "Guidance: past what the prompt says")
_SPREAD = _Catalogue(SPREAD, SPREAD_CHANGES, "Experiment: what the guidance scale does")
_LOOP = _Catalogue(SAMPLE, LOOP_CHANGES, "The loop")

QUESTIONS = (
    _exercise("initial-noise", initial_noise, _noise_cases, _NOISE, marking="noise"),
    _exercise("predict-x0", predict_x0, _clean_cases, _CLEAN),
    _exercise("ddim-step", ddim_step, _step_cases, _STEP),
    _exercise("guidance", guided_eps, _guidance_cases, _GUIDANCE),
    _exercise("guess-guided-spread", guided_variance, _spread_cases, _SPREAD, marking="scalar"),
    _exercise("sample", sample, _loop_cases, _LOOP, kind="sampling"),
)
