"""Writes an answer sheet: one file that holds what a learner's object gave on one paper.

The arrays lie in it as safetensors; the words (paths of weights, errors) as JSON in its header. Marking reads it with
`autograder.exam.sheet_reader`, which trusts nothing in it.
"""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from autograder.sitting.paper import Answer, CaseAnswer, LearnerError, Note

FORMAT = "answer-sheet-1"
MAX_SHEET_BYTES = 64_000_000  # of arrays; the outputs of a right answer at full size take some megabytes
MAX_WEIGHTS = 2_000  # of one layer; the whole UNet has 686
MAX_RUNS = 4_200  # one a weight, one a size, and some
MAX_ARRAYS = 20_000
# Of other dtypes, which are never right, only the name and shape are written down.
STORED = {"bool", "float16", "float32", "float64"} | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}


def write_sheet(path: Path, answer: Answer) -> None:
    """Writes `answer` to `path` in one step: the file is there whole or not at all.

    A case whose outputs are more than marking would read becomes an error of the learner's.
    """
    arrays: dict[str, np.ndarray] = {}
    cases = [_case(index, case, arrays) for index, case in enumerate(answer.cases)]
    header = {"format": FORMAT, "question": answer.question, "cases": json.dumps(cases, ensure_ascii=True)}
    header["settings"] = json.dumps(asdict(answer.settings))
    header["remarks"] = json.dumps(answer.remarks)
    header["notes"] = json.dumps(_notes(answer.cases[0].notes if answer.cases else []), ensure_ascii=True)
    path = Path(path)
    part = path.with_name(path.name + ".part")
    part.write_bytes(save(arrays, metadata=header))
    os.replace(part, path)  # noqa: PTH105 - the same, and one import less to be tampered with


def _notes(notes: list[Note]) -> dict[str, Any]:
    """Notes as plain numbers, each with the number of its line."""
    lines = list(dict.fromkeys(note.line for note in notes))
    numbers = {line: number for number, line in enumerate(lines)}
    return {
        "lines": lines,
        "notes": [[[int(n) for n in note.shape], list(note.numbers), numbers[note.line]] for note in notes],
    }


def _case(index: int, case: CaseAnswer, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    error = case.error or _too_much(case, arrays)
    if error is not None:
        calls = [list(call) for call in error.calls]
        return {"error": [error.stage, error.kind, error.message, error.line, calls, error.below]}
    return {
        "weights": [[weight.path, [int(n) for n in weight.shape]] for weight in case.weights],
        "runs": {
            run: [_output(f"{index}/{run}/{i}", o, arrays) for i, o in enumerate(case.runs[run])] for run in case.runs
        },
    }


def _output(key: str, output: np.ndarray, arrays: dict[str, np.ndarray]) -> Any:
    """Stores an array under `key`, which stands for it; of an array that cannot be stored, its dtype and shape."""
    if output.dtype.name not in STORED:
        return {"dtype": output.dtype.name, "shape": [int(n) for n in output.shape]}
    arrays[key] = np.ascontiguousarray(output).reshape(output.shape).astype(output.dtype.newbyteorder("="))
    return key


def _too_much(case: CaseAnswer, arrays: dict[str, np.ndarray]) -> LearnerError | None:
    size = sum(array.nbytes for array in arrays.values())
    size += sum(output.nbytes for outputs in case.runs.values() for output in outputs)
    count = len(arrays) + sum(len(outputs) for outputs in case.runs.values())
    if size > MAX_SHEET_BYTES or count > MAX_ARRAYS:
        message = f"{count:,} outputs of {size / 1e6:,.0f} MB in all were returned, far more than expected"
        return LearnerError("output", "TooLarge", message)
    if len(case.weights) > MAX_WEIGHTS or len(case.runs) > MAX_RUNS:
        return LearnerError("weights", "TooMany", f"the layer has {len(case.weights):,} weights, far more than needed")
    return None
