"""What the report takes from a check cell: the mistakes that marking named, and its message."""

import pytest
from nbformat.v4 import new_code_cell, new_output

from autograder.classroom.report import QuestionResult, Result, _faults, fail_cell, read_check
from autograder.exam.check import CheckFailed
from autograder.exam.verdict import Verdict


def failed(*mistakes):
    """A check cell as marking leaves it."""
    verdict = Verdict(
        "q", False, mistakes[0] if mistakes else None, "q: not right yet.\n  Cause:    it is so", mistakes
    )
    cell = new_code_cell("check(...)")
    fail_cell(cell, "CheckFailed", str(CheckFailed(verdict)))
    return cell


@pytest.mark.parametrize("mistakes", [(), ("one-thing",), ("one-thing", "another-3x3")])
def test_report_has_every_mistake_and_the_first_by_itself(mistakes):
    question = read_check("q", 0.0, 4.0, failed(*mistakes))
    assert question.mistakes == list(mistakes)
    assert question.mistake == (mistakes[0] if mistakes else None)
    assert question.message == "q: not right yet.\n  Cause:    it is so"


def test_table_shows_every_mistake():
    question = QuestionResult("q", 0.0, 4.0, "one", "", ["one", "two"])
    assert _faults(Result("s", "n", 0.0, 4.0, "graded", None, [], 1.0, [question])) == ["q: one, two"]


@pytest.mark.parametrize("last", ["Mistake: one,two", "Mistake: One", "Mistake: one, ", "Mistake:"])
def test_a_line_that_is_no_list_of_mistakes_is_a_part_of_the_message(last):
    cell = new_code_cell("check(...)")
    fail_cell(cell, "CheckFailed", f"q: not right yet.\n{last}")
    question = read_check("q", 0.0, 4.0, cell)
    assert question.mistakes == []
    assert last.strip() in question.message


def test_other_outcomes_name_no_mistake():
    printed = new_code_cell("check(...)", outputs=[new_output("stream", text="q: right\nMistake: one")])
    for cell in (None, printed):
        assert read_check("q", 1.0, 4.0, cell).mistakes == []
