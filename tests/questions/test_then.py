"""What is done besides to what a part gives: it goes with any change of the part, and with more of its kind."""

import numpy as np
import pytest

from autograder.exam import make_paper
from autograder.exam.marking import Marker
from autograder.questions import find
from autograder.questions.catalogue import Base, Evaluation, change, pairs, then
from autograder.questions.catalogue.operations import add, multiply, subtract
from autograder.sitting.paper import BASE, CasePaper, Paper
from autograder.sitting.run import sit

X, Y = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
PAPER = Paper("q", "f", (CasePaper("function", (), {"x": X, "y": Y}),), (1, 2))
DIFFERENCE = Base(lambda p, x, y: p.result(p.apart(x, y)), {"apart": subtract, "result": lambda d: 2 * d})
SQUARED, ABSOLUTE = change("squared", apart=then(np.square)), change("absolute", apart=then(np.abs))
SUM, MEAN = change("sum", apart=add), change("mean", apart=then(np.mean))


def given(*forms):
    return Evaluation(DIFFERENCE, PAPER).glance(*forms).runs[BASE][0]


def composed(*changes):
    return [given(*pair.made) for pair in pairs(changes, DIFFERENCE)]


def test_it_comes_after_the_right_operation():
    np.testing.assert_allclose(given(*SQUARED.forms), 2 * (X - Y) ** 2, rtol=1e-6)


def test_it_takes_what_others_gave_besides():
    np.testing.assert_allclose(given({"result": then(multiply, "apart")}), 2 * (X - Y) ** 2, rtol=1e-6)


def test_it_goes_with_another_operation():
    (both,) = composed(SQUARED, SUM)
    np.testing.assert_allclose(both, 2 * (X + Y) ** 2, rtol=1e-6)


def test_two_stand_in_a_row_either_first():
    one, other = composed(SQUARED, MEAN)
    np.testing.assert_allclose(one, 2 * np.mean((X - Y) ** 2), rtol=1e-6)
    np.testing.assert_allclose(other, 2 * np.mean(X - Y) ** 2, rtol=1e-6)


def test_of_a_pair_each_change_keeps_its_form():
    for pair in pairs((SQUARED, MEAN), DIFFERENCE):
        assert [form in change.forms for change, form in zip((pair.one, pair.other), pair.forms, strict=True)] == [1, 1]


BOTH = [  # two mistakes of one place, in one line
    (
        "denoise-step",
        lambda x, y, a: x - a * np.abs(x - y).mean(),
        {"step-mean-difference", "step-absolute"},
    ),
    ("denoise-step", lambda x, y, a: x - a * (x + y) ** 2, {"step-sum", "step-squared"}),
    ("denoise-step", lambda x, y, a: y - (y - x) / a, {"step-weights-swapped", "step-alpha-divided"}),
    ("remaining-error", lambda a, n: 100 * (1 - (1 - a) ** n), {"remaining-of-what-went", "remaining-percent"}),
    ("remaining-error", lambda a, n: round(100 * (1 - a) ** n), {"remaining-rounded", "remaining-percent"}),
    ("remaining-error", lambda a, n: a * (1 - a) ** (n - 1), {"remaining-of-last-step", "remaining-step-fewer"}),
    ("td-dot", lambda a, b: np.sum(a @ b, axis=1) / a.shape[-1] ** 0.5, {"product-heads-summed", "product-scaled"}),
    (
        "guess-blind-loss",
        lambda a, v: a**0.5 + (1 - a) ** 0.5 * v**2,
        {"blind-roots-for-shares", "blind-variance-squared"},
    ),
]


@pytest.mark.parametrize(("question_id", "answer", "mistakes"), BOTH)
def test_two_mistakes_in_one_line_are_both_named(question_id, answer, mistakes):
    question = find(question_id)
    paper = make_paper(question, 31)
    verdict = Marker(question, paper).mark(
        sit(paper, lambda *given: answer(*(x if isinstance(x, (int, float)) else np.asarray(x) for x in given)))
    )
    assert set(verdict.mistakes) == mistakes, verdict.message
