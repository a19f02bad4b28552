"""Every question is proved twice: right answers pass, and each known mistake fails under its own name."""

import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from autograder.exam import make_paper
from autograder.exam.marking import Marker
from autograder.questions import exercises, find, registry
from autograder.questions.catalogue import Evaluation, Texts, reads, wired
from autograder.questions.catalogue.change import Replacements
from autograder.questions.catalogue.texts import family_texts
from autograder.sitting.paper import BASE
from autograder.sitting.run import sit

SEED = 20
QUESTIONS_FOLDER = Path(registry.__file__).parent
QUESTIONS = [question for questions in exercises().values() for question in questions]
# a (B, N, S, D) and b (B, N, D, T): batch, heads and the axis summed over; q and k (B, N, T, D); else the batch
SHARED_AXES = {"td-dot": 3, "fault-padding": 4}
CONVERTED = [question for question in QUESTIONS if question.base is not None]  # proved by test_slips
MISTAKES = [(q.id, mistake.id) for q in QUESTIONS if q not in CONVERTED for mistake in q.mistakes]


@cache
def marker(question_id):
    question = find(question_id)
    return Marker(question, make_paper(question, SEED))


@pytest.mark.parametrize("question_id", [question.id for question in QUESTIONS])
def test_question_accepts_each_variant(question_id):
    question = find(question_id)
    for accepted in question.accepted:
        assert marker(question_id).mark(sit(marker(question_id).paper, accepted)).passed


@pytest.mark.parametrize("scale", ["tiny", "full"])
@pytest.mark.parametrize("question", CONVERTED, ids=lambda q: q.id)
def test_base_is_a_right_answer(question, scale):
    """The bases know nothing of the reference; the test that accepts right answers accepts them."""
    paper = make_paper(question, SEED, scale)
    assert Marker(question, paper).mark(Evaluation(question.base, paper).answer({})).passed


def test_part_cannot_write_into_what_it_is_given():
    """`np.tanh(x, y)` puts its result into y: here, the picture that later changes begin with."""
    question = find("denoise-step")
    evaluation = Evaluation(question.base, make_paper(question, SEED))
    assert evaluation.glance({"moved": wired(np.tanh, "step", "desired")}).error is not None
    (desired,) = evaluation.glance({"moved": reads("desired")}).runs[BASE]
    np.testing.assert_array_equal(desired, evaluation.paper.cases[0].inputs["desired"])
    assert evaluation.paper.cases[0].inputs["desired"].flags.writeable


@pytest.mark.parametrize("question", CONVERTED, ids=lambda q: q.id)
def test_change_names_parts_of_its_base(question):
    for mistake in question.mistakes:
        for form in mistake.answer.forms:
            assert set(form) <= set(question.base.parts)
            replaced = Replacements.of(form)
            besides = [more.names for later in replaced.later.values() for more in later]
            for name in (name for names in (*replaced.wirings.values(), *besides) for name in names):
                assert name in {*question.base.parts, *question.base.names}


@pytest.mark.parametrize(
    "path", sorted(QUESTIONS_FOLDER.glob("*/*.en.toml")), ids=lambda p: f"{p.parent.name}/{p.name}"
)
def test_texts_belong_to_changes_and_parts(path):
    """A change without text is an error when the catalogue is loaded; here, a text without a change."""
    if path.parent.name == "catalogue":
        families = {mistake.answer.family for question in CONVERTED for mistake in question.mistakes}
        told = {f"{family}.{kind}" for family, kinds in family_texts().items() for kind in kinds}
        assert families - {""} <= told
        return
    texts = Texts(path)
    own = [q for q in CONVERTED if sys.modules[f"autograder.questions.{path.parent.name}"].QUESTIONS.count(q)]
    mistakes = [mistake for question in own for mistake in question.mistakes]
    assert set(texts.mistakes) <= {mistake.id for mistake in mistakes}
    parts = {part for question in own for part in question.base.parts}
    assert parts <= set(texts.parts), "parts without words"
    assert set(texts.parts) - parts <= {mistake.answer.subject for mistake in mistakes}, "words without a part"
    assert set(texts.sections) == {
        entry["section"] for entry in [*texts.mistakes.values(), *texts.parts.values()] if "section" in entry
    }


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
            drawn = {name: draw.shape for name, draw in case.inputs.items() if "[" not in name}  # kept maps halve
            if not drawn:
                continue  # numbers only, or kept maps only
            first, *others = drawn.values()
            assert len(set(first)) == len(first)
            for shape in (other for other in others if other != first):  # the batch is shared, nothing else is
                assert shape[0] == first[0]
                assert not set(shape[SHARED_AXES.get(question.id, 1) :]) & set(first)


@pytest.mark.parametrize("question", CONVERTED, ids=lambda q: q.id)
def test_what_a_part_is_called_is_said_of_no_other(question):
    """A family's words are about its subject; if a part has the same name, they name that stage, too."""
    for mistake in question.mistakes:
        if mistake.answer.subject in question.base.parts:
            assert {part for form in mistake.answer.forms for part in form} == {mistake.answer.subject}


def test_find_unknown_question_lists_the_known_ones():
    with pytest.raises(KeyError, match="resblock-same"):
        find("resblok-same")


def test_catalogue_ids_are_unique_within_a_question():
    for question in QUESTIONS:
        ids = [mistake.id for mistake in question.mistakes]
        assert len(set(ids)) == len(ids)
