"""How points are shared out: helpers put right, part points by mistake and by cases, and what none of it may give."""

import functools
import sys
import types

import pytest

from autograder.check_cells import fair_points_in
from autograder.classroom.carried_forward import RightHelpers
from autograder.exam.checking import CheckFailed, check
from autograder.exam.guide import PROGRESS, fair_points_of
from autograder.exam.helpers import with_right_helpers
from autograder.exam.marking import Marker
from autograder.exam.paper_from_seed import make_paper
from autograder.exam.part_points import right_cases, with_part_points
from autograder.exam.verdict import Verdict
from autograder.fair_settings import FairPoints, problems, with_helpers
from autograder.notebooks import exercise_names, source_notebook
from autograder.questions import find
from autograder.sitting.run import sit
from tests.conftest import ROOT

NOTEBOOK = "notebook_under_test"
LAYERS_AND_FLOWS = ("resblock-project", "down-flow", "unet")  # what takes longest; their like is tried beside them


@functools.cache
def source(name):
    return source_notebook(ROOT, name)


def users():
    return [(n, q) for n in exercise_names(ROOT) for q in RightHelpers.of(source(n)).uses if q not in LAYERS_AND_FLOWS]


@pytest.fixture
def notebook(monkeypatch):
    """A module that stands for a learner's notebook, and a session in which nothing was checked yet."""
    module = types.ModuleType(NOTEBOOK)
    monkeypatch.setitem(sys.modules, NOTEBOOK, module)
    monkeypatch.setattr(PROGRESS, "verdicts", {})
    return module.__dict__


def broken(*_, **__):
    raise NotImplementedError("write your answer here")


@functools.cache
def marker_of(question_id, seed=3):
    return Marker(find(question_id), make_paper(find(question_id), seed))


# ------------------------------------------------------------------------------------------------- right helpers


@pytest.mark.parametrize(("name", "question"), users())
def test_answer_is_right_again_with_right_helpers(name, question, notebook):
    """Both ways of putting them in place: the questions' own in a notebook, the source's cells in an exam."""
    helpers = RightHelpers.of(source(name))
    wrong = with_helpers(question, helpers.uses)
    exec("\n".join([helpers.setup, *helpers.answers.values()]), notebook)
    notebook.update({helpers.names[helper]: broken for helper in wrong})
    marker, made = marker_of(question), notebook[helpers.names[question]]
    assert not marker.passes(sit(marker.paper, made))
    told = with_right_helpers(marker, made, Verdict(question, False, None, ""))
    assert told.passed
    assert told.helped == wrong
    assert all(f"`{helpers.names[helper]}`" in told.message for helper in wrong)
    assert all(notebook[helpers.names[helper]] is broken for helper in wrong)
    lines = helpers._before("", question, list(wrong))
    exec(lines, notebook)
    assert marker.passes(sit(marker.paper, made))
    assert "SOLUTION" not in lines


def test_right_helper_saves_no_wrong_answer(notebook):
    exec(RightHelpers.of(source("01-denoising")).setup, notebook)
    notebook["denoise_step"] = broken
    exec("def denoise(image, desired, alpha, steps):\n    return denoise_step(image, desired, alpha)", notebook)
    marker = marker_of("denoise")
    verdict = marker.mark(sit(marker.paper, notebook["denoise"]))
    assert with_right_helpers(marker, notebook["denoise"], verdict) is verdict


def test_helper_that_passed_is_left_alone(notebook):
    notebook["denoise"] = lambda *arguments: broken()
    PROGRESS.verdicts["denoise-step"] = Verdict("denoise-step", True, None, ""), None
    verdict = Verdict("denoise", False, None, "")
    assert with_right_helpers(marker_of("denoise"), notebook["denoise"], verdict) is verdict


def test_uses_reach_through_helpers():
    uses = {"sample": ("ddim-step", "guidance"), "ddim-step": ("predict-x0",)}
    assert with_helpers("sample", uses) == ("predict-x0", "ddim-step", "guidance")


@pytest.mark.parametrize("name", exercise_names(ROOT))
def test_notebook_and_source_say_the_same(name):
    assert fair_points_of(name) == fair_points_in(source(name))


# --------------------------------------------------------------------------------------------------- part points

FAULTY, TOLD = lambda image, desired, alpha: image + alpha * (image - desired), "denoise-step"


def marked_with(question, made, fair):
    marker = marker_of(question)
    answer = sit(marker.paper, made)
    return with_part_points(marker, answer, marker.mark(answer), fair)


def test_mistake_keeps_the_points_that_are_set():
    mistake = marked_with(TOLD, FAULTY, FairPoints()).mistake
    assert mistake
    verdict = marked_with(TOLD, FAULTY, FairPoints(part_points={mistake: 3}, points=4))
    assert (verdict.passed, verdict.points, verdict.earned(4)) == (False, 3, 3)
    assert "3 of 4" in verdict.message
    assert marked_with(TOLD, FAULTY, FairPoints(part_points={"another": 3}, points=4)).points is None
    assert marked_with(TOLD, broken, FairPoints(part_points={mistake: 3}, points=4)).points is None


def test_two_mistakes_each_take_off_their_own():
    fair = FairPoints(part_points={"one": 3, "two": 2}, points=4)
    assert fair.for_mistakes(("one", "two")) == 1
    assert fair.for_mistakes(("one", "three")) == 0
    assert fair.for_mistakes(()) == 0


def test_cases_that_are_right_give_their_share():
    marker = marker_of("count-reach")
    right, cases = marker.question.accepted[0], len(marker.paper.cases)
    first = marker.paper.cases[0].arguments

    def only_the_first(*arguments):
        return right(*arguments) if arguments == first else -1

    verdict = marked_with("count-reach", only_the_first, FairPoints(by_cases=True, points=2 * cases))
    assert verdict.points == 2
    assert f"1 of {cases} cases" in verdict.message
    assert marked_with("count-reach", only_the_first, FairPoints(points=2 * cases)).points is None


def test_constant_has_no_case_right():
    marker = marker_of("count-reach")
    number = int(marker.right().cases[0].runs["base"][0])
    for lucky in (lambda *arguments: number, broken, lambda *arguments: None):
        assert right_cases(marker, sit(marker.paper, lucky)) == 0


def test_all_points_are_for_what_is_right():
    assert FairPoints(by_cases=True, points=3).for_cases(5, 5) == 2
    assert Verdict("q", False, None, "", points=9).earned(4) == 4
    assert Verdict.from_json(Verdict("q", True, None, "", helped=("h",)).as_json()).helped == ("h",)


def test_check_gives_nbgrader_part_points_as_its_value(monkeypatch, capsys):
    mistake = marked_with(TOLD, FAULTY, FairPoints()).mistake
    with pytest.raises(CheckFailed):
        check(TOLD, FAULTY)
    from autograder.exam import checking

    monkeypatch.setattr(checking, "fair_points_of", lambda _: {TOLD: FairPoints((), {mistake: 1}, False, 2)})
    assert check(TOLD, FAULTY) == 1
    assert f"Mistake: {mistake}" in capsys.readouterr().out


# ----------------------------------------------------------------------------------------------------- the source


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({"uses": ["later"]}, "above"),
        ({"part_points": {"m": 4}}, "fewer"),
        ({"part_points": {"m": True}}, "whole points"),
        ({"by_cases": 1}, "true or false"),
        ({"points": 1}, "may say"),
        (["uses"], "may say"),
    ],
)
def test_settings_that_cannot_be_are_refused(said, word):
    cell = {"nbgrader": {"grade_id": "now", "points": 4}, "autograder": said}
    (problem,) = problems([({"nbgrader": {"grade_id": "before"}}, True), (cell, True)])
    assert word in problem
    assert problems([(cell, False)])


def test_rubric_must_sum_to_the_points_of_a_graded_cell():
    def wrong(rubric, grade=True):
        cell = {"nbgrader": {"grade_id": "explain", "points": 4, "grade": grade}, "autograder": {"rubric": rubric}}
        return problems([(cell, False)])

    assert problems([({"nbgrader": {"grade_id": "now", "points": 1}, "autograder": {"rubric": {"a": 1}}}, True)])
    assert wrong({"a": 1, "b": 3}) == []
    assert wrong({"a": 1}, grade=False) == []
    for rubric in ({"a": 1}, {"a": 4.0}, {"a": 5, "b": -1}, ["a"]):
        assert wrong(rubric)


def test_settings_that_can_be_are_taken():
    said = {"uses": ["before"], "part_points": {"m": 3}, "by_cases": True}
    cell = {"nbgrader": {"grade_id": "now", "points": 4}, "autograder": said}
    assert problems([({"nbgrader": {"grade_id": "before"}}, True), (cell, True)]) == []
