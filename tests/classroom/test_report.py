"""What the report takes from a verdict: the mistakes that marking found, and its message."""

import pytest

from autograder.classroom.report import QuestionResult, Result, _faults, question_result
from autograder.exam.verdict import CHECK_FAILED, NOT_RUN, STOPPED, TIME_LIMIT, Verdict, unmarked

MESSAGE = "q: not right yet.\n  Cause:    it is so"


def verdict(*mistakes):
    return Verdict("q", False, mistakes[0] if mistakes else None, MESSAGE, mistakes, "norm1")


@pytest.mark.parametrize("mistakes", [(), ("one-thing",), ("one-thing", "another-3x3")])
def test_report_has_every_mistake_and_the_first_by_itself(mistakes):
    question = question_result("q", 0.0, 4.0, verdict(*mistakes), True)
    assert question == QuestionResult("q", 0.0, 4.0, mistakes[0] if mistakes else None, MESSAGE, list(mistakes))


@pytest.mark.parametrize("mistakes", [(), ("one-thing",), ("one-thing", "another-3x3")])
def test_verdict_is_the_same_when_it_is_read_again(mistakes):
    assert Verdict.from_json(verdict(*mistakes).as_json()) == verdict(*mistakes)


@pytest.mark.parametrize("last", ["Mistake: one", "Mistake: one, two", "Mistake:: one", "Mistake: "])
def test_words_of_a_message_name_no_mistake(last):
    for one in (unmarked("q", f"{MESSAGE}\n{last}"), Verdict("q", True, None, f"q: right\n{last}")):
        question = question_result("q", 1.0, 4.0, one, True)
        assert (question.mistake, question.mistakes) == (None, [])
        assert last.strip() in question.message


@pytest.mark.parametrize("error", [NOT_RUN, STOPPED, TIME_LIMIT])
def test_report_says_why_nothing_was_marked(error):
    assert question_result("q", 0.0, 4.0, unmarked("q", "it ended", error), True).message == f"{error}: it ended"
    assert question_result("q", 0.0, 4.0, unmarked("q", "it ended", CHECK_FAILED), True).message == "it ended"


def test_report_says_what_is_graded_by_hand_and_what_is_not_there():
    assert question_result("explain", 1.0, 2.0, None, True).message == "Graded by hand."
    assert "no cell" in question_result("explain", 0.0, 2.0, None, False).message


def test_table_shows_every_mistake():
    question = QuestionResult("q", 0.0, 4.0, "one", "", ["one", "two"])
    assert _faults(Result("s", "n", 0.0, 4.0, "graded", None, [], 1.0, [question])) == ["q: one, two"]
