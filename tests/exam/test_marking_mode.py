"""Marking modes: numbers are right however they are written, noise by what it is like, and messages say which part is
not."""

import gc
from time import process_time

import keras
import numpy as np
import pytest

from autograder.exam import make_paper
from autograder.exam.marking import Marker
from autograder.exam.noise import _autocorrelation, correlation
from autograder.questions import Case, Mistake, Pick, Question, RandomInput, find
from autograder.sitting.run import sit

SEEDS = Pick(1, 100), Pick(101, 200)


def question(marking, accepted, cases, mistakes=()):
    return Question(
        "sample", "01-denoising", "sample", "function", lambda _: cases, (accepted,), mistakes, "S", 1e-4, marking
    )


def marked(asked, answer, seed=0):
    paper = make_paper(asked, seed)
    return Marker(asked, paper).mark(sit(paper, answer))


def named(name, answer):
    return Mistake(name, answer, f"The cause {name}.", "Why.", "S")


# ------------------------------------------------------------------------------------------------- scalar, integer

POWER = question(
    "scalar",
    lambda a, n: (1 - a) ** n,
    (Case((Pick(0.1, 0.9), Pick(2, 9)), {}), Case((Pick(0.1, 0.9), 0), {}), Case((1.0, 3), {})),
    (named("linear", lambda a, n: 1 - a * n), named("growing", lambda a, n: (1 + a) ** n)),
)
COUNT = question("integer", lambda n: 1_000_003 * n, (Case((Pick(2, 9),), {}), Case((Pick(10, 90),), {})))


@pytest.mark.parametrize("kind", [float, np.float32, np.float64, np.array, keras.ops.convert_to_tensor])
def test_scalar_accepts_any_kind_of_number(kind):
    assert marked(POWER, lambda a, n: kind((1 - a) ** n)).passed


def test_scalar_accepts_an_int_where_the_number_is_whole():
    assert marked(POWER, lambda a, n: 1 if n == 0 else (1 - a) ** n).passed


@pytest.mark.parametrize(("factor", "passes"), [(1 + 5e-5, True), (1 + 2e-4, False), (-1, False)])
def test_scalar_tolerance_is_relative(factor, passes):
    assert marked(POWER, lambda a, n: factor * (1 - a) ** n).passed == passes


def test_scalar_mistakes_have_names():
    assert marked(POWER, lambda a, n: np.float32(1 - n * a)).mistake == "linear"
    assert marked(POWER, lambda a, n: keras.ops.power(1.0 + a, n)).mistake == "growing"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda a, n: 2 * (1 - a) ** n, "too large"),
        (lambda a, n: (1 - a) ** n / 2, "too small"),
        (lambda a, n: float("nan"), "NaN"),
        (lambda a, n: np.ones(3), "axes"),
        (lambda a, n: "0.5", "one number"),
        (lambda a, n: None, "return"),
        (lambda a, n: (1.0, 2.0), "2 values"),
        (lambda a, n: [(1 - a) ** n], "a list with one number in it was returned"),
        (lambda a, n: (keras.ops.convert_to_tensor((1 - a) ** n),), "a tuple with one tensor in it was returned"),
        (lambda a, n: 1j, "one number"),
        (lambda a, n: (1 - a) ** max(n, 1), "2 of 3 cases"),
    ],
)
def test_scalar_message_says_what_is_wrong(answer, said):
    verdict = marked(POWER, answer)
    assert not verdict.passed
    assert verdict.mistake is None
    assert said in verdict.message


def test_scalar_message_keeps_the_expected_number():
    paper = make_paper(POWER, 7)
    right = (1 - paper.cases[0].arguments[0]) ** paper.cases[0].arguments[1]
    message = Marker(POWER, paper).mark(sit(paper, lambda a, n: 3.5)).message
    assert "3.5" in message
    assert not any(f"{right:.{digits}g}" in message for digits in (3, 4, 6))


@pytest.mark.parametrize("kind", [int, float, np.int64, np.float64, keras.ops.convert_to_tensor])
def test_integer_accepts_any_kind_of_whole_number(kind):
    assert marked(COUNT, lambda n: kind(1_000_003 * n)).passed


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda n: 1_000_003 * n + 1, "too large"),
        (lambda n: 1_000_003 * n - 1, "too small"),
        (lambda n: 1_000_003 * n + 0.5, "not whole"),
        (lambda n: np.array([1_000_003 * n]), "axes"),
        (lambda n: True, "whole number"),
    ],
)
def test_integer_refuses_what_is_not_exact(answer, said):
    verdict = marked(COUNT, answer)
    assert not verdict.passed
    assert said in verdict.message


# ------------------------------------------------------------------------------------------------------------ noise


def right_noise(batch, side, seed):
    return np.random.default_rng(seed).standard_normal((batch, side, side + 2, 4)).astype("float32")


NOISE = question(
    "noise",
    right_noise,
    (
        Case((3, 8, SEEDS[0]), {}),
        Case((3, 8, SEEDS[0]), {}),
        Case((3, 8, SEEDS[1]), {}),
        Case((2, 12, SEEDS[0]), {}),
    ),
    (
        named("one-for-all", lambda b, s, seed: np.repeat(right_noise(1, s, seed), b, axis=0)),
        named("seed-ignored", lambda b, s, seed: right_noise(b, s, 3)),
        named("uniform", lambda b, s, seed: np.random.default_rng(seed).random((b, s, s + 2, 4)).astype("float32")),
        named("square", lambda b, s, seed: right_noise(b, s, seed)[:, :, :s]),
        named("double", lambda b, s, seed: 2 * right_noise(b, s, seed)),
    ),
)


def by_keras(batch, side, seed):
    return keras.random.normal((batch, side, side + 2, 4), seed=seed)


def by_state(batch, side, seed):
    np.random.seed(seed)
    return np.random.randn(batch, side, side + 2, 4).astype("float32")


def by_generator(batch, side, seed):
    generator = keras.random.SeedGenerator(seed)
    return keras.ops.stack([keras.random.normal((side, side + 2, 4), seed=generator) for _ in range(batch)])


@pytest.mark.parametrize("answer", [right_noise, by_keras, by_state, by_generator])
def test_noise_accepts_any_generator(answer):
    verdict = marked(NOISE, answer)
    assert verdict.passed, verdict.message


def test_noise_accepts_right_answers_on_every_paper():
    """Bounds are six standard errors: over 300 papers no right answer is refused (at three, dozens would be)."""
    rng = np.random.default_rng(0)
    for seed in range(300):
        state = int(rng.integers(2**31))
        verdict = marked(NOISE, lambda b, s, k, state=state: right_noise(b, s, k + state), seed)
        assert verdict.passed, verdict.message


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (lambda b, s, k: np.stack([by_state(1, s, k)[0]] * b), "one-for-all"),
        (lambda b, s, k: by_keras(b, s, 9), "seed-ignored"),
        (lambda b, s, k: keras.random.uniform((b, s, s + 2, 4), seed=k), "uniform"),
        (lambda b, s, k: by_keras(b, s, k)[:, :, :-2], "square"),
        (lambda b, s, k: by_keras(b, s, k) * 2, "double"),
    ],
)
def test_noise_mistakes_have_names_whatever_the_generator(answer, mistake):
    assert marked(NOISE, answer).mistake == mistake


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda b, s, k: np.random.standard_normal((b, s, s + 2, 4)).astype("float32"), "same seed"),
        (lambda b, s, k: right_noise(b, s, k) + right_noise(b, s, 7), "standard deviation"),
        (lambda b, s, k: (right_noise(b, s, k) + right_noise(b, s, 7)) / np.float32(2**0.5), "two different seeds"),
        (lambda b, s, k: right_noise(b, s, k) + 1, "mean"),
        (lambda b, s, k: right_noise(b, s, k).astype("float64"), "float64"),
        (lambda b, s, k: right_noise(b, s, k)[..., :3], "axis 3"),
        (lambda b, s, k: np.repeat(right_noise(b, s, k)[..., :1], 4, axis=-1), "channels"),
        (lambda b, s, k: np.repeat(right_noise(b, s, k)[:, :1], s, axis=1), "rows"),
        (lambda b, s, k: np.sign(right_noise(b, s, k)), "normally distributed"),
        (lambda b, s, k: np.zeros((b, s, s + 2, 4), "float32"), "standard deviation is 0"),
        (lambda b, s, k: np.full((b, s, s + 2, 4), np.inf, "float32"), "NaN or infinite"),
        (lambda b, s, k: None, "return"),
    ],
)
def test_noise_message_says_which_property_is_missing(answer, said):
    verdict = marked(NOISE, answer)
    assert not verdict.passed
    assert verdict.mistake is None
    assert said in verdict.message


def test_noise_finds_numbers_that_repeat_at_any_lag_of_any_axis():
    for axis, lag in [(1, 5), (1, 7), (2, 3), (2, 8), (3, 2)]:

        def repeats(b, s, k, axis=axis, lag=lag):
            numbers = np.moveaxis(right_noise(b, s, k), axis, 0)
            numbers[lag:] = numbers[:-lag].copy()
            return np.moveaxis(numbers, 0, axis)

        message = marked(NOISE, repeats).message
        assert ("batch items", "rows", "columns", "channels")[axis] in message, (axis, lag)


def test_noise_correlations_at_all_lags_are_those_of_each_lag():
    values = np.random.default_rng(0).standard_normal((9, 5, 3)) + 0.3
    one_by_one = [correlation(values[:-lag], values[lag:]) for lag in range(1, 9)]
    np.testing.assert_allclose(_autocorrelation(values), one_by_one, rtol=1e-9)
    assert not _autocorrelation(np.zeros((4, 2))).any()


@pytest.fixture
def collected():
    """No garbage of other tests is collected meanwhile: a pass over the objects of a long run takes its time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def test_noise_as_large_as_the_picture_is_marked_in_a_second(collected):
    """`// 8` forgotten: 64 times the numbers, of which every lag of every axis is looked at."""
    asked = find("initial-noise")
    paper = make_paper(asked, 3)
    answer = sit(paper, lambda b, h, w, k: np.random.default_rng(k).standard_normal((b, h, w, 4)).astype("float32"))
    before = process_time()
    verdict = Marker(asked, paper).mark(answer)
    assert process_time() - before < 1
    assert verdict.mistake


# ------------------------------------------------------------------------------------------------------------ paper


def test_paper_same_pick_is_one_number_and_the_seed_decides():
    one, same, other = (make_paper(NOISE, seed) for seed in (1, 1, 2))
    first, again, second, _ = (case.arguments[-1] for case in one.cases)
    assert first == again != second
    assert [c.arguments for c in one.cases] == [c.arguments for c in same.cases]
    assert [c.arguments for c in one.cases] != [c.arguments for c in other.cases]


def test_paper_picks_keep_their_kind_and_bounds():
    for seed in range(50):
        share, steps = make_paper(POWER, seed).cases[0].arguments
        assert isinstance(share, float)
        assert 0.1 <= share <= 0.9
        assert type(steps) is int
        assert 2 <= steps <= 9


def test_paper_timesteps_are_whole_different_and_in_range():
    asked = question("close", lambda t: t, (Case((), {"timesteps": RandomInput((40,), values="timesteps")}),))
    steps = make_paper(asked, 3).cases[0].inputs["timesteps"]
    assert steps.dtype == np.float32
    assert len(set(steps.tolist())) == 40
    assert np.all((steps == np.round(steps)) & (steps >= 0) & (steps < 1000))


def test_marker_unknown_marking_is_an_error():
    asked = question("roughly", abs, ())
    with pytest.raises(ValueError, match="roughly"):
        Marker(asked, make_paper(asked, 0))
