"""Where nothing known explains an answer, the first stage that is wrong is told, from the notes of its run."""

import dataclasses
import json
import linecache

import keras
import numpy as np
import pytest
from keras import layers, ops

from autograder.exam.notes import Made, Seen
from autograder.exam.pairs import MistakePairs
from autograder.exam.sheet_reader import read_sheet
from autograder.questions import exercises, find
from autograder.questions.catalogue import Evaluation, part_names
from autograder.sitting.answer_sheet import write_sheet
from autograder.sitting.paper import BASE, Note
from autograder.sitting.run import sit
from autograder.sitting.trace import MAX_NOTES, MAX_SIZE, NUMBERS_NOTED, noting, summary
from tests.exam.shared_marker import marker
from tests.exam.written_resblock import RESBLOCK
from tests.questions.slips import answer_with, slips_of

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),  # a layer is built when it is called, as in a notebook
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="operations are seen on TensorFlow only"),
]

QUESTIONS = [
    question
    for questions in exercises().values()
    for question in questions
    if question.base and question.marking == "close"
]


def resblock(old="", new=""):
    """A ResBlock as a notebook's cell defines it, with one substitution; its lines can be quoted."""
    assert old in RESBLOCK
    source = RESBLOCK.replace(old, new) if old else RESBLOCK
    file = f"<stages {hash(source)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    namespace = {"keras": keras, "layers": layers, "ops": ops, "np": np}
    exec(compile(source, file, "exec"), namespace)
    return namespace["ResBlock"]


def sat(old="", new=""):
    return sit(marker("resblock-same").paper, resblock(old, new))


def verdict(old, new):
    return marker("resblock-same").mark(sat(old, new))


# ------------------------------------------------------------------------------------------------- what is said


@pytest.mark.parametrize(
    ("old", "new", "stage", "agreed", "line"),
    [
        ("h = h + e", "h = h + 0.7 * e", "join", "the first convolution", "h = self.conv1(ops.silu(self.norm1(x)))"),
        ("self.conv1(ops.silu", "self.conv1(0.3 * ops.silu", "conv1", "the swish of the first half", "h = self.conv1("),
        ("return x +", "return 1.2 * x +", "residual", "the second convolution", "return 1.2 * x + self.conv2("),
        ("self.norm2(h)", "self.norm2(ops.tanh(h))", "norm2", "the sum with the time embedding", "h = h + e"),
    ],
)
def test_the_first_stage_that_is_wrong_is_told(old, new, stage, agreed, line):
    told = verdict(old, new)
    assert told.mistakes == ()
    assert told.stage == stage, told.message
    names = part_names(find("resblock-same").base)
    assert f"{agreed} (your line `{line}" in told.message
    assert f"{names[stage]} never appears" in told.message


def test_a_first_stage_that_is_wrong_has_nothing_before_it():
    told = verdict("ops.silu(t_emb)", "ops.silu(2.5 * t_emb)")
    assert told.stage == "swish_t"
    assert part_names(find("resblock-same").base)["swish_t"] in told.message


def test_what_is_worked_out_and_not_returned_is_told_with_its_line():
    told = verdict(
        "return x + self.conv2(ops.silu(self.norm2(h)))",
        "y = x + self.conv2(ops.silu(self.norm2(h)))\n        return y**3",
    )
    assert "`y = x + self.conv2(ops.silu(self.norm2(h)))`" in told.message
    assert "is another" in told.message


def test_no_expected_number_is_told():
    own = marker("resblock-same")
    told = verdict("h = h + e", "h = h + 0.7 * e").message
    arrays = [step.value for step in Evaluation(own.question.base, own.paper).steps()]
    numbers = {f"{number:.{digits}g}" for array in arrays for number in summary(array) for digits in (3, 4)}
    assert [number for number in numbers if len(number) > 3 and number in told] == []


def test_an_answer_that_is_wrong_in_another_size_only_has_no_stage():
    own = marker("resblock-same")
    told = verdict("return x +", "return (1.2 if x.shape[-1] == 96 else 1) * x +")
    assert not told.passed
    assert told.stage is None
    assert own.mark(sat()).stage is None


MAKES_NOTHING = ("ablate-skips", "causal-mask")  # numbers that were chosen, and True and False, are no stage


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.id)
def test_a_right_answer_reaches_every_stage(question):
    """Whatever is said of a wrong answer, of a right one nothing would be missed; and every stage has a name."""
    own = marker(question.id)
    assert set(part_names(question.base)) == set(question.base.parts)
    answer = sit(own.paper, answer_with(question, []))
    stage = own._mistakes.first_missing_stage(answer)
    if question.id in MAKES_NOTHING:
        assert stage is None
        return
    assert answer.cases[0].notes
    assert stage is not None
    assert "what is returned is another" in stage.text


# ---------------------------------------------------------------------------------------------- what is noted


def test_every_operation_is_noted():
    """Says so when TensorFlow's private interface has moved."""
    x = ops.convert_to_tensor(np.arange(6, dtype="float32").reshape(2, 3))
    with noting() as notes:
        y = layers.Dense(4)(x)
        z = ops.tanh(y) + 1.5
    seen = Seen(notes)
    for array in (y, ops.tanh(y), z):
        assert seen.find(Made.of(ops.convert_to_numpy(array))) is not None
    before = len(notes)
    _ = z + 1
    assert len(notes) == before


def test_notes_are_few_and_short():
    x = ops.ones((2, 3))
    with noting() as notes:
        for _ in range(MAX_NOTES + 50):
            x = x * 1.001
        big = ops.ones((MAX_SIZE + 1,)) + 1
    assert len(notes) == MAX_NOTES
    assert all(note.shape != big.shape for note in notes)
    assert all(len(note.numbers) == NUMBERS_NOTED for note in notes)


def test_what_is_not_finite_whole_or_symbolic_is_not_noted():
    with noting() as notes:
        ops.log(ops.zeros((2, 3))) * 0
        ops.arange(5) + 1
        layers.Dense(3)(keras.Input((2,)))
    assert [note for note in notes if not np.isfinite(note.numbers).all()] == []
    assert (5,) not in {note.shape for note in notes}


def test_only_the_first_run_of_the_first_case_is_noted():
    answer = sat()
    assert 20 < len(answer.cases[0].notes) < 150
    assert answer.cases[1].notes == []
    lines = {note.line for note in answer.cases[0].notes}
    assert "h = h + e" in lines
    assert all("sit(" not in line for line in lines)  # the cell that checks is no part of the answer


def test_an_array_is_found_in_another_order_of_axes_only_where_its_axes_are():
    array = np.random.default_rng(0).normal(size=(2, 3, 5)).astype("float32")
    for given, found in (
        (array, True),
        (array.reshape(6, 5), True),  # the same numbers in the same order
        (array.transpose(0, 2, 1), True),
        (array.transpose(0, 2, 1).reshape(2, 3, 5), False),  # heads cut across
        (array * 1.001, False),
        (array + 0.001, False),
        (array[:1], False),
    ):
        seen = Seen([Note(given.shape, summary(given), "line")])
        assert (seen.find(Made.of(array)) is not None) == found, given.shape


def test_notes_make_pairs_quick(monkeypatch):
    """The pairs of which something shows come first: some hundred glances, not some ten thousand."""
    question = find("resblock-same")
    slips = dict(slips_of(question))
    answer = sit(
        marker(question.id).paper, answer_with(question, [*slips["residual-averaged"], *slips["activation-relu"]])
    )
    own, glances, plain = marker(question.id), [], Evaluation.glance
    known = MistakePairs(own.mode, Evaluation(question.base, own.paper))
    monkeypatch.setattr(Evaluation, "glance", lambda self, *f, **k: glances.append(f) or plain(self, *f, **k))
    assert {mistake.id for mistake in known.find(answer)} == {"residual-averaged", "activation-relu"}
    assert len([forms for forms in glances if len(forms) == 3]) < 1500


# ---------------------------------------------------------------------------------------------- forged notes


def test_notes_come_through_the_answer_sheet(tmp_path):
    own = marker("resblock-same")
    answer = sat("h = h + e", "h = h + 0.7 * e")
    write_sheet(tmp_path / "sheet", answer)
    read = read_sheet(tmp_path / "sheet", own.paper)
    assert read.cases[0].notes == answer.cases[0].notes
    assert own.mark(read) == own.mark(answer)


def test_a_forged_trace_earns_nothing_and_costs_nothing():
    own = marker("resblock-same")
    right, wrong = sat(), sat("h = h + e", "h = h + 0.7 * e")
    strange = [
        Note((2, 4, 6, 64), (1e29,) * NUMBERS_NOTED, "x"),
        Note((), (0.0,) * NUMBERS_NOTED),
        Note((0,), (1.0,) * 12),
    ]
    for notes in (right.cases[0].notes, strange, strange * 200, []):
        wrong.cases[0].notes = notes
        assert not own.mark(wrong).passed
        right_too = dataclasses.replace(right, cases=[dataclasses.replace(right.cases[0], notes=notes), right.cases[1]])
        assert own.mark(right_too).passed
    wrong.cases[0].notes = []
    assert own.mark(wrong).stage is None


def test_a_trace_that_is_huge_or_damaged_is_refused(tmp_path):
    own = marker("resblock-same")
    good = [[2, 3], [0.5] * NUMBERS_NOTED, 0]
    for notes in (
        {"lines": ["x"], "notes": [good] * (MAX_NOTES + 1)},
        {"lines": ["x"] * (MAX_NOTES + 1), "notes": [good]},
        {"lines": ["x"], "notes": [[[2, 3], [0.5] * 60_000, 0]]},
        {"lines": ["x"], "notes": [[[2, 3], [0.5], 0]]},
        {"lines": ["x"], "notes": [[[2, 3], [1e31] * NUMBERS_NOTED, 0]]},
        {"lines": ["x"], "notes": [[[2, 3], [float("nan")] * NUMBERS_NOTED, 0]]},
        {"lines": ["x"], "notes": [[[2, 3], ["1"] * NUMBERS_NOTED, 0]]},
        {"lines": ["x"], "notes": [[[2, 3], [True] * NUMBERS_NOTED, 0]]},
        {"lines": ["x"], "notes": [[[-2, 3], [0.5] * NUMBERS_NOTED, 0]]},
        {"lines": ["x"], "notes": [[[2**41], [0.5] * NUMBERS_NOTED, 0]]},
        {"lines": ["x"], "notes": [[[2, 3], [0.5] * NUMBERS_NOTED, 1]]},
        {"lines": ["x"], "notes": [[[2, 3], [0.5] * NUMBERS_NOTED, -1]]},
        {"lines": ["x"], "notes": [[[2, 3], [0.5] * NUMBERS_NOTED]]},
        {"lines": [7], "notes": [good]},
        {"lines": "x", "notes": [good]},
        {"notes": [good]},
        [],
        "x",
    ):
        answer = _read_with(tmp_path, own, notes)
        assert [case.error.kind for case in answer.cases] == ["AnswerSheet"] * 2, str(notes)[:80]
    assert (
        _read_with(tmp_path, own, {"lines": ["a\x1b[31m\nb" * 200], "notes": [good]})
        .cases[0]
        .notes[0]
        .line.isprintable()
    )


def _read_with(tmp_path, own, notes):
    """A right answer's sheet, with other notes."""
    answer = sat()
    answer.cases[0].notes = []
    write_sheet(tmp_path / "sheet", answer)
    content = (tmp_path / "sheet").read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"]["notes"] = json.dumps(notes)
    forged = json.dumps(header).encode()
    (tmp_path / "sheet").write_bytes(len(forged).to_bytes(8, "little") + forged + content[8 + length :])
    return read_sheet(tmp_path / "sheet", own.paper)


def test_notes_leave_the_outputs_as_they_are():
    own = marker("resblock-same")
    noted, plain = sat(), sit(own.paper, resblock(), base_only=True)
    np.testing.assert_array_equal(noted.cases[0].runs[BASE][0], plain.cases[0].runs[BASE][0])
    assert plain.cases[0].notes == []
