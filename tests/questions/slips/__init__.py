"""Wrong answers made of the course's own solutions, by a substitution in their source. Nothing of a base is used.

A file's table `[cells]` has answer cells that take the place of the solution's own, where slips need another form of
it; `test_slips` tests that they are right.
"""

import math
import tomllib
from functools import cache
from pathlib import Path

import keras
import numpy as np
from keras import ops

FOLDER = Path(__file__).parent
SOLUTIONS = FOLDER.parents[2] / "solutions"


@cache
def solution_cells(exercise):
    """The text of the answer cells, by `answer-<question>`, and of the one that fetches stand-ins, in order."""
    cells = {}
    for cell in (SOLUTIONS / exercise / f"{exercise}.py").read_text(encoding="utf-8").split("\n# %% ")[1:]:
        head, _, source = cell.partition("\n")
        grade_id = head.partition('"grade_id": "')[2].partition('"')[0]
        if grade_id.startswith("answer-") or grade_id == "setup-stand-in":
            cells[grade_id] = source
    return cells


@cache
def slips_file(exercise):
    path = FOLDER / f"{exercise}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


@cache
def family_sources():
    return tomllib.loads((FOLDER / "families.toml").read_text(encoding="utf-8"))


def slips_of(question):
    """All slips of a question: pairs of a mistake's id and a slip (a list old, new, ..., or the answer's source)."""
    file = slips_file(question.exercise)
    own = {}
    for questions, table in file.items():
        if question.id in questions.split():
            own |= table
    found = [(name.partition("#")[0], slip) for name, slip in own.items()]
    written = {name for name, _ in found}
    for mistake in question.mistakes:
        change = mistake.answer
        if mistake.id not in written and getattr(change, "family", "") and change.subject in file.get("families", {}):
            found += [(mistake.id, slip) for slip in _family_slips(change, file["families"][change.subject])]
    return found


def _family_slips(change, place):
    kind = change.family.partition(".")[2]
    sources = place.get(kind, family_sources()[place["family"]].get(kind, []))
    for source in [sources] if isinstance(sources, str) else sources:
        filled = source.replace("{width}", place.get("width", ""))
        yield [part.replace("{}", filled) for part in place["slip"]]


def answer_with(question, slip):
    """The solution's object with a slip in it."""
    namespace = {"math": math, "keras": keras, "np": np, "ops": ops}
    cells = solution_cells(question.exercise) | slips_file(question.exercise).get("cells", {})
    if isinstance(slip, str):
        cells["by hand"] = slip
    else:
        for old, new in zip(slip[::2], slip[1::2], strict=True):
            assert any(old in source for source in cells.values()), f"{old!r} is not in the solution"
            cells = {name: source.replace(old, new) for name, source in cells.items()}
    for name, source in cells.items():
        exec(compile(source, f"<{name}>", "exec"), namespace)
    return namespace[question.name]
