"""The proof from outside: slips in the course's own solutions are named as what they are.

What a slip computes comes from the solution and Keras; the catalogue's bases have no part in it.
"""

from functools import cache

import pytest

from autograder.exam import make_paper
from autograder.exam.marking import Marker
from autograder.questions import exercises, find
from autograder.sitting.run import sit
from tests.questions.slips import answer_with, slips_file, slips_of

pytestmark = pytest.mark.filterwarnings(
    "ignore::UserWarning"
)  # a layer is built when it is called, as the notebook has it

SEED = 31
CONVERTED = [question for questions in exercises().values() for question in questions if question.base is not None]
SLIPS = [(question.id, mistake, slip) for question in CONVERTED for mistake, slip in slips_of(question)]


@cache
def marker(question_id):
    question = find(question_id)
    return Marker(question, make_paper(question, SEED))


@pytest.mark.parametrize("question", CONVERTED, ids=lambda q: q.id)
def test_every_mistake_has_a_slip_and_every_slip_a_mistake(question):
    slips = {mistake for mistake, _ in slips_of(question)}
    mistakes = {mistake.id for mistake in question.mistakes}
    assert mistakes - slips == set(), "mistakes without a slip"
    assert slips - mistakes == set(), "slips of unknown mistakes"


@pytest.mark.parametrize(
    ("question_id", "mistake_id", "slip"), SLIPS, ids=[f"{question}-{mistake}" for question, mistake, _ in SLIPS]
)
def test_slip_is_named(question_id, mistake_id, slip):
    paper_marker = marker(question_id)
    verdict = paper_marker.mark(sit(paper_marker.paper, answer_with(paper_marker.question, slip)))
    assert not verdict.passed
    assert verdict.mistake == mistake_id, verdict.message


def test_slip_files_name_questions_that_exist():
    ids = {question.id for questions in exercises().values() for question in questions}
    for exercise in exercises():
        for table in slips_file(exercise):
            assert table in ("families", "cells") or set(table.split()) <= ids


@pytest.mark.parametrize("question", [q for q in CONVERTED if slips_file(q.exercise).get("cells")], ids=lambda q: q.id)
def test_cells_that_slips_are_made_in_are_right(question):
    verdict = marker(question.id).mark(sit(marker(question.id).paper, answer_with(question, [])))
    assert verdict.passed, verdict.message
