"""What a check says beside its verdict, and where it raises and where it does not."""

import re

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from autograder.exam import checking as check_module
from autograder.exam import in_notebook
from autograder.exam.guide import Progress, more_help, notebook_of, points_so_far, shapes_table
from autograder.exam.paper_from_seed import make_paper
from autograder.exam.verdict import Verdict
from autograder.questions import exercises, find
from autograder.questions.denoising import denoise
from autograder.reference import GEGLU
from autograder.sitting import missing_answer

ALL = [question for questions in exercises().values() for question in questions]
STUB = 'raise NotImplementedError("write your answer here")'


def verdict(question_id, passed=False, *mistakes):
    return Verdict(question_id, passed, mistakes[0] if mistakes else None, "text", mistakes)


def test_every_question_of_a_notebook_has_points_and_a_heading():
    for exercise, questions in exercises().items():
        cells = notebook_of(exercise)
        assert sum(cell["points"] for cell in cells.values()) == 10
        assert set(cells) <= {question.id for question in questions}
        assert all(cell["heading"] for cell in cells.values())


def test_points_grow_with_what_has_passed_and_lead_to_the_next():
    progress, question = Progress(), find("broadcast-embedding")
    first, second, *_ = notebook_of("03-resblock").values()
    progress.enter(verdict(question.id), object(), written=True)
    assert "0 of 10" in points_so_far(question, progress)
    progress.enter(verdict(question.id, passed=True), object(), written=True)
    said = points_so_far(question, progress)
    assert f"{first['points']} of 10" in said
    assert second["heading"] in said
    for other in notebook_of("03-resblock"):
        progress.enter(verdict(other, passed=True), object(), written=True)
    assert "10 of 10" in points_so_far(question, progress)


def test_failures_are_counted_by_kind_and_an_unwritten_answer_is_none():
    progress = Progress()

    def enter(*mistakes, written=True):
        return progress.enter(verdict("geglu", False, *mistakes), object(), written)

    assert [enter("a"), enter("a"), enter("b"), enter("a", "b"), enter("a"), enter()] == [1, 2, 1, 1, 3, 1]
    assert enter(written=False) == 0


def test_hint_unfolds_at_the_second_failure_and_shapes_at_the_fourth():
    question = find("resblock-same")
    paper = make_paper(question, 1)
    hint = notebook_of(question.exercise)[question.id]["hint"].splitlines()[0]
    helps = [more_help(question, paper, failures) for failures in range(1, 5)]
    assert helps[0] == ""
    assert hint in helps[1]
    assert hint in helps[3]
    table = shapes_table(question, paper)
    assert table
    assert table not in helps[2]
    assert table in helps[3]


MAKES_NOTHING = ("ablate-skips", "causal-mask")  # what it is given comes back, or zeros; True and False are no stage


@pytest.mark.parametrize("question", ALL, ids=lambda q: q.id)
def test_shapes_table_holds_words_and_shapes_alone(question):
    paper = make_paper(question, 1)
    lines = shapes_table(question, paper).splitlines()
    if question.marking != "noise":
        makes_tensors = question.marking == "close" and question.id not in MAKES_NOTHING
        assert bool(lines) == makes_tensors  # a number has no shape
    for line in lines:
        assert re.fullmatch(r"  \S.*?  +\(.*\)|  \.\.\.", line)
        assert not re.search(r"\d\.\d|\w\(|=", line), "neither numbers nor code"


def test_draw_can_tell_which_blocks_a_check_calls_wrong(monkeypatch):
    """Of what was checked the last verdict holds; what was not is checked now, without a word."""
    progress, checked = Progress(), object()
    monkeypatch.setattr(check_module, "PROGRESS", progress)
    progress.enter(verdict("geglu"), checked, written=True)
    assert check_module.doubted({"GEGLU": checked, "denoise": denoise}) == ("geglu",)
    assert check_module.doubted({"GEGLU": GEGLU}) == ()
    assert check_module.doubted({"denoise": lambda image, desired, alpha, steps: image}) == ("denoise",)


@pytest.fixture
def shell(monkeypatch):
    shell = InteractiveShell()
    monkeypatch.setattr(in_notebook, "interactive_shell", lambda: shell)
    monkeypatch.setattr(missing_answer, "interactive_shell", lambda: shell)
    missing_answer.watch_notebook()
    in_notebook.watch_definitions()
    return shell


def run(shell, source):
    with capture_output():
        return shell.run_cell(source, store_history=True)


def test_definition_of_a_cell_that_no_longer_runs_is_gone(shell):
    run(shell, "def step(x):\n    return x\n\nother = 1")
    run(shell, "def step(x):\n    return x +")
    assert "step" not in shell.user_ns
    assert shell.user_ns["other"] == 1
    run(shell, "class Block:\n    pass")
    run(shell, f"class Block:\n    {STUB}")
    assert "Block" not in shell.user_ns


def test_definition_stays_where_a_later_line_of_its_cell_fails(shell):
    run(shell, "def step(x):\n    return x\n\nstep(1) / 0")
    assert shell.user_ns["step"](2) == 2


def test_definition_is_named_by_the_cell_that_last_made_it(shell):
    run(shell, "def step(x):\n    return x")
    old = shell.user_ns["step"]
    run(shell, "1 + 1")
    run(shell, "def step(x):\n    return 2 * x")
    assert "[3]" in in_notebook.made_in(shell.user_ns["step"])
    assert in_notebook.made_in(old) == in_notebook.made_in(len) == ""


def test_missing_object_is_told_by_the_check_itself_and_stays_missing(shell):
    shell.user_ns["check"] = lambda question, made: shell.user_ns.update(said=made.text)
    run(shell, "def step(x):\n    return x +")
    result = run(shell, 'check("denoise-step", step)')
    assert result.success
    assert "return x +" in shell.user_ns["said"]
    assert "step" not in shell.user_ns
