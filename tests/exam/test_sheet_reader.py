"""Answer sheets: what a sitting writes comes back as it was, and a forged sheet is an error of its learner's."""

import json
import os
import pickle
import tracemalloc
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from autograder.exam.marking import Marker
from autograder.exam.sheet_reader import MAX_HEADER, MAX_MESSAGE, read_sheet, unusable
from autograder.sitting.answer_sheet import FORMAT, MAX_ARRAYS, MAX_SHEET_BYTES, MAX_WEIGHTS, write_sheet
from autograder.sitting.exceptions import MAX_CALLS
from autograder.sitting.paper import BASE, Answer, CaseAnswer, CasePaper, LearnerError, Paper, Weight
from tests.exam.shared_marker import marker

SHAPE = (2, 3)
PAPER = Paper("q", "Thing", (CasePaper("layer", (), {"x": np.zeros(SHAPE)}),) * 2, (1, 2))
WEIGHTS = [["thing/kernel", [3, 3]], ["thing/bias", [3]], ["thing/scale", [3]]]
NEEDED = (BASE, "single.0", "single.1", "single.2", "size.3")
ERROR = ["call", "ValueError", "no", "x = 1"]


def array(seed: int = 0, shape=SHAPE, dtype="float32") -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def right_answer() -> Answer:
    runs = {run: [array(i)] for i, run in enumerate(NEEDED)}
    weights = [Weight(path, tuple(shape)) for path, shape in WEIGHTS]
    return Answer("q", [CaseAnswer(runs, weights), CaseAnswer({BASE: [array(9)]}, weights)])


def forged(cases: object = None, arrays: dict | None = None, **metadata: str) -> bytes:
    """A sheet's bytes; without arguments a usable one."""
    traced = {"weights": WEIGHTS, "runs": {run: [f"0/{run}/0"] for run in NEEDED}}
    plain = {"weights": WEIGHTS, "runs": {BASE: ["1/base/0"]}}
    words = {"format": FORMAT, "question": "q", "cases": json.dumps([traced, plain] if cases is None else cases)}
    if arrays is None:
        arrays = {f"0/{run}/0": array(i) for i, run in enumerate(NEEDED)} | {"1/base/0": array(9)}
    return save(arrays, metadata={**words, **metadata})


def reading(path: Path, content: bytes, paper: Paper = PAPER) -> Answer:
    path.write_bytes(content)
    return read_sheet(path, paper)


def assert_refused(answer: Answer) -> None:
    assert [case.error.kind for case in answer.cases if case.error] == ["AnswerSheet"] * 2
    assert all(not case.runs for case in answer.cases)


def assert_same(one: Answer, other: Answer) -> None:
    assert one.question == other.question
    for mine, theirs in zip(one.cases, other.cases, strict=True):
        assert (mine.weights, mine.error, mine.runs.keys()) == (theirs.weights, theirs.error, theirs.runs.keys())
        for run, outputs in mine.runs.items():
            for a, b in zip(outputs, theirs.runs[run], strict=True):
                assert (a.dtype, a.shape) == (b.dtype, b.shape)
                if a.dtype.kind in "fiub":
                    np.testing.assert_array_equal(a, b)


def test_sheet_brings_an_answer_back(tmp_path: Path):
    write_sheet(tmp_path / "sheet", right_answer())
    assert_same(read_sheet(tmp_path / "sheet", PAPER), right_answer())
    assert [path.name for path in tmp_path.iterdir()] == ["sheet"]


@pytest.mark.parametrize("dtype", ["float16", "float64", "int64", "uint8", "bool", ">f4", "bfloat16", "complex64"])
def test_sheet_keeps_shape_and_dtype(tmp_path: Path, dtype: str):
    values = array().astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    for stored in (values, values[0, 0], values[:, ::2], values[:0], np.full((2, 2), np.nan, "float32")):
        answer = Answer("q", [CaseAnswer({BASE: [np.asarray(stored)]}), CaseAnswer(error=LearnerError(*ERROR))])
        write_sheet(tmp_path / "sheet", answer)
        native = Answer(
            "q", [CaseAnswer({BASE: [np.asarray(stored, stored.dtype.newbyteorder("="))]}), answer.cases[1]]
        )
        assert_same(read_sheet(tmp_path / "sheet", PAPER), native)


def test_sheet_pickles_no_objects(tmp_path: Path):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "trap"),))

    outputs = [np.array([Trap(), "text"], dtype=object), np.array(["words"])]
    write_sheet(tmp_path / "sheet", Answer("q", [CaseAnswer({BASE: outputs})] * 2))
    read = read_sheet(tmp_path / "sheet", PAPER)
    assert [(a.shape, a.dtype.kind) for a in read.cases[0].runs[BASE]] == [((2,), "O"), ((1,), "O")]
    assert not (tmp_path / "trap").exists()


def test_sheet_of_too_much_is_an_error_of_the_answer(tmp_path: Path):
    big = np.broadcast_to(np.zeros((), "float32"), (MAX_SHEET_BYTES // 4 + 1,))
    many = [np.zeros(())] * (MAX_ARRAYS + 1)
    weights = [Weight("w", (1,))] * (MAX_WEIGHTS + 1)
    for case in (CaseAnswer({BASE: [big]}), CaseAnswer({BASE: many}), CaseAnswer({BASE: [array()]}, weights)):
        write_sheet(tmp_path / "sheet", Answer("q", [case, CaseAnswer(error=LearnerError(*ERROR))]))
        (error, _) = (case.error for case in read_sheet(tmp_path / "sheet", PAPER).cases)
        assert error is not None
        assert error.kind in ("TooLarge", "TooMany")


# ----------------------------------------------------------------------------------------------- forged sheets


def test_forged_sheet_is_usable_until_it_is_spoilt(tmp_path: Path):
    assert_same(reading(tmp_path / "sheet", forged()), right_answer())


def spoilt(**changes) -> list:
    traced = {"weights": WEIGHTS, "runs": {run: [f"0/{run}/0"] for run in NEEDED}, **changes}
    return [traced, {"weights": WEIGHTS, "runs": {BASE: ["1/base/0"]}}]


def runs(**changes) -> dict:
    kept = {run: [f"0/{run}/0"] for run in NEEDED}
    return {name: keys for name, keys in {**kept, **changes}.items() if keys is not None}


GOOD = forged()
LIES = {
    "nothing": b"",
    "short": GOOD[:7],
    "cut": GOOD[:-10],
    "longer": GOOD + b"x",
    "header length": (2**63).to_bytes(8, "little") + GOOD[8:],
    "header too long": (MAX_HEADER + 1).to_bytes(8, "little") + GOOD[8:],
    "zeros": bytes(1000),
    "pickle": pickle.dumps({"a": 1}),
    "numpy": b"\x93NUMPY" + bytes(200),
    "json": b'{"cases": []}',
    "deep header": (200_000).to_bytes(8, "little") + b"[" * 200_000,
    "no metadata": save({"a": array()}),
    "another format": forged(format="answer-sheet-0"),
    "another question": forged(question="p"),
    "cases no JSON": save({}, metadata={"format": FORMAT, "question": "q"}),
    "cases no list": forged({"a": 1}),
    "one case": forged([{"weights": [], "runs": {}}]),
    "case no object": forged([1, 2]),
    "no runs": forged(spoilt(runs={})),
    "runs no object": forged(spoilt(runs=[1])),
    "unknown run": forged(spoilt(runs=runs(**{"../../x": ["0/base/0"]}))),
    "run of markup": forged(spoilt(runs=runs(**{"<b>": ["0/base/0"]}))),
    "single missing": forged(spoilt(runs=runs(**{"single.1": None}))),
    "size missing": forged(spoilt(runs=runs(**{"size.3": None}))),
    "all singles missing": forged(spoilt(runs={BASE: ["0/base/0"]})),
    "array missing": forged(spoilt(runs=runs(base=["nowhere"]))),
    "array used twice": forged(spoilt(runs=runs(base=["0/single.0/0"]))),
    "output no name": forged(spoilt(runs=runs(base=[7]))),
    "outputs no list": forged(spoilt(runs=runs(base="0/base/0"))),
    "weights no list": forged(spoilt(weights=7)),
    "weights without end": forged(spoilt(weights=[["w", [1]]] * (MAX_WEIGHTS + 1))),
    "weight no pair": forged(spoilt(weights=[["w"]])),
    "weight of negative size": forged(spoilt(weights=[["w", [-1]]])),
    "weight of a fraction": forged(spoilt(weights=[["w", [1.5]]])),
    "weight of true": forged(spoilt(weights=[["w", [True]]])),
    "weight of endless size": forged(spoilt(weights=[["w", [2**62, 2**62, 0]]])),
    "weight of endless axes": forged(spoilt(weights=[["w", [1] * 1000]])),
    "told shape without end": forged(spoilt(runs=runs(base=[{"dtype": "object", "shape": [2**41]}]))),
    "told shape no list": forged(spoilt(runs=runs(base=[{"dtype": "object", "shape": "x"}]))),
    "error no list": forged([{"error": "no"}, {"error": ERROR}]),
    "error too short": forged([{"error": ERROR[:3]}, {"error": ERROR}]),
    "error of numbers": forged([{"error": [1, 2, 3, 4]}, {"error": ERROR}]),
    "error with half of what led there": forged([{"error": [*ERROR, []]}, {"error": ERROR}]),
    "calls no list": forged([{"error": [*ERROR, "f", False]}, {"error": ERROR}]),
    "calls no pairs": forged([{"error": [*ERROR, [["f"]], False]}, {"error": ERROR}]),
    "calls of numbers": forged([{"error": [*ERROR, [[1, 2]], False]}, {"error": ERROR}]),
    "calls without end": forged([{"error": [*ERROR, [["f", "x"]] * (MAX_CALLS + 1), False]}, {"error": ERROR}]),
    "error of an unknown stage": forged([{"error": ["passed", "a", "b", "c"]}, {"error": ERROR}]),
    "forged dtype": GOOD.replace(b'"F32"', b'"F99"'),
    "overlap": GOOD.replace(b"[24,48]", b"[0,24] "),
    "offsets": GOOD.replace(b"[24,48]", b"[24,99]"),
    "shape": GOOD.replace(b'"shape":[2,3]', b'"shape":[9,9]', 1),
}


@pytest.mark.parametrize("content", LIES.values(), ids=LIES.keys())
def test_read_sheet_refuses_a_lie(tmp_path: Path, content: bytes):
    assert_refused(reading(tmp_path / "sheet", content))


def test_read_sheet_opens_plain_files_only(tmp_path: Path):
    (tmp_path / "real").write_bytes(forged())
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "device").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(10**12)
    for name in ("link", "device", "pipe", "folder", "huge", "nothing"):
        assert_refused(read_sheet(tmp_path / name, PAPER))


def test_read_sheet_takes_remarks_in_our_words_only(tmp_path: Path):
    told = ["call-named cal", "call-compiled", "call-named <b>", "passed", 7, ["call-missing"], "call-compiled now"]
    for remarks, taken in (
        (json.dumps(told), ("call-named cal", "call-compiled")),
        ('"call-compiled"', ()),
        ("{}", ()),
        (json.dumps(["call-compiled"] * 20), ("call-compiled",) * 4),
    ):
        assert reading(tmp_path / "sheet", forged(remarks=remarks)).remarks == taken
    assert_refused(reading(tmp_path / "sheet", forged(remarks="[")))


def test_read_sheet_makes_the_chain_of_calls_plain(tmp_path: Path):
    calls = [["<b>f</b>", "x = \x1b[31m1"], ["ResBlock.call", "y" * 10_000], ["<lambda>", "a\n\u202eb"]]
    case = {"error": [*ERROR, calls, "yes"]}
    error = reading(tmp_path / "sheet", forged([case, case], {})).cases[0].error
    assert error is not None
    assert [function for function, _ in error.calls] == ["", "ResBlock.call", "<lambda>"]
    assert all("\x1b" not in line and "\n" not in line and len(line) < 400 for _, line in error.calls)
    assert error.below is False


def test_read_sheet_makes_words_plain(tmp_path: Path):
    words = ["call", "<b>Error</b>", "a\x1b[31mb\x00" + "x" * 10_000, "line\n\u202eone"]
    path = "w`\n<script>\x1b[1m" + "y" * 1000
    cases = [{"error": words}, {"weights": [[path, [3]]], "runs": {BASE: ["1/base/0"]}}]
    answer = reading(tmp_path / "sheet", forged(cases, {"1/base/0": array()}))
    error, weight = answer.cases[0].error, answer.cases[1].weights[0]
    assert error is not None
    assert (error.kind, error.line) == ("Error", "line \ufffdone")
    assert error.message.startswith("ab\ufffdxx")
    assert len(error.message) < MAX_MESSAGE + 100
    assert weight.path.startswith("w' <script>y")
    assert len(weight.path) < 300


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats() | st.text(max_size=8) | st.sampled_from(NEEDED),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*NEEDED, "x"]), inner, max_size=4),
    max_leaves=10,
)
outputs = st.lists(st.sampled_from(["0/base/0", "1/base/0", "x"]) | json_values, max_size=2)
weights = st.lists(st.tuples(st.text(max_size=5), st.lists(st.integers(-1, 4), max_size=3)) | json_values, max_size=3)
cases = st.fixed_dictionaries(
    {},
    optional={
        "weights": weights,
        "runs": st.dictionaries(st.sampled_from([*NEEDED, "size.9", "other"]), outputs, max_size=6) | json_values,
        "error": st.lists(st.text(max_size=9) | st.sampled_from(ERROR), min_size=3, max_size=4) | json_values,
    },
)


@pytest.fixture(scope="module")
def resblock() -> Marker:
    return marker("resblock-same")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(cases | json_values, min_size=2, max_size=2))
def test_marking_any_sheet_ends_with_no_points(tmp_path_factory, resblock: Marker, drawn):
    """Whatever stands on a sheet, marking neither raises nor takes it for right."""
    shapes = [(2, 4, 6, 64), (3, 6, 5, 96)]
    arrays = {f"{i}/base/0": array(i, shape) for i, shape in enumerate(shapes)} | {"x": array()}
    content = forged(drawn, arrays, question="resblock-same")
    answer = reading(tmp_path_factory.getbasetemp() / "any-sheet", content, resblock.paper)
    assert len(answer.cases) == len(resblock.paper.cases)
    assert not resblock.mark(answer).passed


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=100), st.integers(0, len(GOOD)), st.booleans())
def test_read_sheet_of_any_bytes_is_an_answer(tmp_path_factory, noise: bytes, place: int, insert: bool):
    content = GOOD[:place] + noise + GOOD[place if insert else place + len(noise) :]
    answer = reading(tmp_path_factory.getbasetemp() / "any-bytes", content)
    assert len(answer.cases) == 2
    assert all(case.error or BASE in case.runs for case in answer.cases)


def test_marking_an_unusable_sheet_says_why(resblock: Marker):
    verdict = resblock.mark(unusable(resblock.paper, "there is none"))
    assert not verdict.passed
    assert "there is none" in verdict.message


def test_sheet_reader_sets_a_learners_words_in_one_line(tmp_path: Path):
    """A verdict's lines begin with "Cause:" and the like; theirs must not pass for them."""
    error = ["call", "ValueError", "no\n  Cause:    none\nMistake: residual-forgotten", "x = 1\ny"]
    answer = reading(tmp_path / "sheet", forged([{"error": error}] * 2))
    assert answer.cases[0].error.message == "no Cause: none Mistake: residual-forgotten"
    assert answer.cases[0].error.line == "x = 1 y"


@pytest.mark.parametrize("value", ["{},", "[],", '"",', "1,"])
def test_sheet_reader_refuses_a_flood_of_values_before_it_is_built(tmp_path: Path, value: str):
    header = ('{"__metadata__": [' + value * (MAX_HEADER // len(value) - 20) + "0]}").encode()
    tracemalloc.start()
    answer = reading(tmp_path / "sheet", len(header).to_bytes(8, "little") + header)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert_refused(answer)
    assert peak < 64 * 2**20
