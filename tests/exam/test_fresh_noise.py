"""Noise that was drawn where none belongs is known by its statistics; what is computed is never taken for it."""

import numpy as np
import pytest

from autograder.exam import make_paper
from autograder.exam.fresh_noise import DrawnAnew
from autograder.questions import find
from autograder.questions.catalogue import Evaluation, FreshNoise
from autograder.sitting.run import sit

PAPERS = [make_paper(find("ddim-step"), seed) for seed in range(12)]
IN_PLACE = FreshNoise({"noise_added": np.zeros_like}, {"noise_added": np.ones_like})
ON_TOP = FreshNoise({}, {"step": lambda x: x + 1}, any_spread=True)


def explained(noise, paper, answer):
    evaluation = Evaluation(find("ddim-step").base, paper)
    return DrawnAnew(evaluation, noise).explains(sit(paper, lambda *inputs: answer(*map(np.asarray, inputs))))


def step(latent, eps, now, then, added):
    return then**0.5 * (latent - (1 - now) ** 0.5 * eps) / now**0.5 + (1 - then) ** 0.5 * added


def drawn(latent, spread=1.0, mean=0.0):
    return np.random.default_rng(5).normal(mean, spread, latent.shape).astype("float32")


@pytest.mark.parametrize("paper", PAPERS)
def test_noise_in_the_place_of_eps_is_recognised(paper):
    assert explained(IN_PLACE, paper, lambda x, eps, a, p: step(x, eps, a, p, drawn(x)))


@pytest.mark.parametrize("spread", [0.05, 1.0, 3.0])
@pytest.mark.parametrize("paper", PAPERS[:4])
def test_noise_on_top_is_recognised_whatever_its_spread(paper, spread):
    assert explained(ON_TOP, paper, lambda x, eps, a, p: step(x, eps, a, p, eps) + drawn(x, spread))


COMPUTED = [
    lambda x, eps, a, p: step(x, eps, a, p, x),
    lambda x, eps, a, p: step(x, eps, a, p, -eps),
    lambda x, eps, a, p: step(x, eps, a, p, x * eps),
    lambda x, eps, a, p: step(x, eps, a, p, np.roll(eps, 1, 0) + eps),
    lambda x, eps, a, p: step(x, eps, a, p, 0 * eps),
    lambda x, eps, a, p: np.clip(step(x, eps, a, p, eps), -1, 1),
    lambda x, eps, a, p: step(x, eps, p, a, eps),
    lambda x, eps, a, p: step(x, eps, a, p, eps) + 0.1,
    lambda x, eps, a, p: step(x, eps, a, p, eps)[:, :-1],
    lambda x, eps, a, p: np.full_like(x, np.nan),
]


@pytest.mark.parametrize("answer", COMPUTED)
@pytest.mark.parametrize("noise", [IN_PLACE, ON_TOP])
def test_what_is_computed_is_no_noise(noise, answer):
    assert not any(explained(noise, paper, answer) for paper in PAPERS)


@pytest.mark.parametrize("how", [{"spread": 1.6}, {"mean": 0.5}])
def test_noise_in_the_place_of_eps_must_be_as_large_as_it(how):
    assert not explained(IN_PLACE, PAPERS[0], lambda x, eps, a, p: step(x, eps, a, p, drawn(x, **how)))
