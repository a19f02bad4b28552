"""Exercise 11: noise mixed in, v and back, the loss of a network that knows nothing, dropped text, and the loss."""

from autograder.questions.catalogue import Texts
from autograder.questions.question import Case, Pick, Question, RandomInput
from autograder.questions.training.base import BLIND, DROP, EPS, LOSS, NOISE, VELOCITY
from autograder.questions.training.changes import (
    BLIND_CHANGES,
    DROP_CHANGES,
    EPS_CHANGES,
    LOSS_CHANGES,
    NOISE_CHANGES,
    VELOCITY_CHANGES,
)
from autograder.reference import training

EXERCISE = "11-training"
ONE = 1.0  # the standard deviation of latents and of noise, as in the real model


def blind_loss(alpha_bar, variance):
    """The mean of v²: what a network that always answers 0 is wrong by."""
    return alpha_bar + (1 - alpha_bar) * variance


def _latents(scale):
    return ((2, 64, 80, 4), (3, 96, 64, 4)) if scale == "full" else ((2, 6, 8, 4), (3, 5, 7, 4))


def _pairs(first, second):
    """Cases of two tensors and a share for each picture."""

    def cases(scale):
        shares = [RandomInput(shape[:1], values="shares") for shape in _latents(scale)]
        return tuple(
            Case((), {first: RandomInput(shape, ONE), second: RandomInput(shape, ONE), "alpha_bar": share})
            for shape, share in zip(_latents(scale), shares, strict=True)
        )

    return cases


def _blind_cases(_):
    return tuple(Case((Pick(0.1, 0.9), Pick(*bounds)), {}) for bounds in ((1.5, 4.0), (0.1, 0.7), (5.0, 30.0)))


def _drop_cases(scale):
    shapes = ((6, 77, 1024), (4, 50, 768)) if scale == "full" else ((6, 9, 10), (4, 11, 13))
    return tuple(
        Case(
            (),
            {
                "context": RandomInput(shape, ONE),
                "unconditional": RandomInput(shape, ONE),
                "dropped": RandomInput(shape[:1], values="booleans"),
            },
        )
        for shape in shapes
    )


def _loss_cases(scale):
    words = ((77, 1024), (50, 768)) if scale == "full" else ((9, 10), (11, 13))
    return tuple(
        Case(
            (),
            {
                "x0": RandomInput(latent, ONE),
                "noise": RandomInput(latent, ONE),
                "timesteps": RandomInput(latent[:1], values="integer timesteps"),
                "context": RandomInput((latent[0], *text), ONE),
            },
        )
        for latent, text in zip(_latents(scale), words, strict=True)
    )


_TEXTS = Texts.beside(__file__)
# A mean over everything: a share that is read one timestep too early moves it by 2.7e-5, rounding by 2e-7.
_LOSS = {"kind": "training", "tolerance": 1e-5}


def _question(question_id, answer, cases, base, changes, section, **how):
    return Question(
        id=question_id,
        exercise=EXERCISE,
        name=answer.__name__,
        kind=how.pop("kind", "function"),
        cases=cases,
        accepted=(answer,),
        base=base,
        mistakes=_TEXTS.of(changes),
        section=_TEXTS.sections[section],
        **how,
    )


QUESTIONS = (
    _question("add-noise", training.add_noise, _pairs("x0", "noise"), NOISE, NOISE_CHANGES, "noise"),
    _question("velocity", training.velocity, _pairs("x0", "noise"), VELOCITY, VELOCITY_CHANGES, "three"),
    _question("eps-from-velocity", training.eps_from_velocity, _pairs("x_t", "v"), EPS, EPS_CHANGES, "back"),
    _question("guess-blind-loss", blind_loss, _blind_cases, BLIND, BLIND_CHANGES, "blind", marking="scalar"),
    _question("drop-text", training.drop_text, _drop_cases, DROP, DROP_CHANGES, "text"),
    _question("training-loss", training.training_loss, _loss_cases, LOSS, LOSS_CHANGES, "loss", **_LOSS),
)
