"""Reads an answer sheet. It was written by a learner's process, so nothing in it is believed.

A forged sheet can say what a learner's object could have given, and no more: whatever it holds, reading it ends soon,
in bounded memory, with an `Answer` that marking can handle.
"""

import math
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from safetensors.numpy import load

from autograder.exam.sanitise import NotPlainFile, one_line, plain_file
from autograder.sitting.answer_sheet import FORMAT, MAX_ARRAYS, MAX_RUNS, MAX_SHEET_BYTES, MAX_WEIGHTS, STORED
from autograder.sitting.bounded_json import bounded_json
from autograder.sitting.exceptions import LINE_LIMIT, MAX_CALLS
from autograder.sitting.keras_settings import COURSE, Settings
from autograder.sitting.paper import BASE, Answer, CaseAnswer, CasePaper, LearnerError, Note, Paper, Weight
from autograder.sitting.remarks import COMPILED, NO_CALL, OUTSIDE, WITH_NAME
from autograder.sitting.trace import LARGEST_NUMBER, MAX_NOTES, NUMBERS_NOTED

MAX_HEADER = 8_000_000  # bytes of JSON
MAX_VALUES = 500_000  # texts, lists, objects and commas of that JSON: an array takes eight, a run and a weight fewer
MAX_TOLD = 100  # values of the settings, of the remarks
MAX_NOTE_VALUES = 60_000  # of the notes: each is some thirty
MAX_AXES = 16
MAX_SIZE = 2**40  # of a shape that is only told
MAX_PATH = 200  # characters
MAX_MESSAGE = 700
STAGES = ("missing", "construct", "call", "weights", "output")
REMARK = re.compile(rf"{OUTSIDE}|{COMPILED}|{NO_CALL}|(?:{'|'.join(WITH_NAME)}) \w{{1,80}}")
FUNCTION = re.compile(r"[\w.<>]{1,100}")
RUN = re.compile(r"[a-z][a-z-]{0,30}(\.\d{1,15})?")
ONLY_NAMED = {  # dtypes that are never right; their values are not kept
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "complex64": np.dtype("complex64"),
    "complex128": np.dtype("complex128"),
}


class _Bad(ValueError):
    """The sheet cannot be believed; the text says why."""


def read_sheet(path: Path, paper: Paper) -> Answer:
    """The answers on the sheet at `path`, for marking. Never raises for what the file is or holds.

    Args:
        path: a file that `autograder.sitting.answer_sheet` wrote, or anything else.
        paper: what the object was run on; another question's sheet is not taken.

    Returns:
        One `CaseAnswer` a case. If the sheet cannot be used, each has an error that says why.
    """
    try:
        return _answer(plain_file(Path(path), MAX_SHEET_BYTES + MAX_HEADER), paper)
    except _Bad as reason:
        text = str(reason)
    except NotPlainFile as reason:
        text = f"it {reason}"
    except OSError as error:
        text = "there is none" if isinstance(error, FileNotFoundError) else f"{error.strerror}"
    except (Exception, RecursionError) as error:  # safetensors, JSON and numpy have their own ways to refuse
        text = f"it is damaged ({type(error).__name__})"
    return unusable(paper, text)


def unusable(paper: Paper, why: str) -> Answer:
    """The answer to `paper` of an object that left no usable sheet."""
    error = LearnerError("call", "AnswerSheet", f"the answer sheet cannot be used: {why}")
    return Answer(paper.question, [CaseAnswer(error=error) for _ in paper.cases])


def _answer(content: bytes, paper: Paper) -> Answer:
    length = int.from_bytes(content[:8], "little")
    if len(content) < 10 or not 2 <= length <= min(MAX_HEADER, len(content) - 8):
        raise _Bad("its header is damaged")
    header = bounded_json(content[8 : 8 + length], MAX_VALUES)
    if not isinstance(header, dict) or len(header) > MAX_ARRAYS + 1:
        raise _Bad("its header is damaged")
    words = header.get("__metadata__")
    if not isinstance(words, dict) or words.get("format") != FORMAT:
        raise _Bad("it has another format")
    if words.get("question") != paper.question:
        raise _Bad("it is of another question")
    cases = bounded_json(words["cases"], MAX_VALUES)
    if not isinstance(cases, list) or len(cases) != len(paper.cases):
        raise _Bad(f"it must have {len(paper.cases)} cases")
    arrays = load(content)
    pairs = enumerate(zip(cases, paper.cases, strict=True))
    answers = [_case(c, arrays, asked, first=i == 0) for i, (c, asked) in pairs]
    answers[0].notes = _notes(words.get("notes"))
    return Answer(paper.question, answers, _settings(words.get("settings")), _remarks(words.get("remarks")))


def _settings(words: Any) -> Settings:
    """The settings that it says it was written under, if they are Keras' own; else the course's."""
    told = bounded_json(words, MAX_TOLD) if isinstance(words, str) else None
    if not isinstance(told, dict) or told.keys() != asdict(COURSE).keys():
        return COURSE
    settings = Settings(**told)
    return settings if settings.known else COURSE


def _remarks(words: Any) -> tuple[str, ...]:
    """What it says is odd about the object, as far as that is said in our words."""
    told = bounded_json(words, MAX_TOLD) if isinstance(words, str) else None
    listed = told[:4] if isinstance(told, list) else []
    return tuple(word for word in listed if isinstance(word, str) and REMARK.fullmatch(word))


def _notes(words: Any) -> list[Note]:
    """What it says the operations of the first run gave."""
    told = bounded_json(words, MAX_NOTE_VALUES) if isinstance(words, str) else {"lines": [], "notes": []}
    lines, notes = (told.get("lines"), told.get("notes")) if isinstance(told, dict) else (None, None)
    if not isinstance(lines, list) or not isinstance(notes, list) or max(len(lines), len(notes)) > MAX_NOTES:
        raise _Bad("its notes are damaged")
    if not all(isinstance(line, str) for line in lines):
        raise _Bad("its notes are damaged")
    lines = [one_line(line, LINE_LIMIT) for line in lines]
    return [_one_note(note, lines) for note in notes]


def _one_note(words: Any, lines: list[str]) -> Note:
    if not isinstance(words, list) or len(words) != 3 or not isinstance(words[1], list):
        raise _Bad("its notes are damaged")
    shape, numbers, line = words
    real = all(type(number) in (int, float) and abs(number) < LARGEST_NUMBER for number in numbers)
    if len(numbers) != NUMBERS_NOTED or not real or type(line) is not int or not 0 <= line < len(lines):
        raise _Bad("its notes are damaged")
    return Note(_shape(shape), tuple(map(float, numbers)), lines[line])


def _case(words: Any, arrays: dict[str, np.ndarray], asked: CasePaper, first: bool) -> CaseAnswer:
    if not isinstance(words, dict):
        raise _Bad("a case is damaged")
    if "error" in words:
        return CaseAnswer(error=_error(words["error"]))
    weights, runs = words.get("weights"), words.get("runs")
    if not isinstance(weights, list) or len(weights) > MAX_WEIGHTS or not isinstance(runs, dict):
        raise _Bad("a case is damaged")
    if len(runs) > MAX_RUNS or not all(RUN.fullmatch(run) for run in runs):
        raise _Bad("it has runs that no one asked for")
    case = CaseAnswer(weights=[_weight(weight) for weight in weights])
    case.runs = {run: _outputs(outputs, arrays) for run, outputs in runs.items()}
    _check_runs(case, traced=first and asked.kind != "function")
    return case


def _check_runs(case: CaseAnswer, traced: bool) -> None:
    """Marking looks the runs up by name, so all that a sitting makes must be there."""
    needed = {BASE}
    if case.traced or (traced and case.weights):
        sizes = [weight.size for weight in case.weights]
        needed |= {f"single.{index}" for index in range(len(sizes))}
        needed |= {f"size.{size}" for size in set(sizes) if sizes.count(size) > 1}
    if not needed <= case.runs.keys():
        raise _Bad("runs are missing from it")


def _error(words: Any) -> LearnerError:
    if not isinstance(words, list) or len(words) not in (4, 6) or not all(isinstance(word, str) for word in words[:4]):
        raise _Bad("an error on it is damaged")
    stage, kind, message, line = words[:4]
    if stage not in STAGES:
        raise _Bad("an error on it is damaged")
    kind = kind if re.fullmatch(r"\w{1,80}", kind) else "Error"
    calls, below = (_calls(words[4]), words[5] is True) if len(words) == 6 else ((), False)
    # One line each: a verdict has lines of its own ("Cause: ..."), and theirs must not look like them.
    return LearnerError(stage, kind, one_line(message, MAX_MESSAGE), one_line(line, LINE_LIMIT), calls, below)


def _calls(words: Any) -> tuple[tuple[str, str], ...]:
    pairs = isinstance(words, list) and len(words) <= MAX_CALLS and all(isinstance(pair, list) for pair in words)
    if not pairs or not all(len(pair) == 2 and all(isinstance(word, str) for word in pair) for pair in words):
        raise _Bad("an error on it is damaged")
    return tuple(
        (function if FUNCTION.fullmatch(function) else "", one_line(line, LINE_LIMIT)) for function, line in words
    )


def _weight(words: Any) -> Weight:
    if not isinstance(words, list) or len(words) != 2 or not isinstance(words[0], str):
        raise _Bad("a weight on it is damaged")
    path = one_line(words[0], MAX_PATH).replace("`", "'")  # messages set it between backticks
    return Weight(path, _shape(words[1]))


def _shape(words: Any) -> tuple[int, ...]:
    whole = isinstance(words, list) and len(words) <= MAX_AXES and all(type(n) is int and n >= 0 for n in words)
    if not whole or math.prod(max(n, 1) for n in words) > MAX_SIZE:
        raise _Bad("a shape on it is damaged")
    return tuple(words)


def _outputs(words: Any, arrays: dict[str, np.ndarray]) -> list[np.ndarray]:
    if not isinstance(words, list) or len(words) > MAX_ARRAYS:
        raise _Bad("a run is damaged")
    return [_output(word, arrays) for word in words]


def _output(word: Any, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """The array that a key stands for, each once; for a dtype that is never right, a stand-in of its shape."""
    if isinstance(word, str) and word in arrays:
        array = arrays.pop(word)
        if array.dtype.name not in STORED or array.ndim > MAX_AXES:
            raise _Bad("an array on it has a dtype that is not written")
        return array
    if not isinstance(word, dict) or not isinstance(word.get("dtype"), str):
        raise _Bad("an array is missing from it")
    one = np.zeros((), ONLY_NAMED.get(word["dtype"], np.dtype(object)))
    return np.broadcast_to(one, _shape(word.get("shape")))
