"""Every question is proved twice: right answers pass, and each known mistake fails under its own name."""

from functools import cache

import pytest

from autograder.exam import make_paper
from autograder.exam.marking import Marker
from autograder.questions import exercises, find
from autograder.sitting.run import sit

SEED = 20
QUESTIONS = [question for questions in exercises().values() for question in questions]
SHARED_AXES = {"td-dot": 3}  # a (B, N, S, D) and b (B, N, D, T): batch, heads and the axis summed over; else the batch
MISTAKES = [(question.id, mistake.id) for question in QUESTIONS for mistake in question.mistakes]


@cache
def marker(question_id):
    question = find(question_id)
    return Marker(question, make_paper(question, SEED))


@pytest.mark.parametrize("question_id", [question.id for question in QUESTIONS])
def test_question_accepts_each_variant(question_id):
    question = find(question_id)
    for accepted in question.accepted:
        assert marker(question_id).mark(sit(marker(question_id).paper, accepted)).passed


@pytest.mark.parametrize(("question_id", "mistake_id"), MISTAKES)
def test_mistake_is_refused_under_its_own_name(question_id, mistake_id):
    mistake = next(m for m in find(question_id).mistakes if m.id == mistake_id)
    verdict = marker(question_id).mark(sit(marker(question_id).paper, mistake.answer))
    assert not verdict.passed
    assert verdict.mistake == mistake_id
    assert mistake.cause in verdict.message


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.id)
def test_mistake_sections_are_headings_of_the_chapter(question, root):
    chapter = (root / "book" / f"{question.exercise}.md").read_text()
    headings = {line.lstrip("#").strip() for line in chapter.splitlines() if line.startswith("#")}
    for section in {question.section, *(mistake.section for mistake in question.mistakes)}:
        assert section in headings


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.id)
def test_case_dimensions_all_differ(question):
    for scale in ("tiny", "full"):
        cases = question.cases(scale)
        assert len(cases) > 1, "one size alone could be a constant"
        for case in cases:
            if not case.inputs:
                continue  # numbers only
            drawn = {name: draw.shape for name, draw in case.inputs.items() if "[" not in name}  # kept maps halve
            first, *others = drawn.values()
            assert len(set(first)) == len(first)
            for shape in (other for other in others if other != first):  # the batch is shared, nothing else is
                assert shape[0] == first[0]
                assert not set(shape[SHARED_AXES.get(question.id, 1) :]) & set(first)


def test_find_unknown_question_lists_the_known_ones():
    with pytest.raises(KeyError, match="resblock-same"):
        find("resblok-same")


def test_catalogue_ids_are_unique_within_a_question():
    for question in QUESTIONS:
        ids = [mistake.id for mistake in question.mistakes]
        assert len(set(ids)) == len(ids)
