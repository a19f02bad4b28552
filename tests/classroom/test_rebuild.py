"""Intake: of a submission only the learner's text gets through, wherever it was found, and nothing raises."""

import copy
import json
from pathlib import Path

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.classroom.intake import Unusable
from autograder.classroom.notebook_reader import MAX_SOURCE
from autograder.classroom.rebuild import Rebuilt, rebuild
from autograder.classroom.sample_class import answers, hand_in

ROOT = Path(__file__).resolve().parents[2]
NAME = "03-resblock"
RELEASED = (ROOT / "exercises" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8")
ANSWERS = answers("ada")
SUBMITTED = hand_in(RELEASED, ANSWERS)
BROADCAST, BLOCK = "answer-broadcast-embedding", "answer-resblock-same"


def changed(change) -> bytes:
    """The right submission, after `change` has worked on it."""
    notebook = nbformat.reads(SUBMITTED, as_version=4)
    change(notebook)
    return json.dumps(notebook).encode()


def done(content: bytes) -> Rebuilt:
    result = rebuild(content, RELEASED)
    assert isinstance(result, Rebuilt), result
    nbformat.validate(result.notebook)
    return result


def by_id(notebook: nbformat.NotebookNode) -> dict[str, nbformat.NotebookNode]:
    return {cell.id: cell for cell in notebook.cells}


def code(notebook: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def graded(notebook: nbformat.NotebookNode) -> list[dict]:
    return [cell.metadata.nbgrader for cell in notebook.cells if "nbgrader" in cell.metadata]


def test_rebuild_of_an_untampered_submission_changes_nothing():
    result = done(SUBMITTED.encode())
    assert result.warnings == []
    assert nbformat.writes(result.notebook) == nbformat.writes(nbformat.reads(SUBMITTED, as_version=4))


def lose_ids(notebook):
    for number, cell in enumerate(notebook.cells):
        cell.metadata, cell.id = {}, f"other-{number}"


def move_cells(notebook):
    notebook.cells.reverse()


def old_format(notebook):
    notebook.nbformat, notebook.nbformat_minor = 3, 0
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell["input"] = cell.pop("source")
    notebook["worksheets"] = [{"cells": notebook.pop("cells"), "metadata": {}}]


def foreign_kernel(notebook):
    notebook.metadata = {"kernelspec": {"name": "bash", "display_name": "Bash", "language": "bash"}, "widgets": {}}


def delete_checks(notebook):
    notebook.cells = [cell for cell in notebook.cells if not cell.metadata.get("nbgrader", {}).get("grade")]


def edit_checks(notebook):
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("locked"):
            cell.source = "pass"


def tag_all(notebook):
    for cell in notebook.cells:
        cell.metadata.update(
            tags=["skip-execution", "raises-exception", "remove-cell"], jupyter={"source_hidden": True}
        )
        cell.metadata.setdefault("nbgrader", {}).update(points=1000, solution=True, locked=False, schema_version=99)


def answers_as_text(notebook):
    for cell in notebook.cells:
        if cell.id in ANSWERS:
            cell.cell_type = "markdown"
            del cell["outputs"], cell["execution_count"]


def sources_as_lists(notebook):
    for cell in notebook.cells:
        cell.source = [*cell.source.splitlines(keepends=True), 7, None]


def many_outputs(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [
                {"output_type": "display_data", "data": {"text/html": "<script>1</script>"}, "metadata": {}}
            ]


TRICKS = (
    lose_ids,
    move_cells,
    old_format,
    foreign_kernel,
    delete_checks,
    edit_checks,
    tag_all,
    answers_as_text,
    sources_as_lists,
    many_outputs,
)


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.__name__)
def test_rebuild_undoes_a_trick(trick):
    """Cells, order, metadata and kernel are the release's again, and the answers are in their places."""
    result, right = done(changed(trick)), nbformat.reads(SUBMITTED, as_version=4)
    kept = [cell for cell in result.notebook.cells if not cell.id.startswith("added-")]
    assert [(c.id, c.cell_type, c.source, c.metadata) for c in kept] == [
        (c.id, c.cell_type, c.source, c.metadata) for c in right.cells
    ]
    assert result.notebook.metadata == right.metadata
    assert all(cell.get("outputs", []) == [] for cell in result.notebook.cells)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_rebuild_reads_other_encodings(encoding: str):
    text = SUBMITTED.replace("·", "-").replace("…", "...").replace(" swish", " Größe")
    content = "".join(letter if ord(letter) < 256 else "?" for letter in text).encode(encoding)
    result = done(content)
    assert by_id(result.notebook)[BLOCK].source == ANSWERS[BLOCK].strip()
    assert bool(result.warnings) == (encoding != "utf-8-sig")


def test_rebuild_runs_added_cells_at_their_place_without_points():
    def add(notebook):
        place = [cell.id for cell in notebook.cells].index(BLOCK)
        mine = nbformat.v4.new_code_cell("helper = 1", metadata={"nbgrader": {"grade_id": "mine", "points": 90}})
        mine.metadata.nbgrader.update(grade=True, locked=True, solution=False, schema_version=3)
        notebook.cells.insert(place, mine)
        notebook.cells.insert(0, nbformat.v4.new_code_cell("first = 1"))
        notebook.cells.append(nbformat.v4.new_code_cell("last = 1"))

    result = done(changed(add))
    sources = code(result.notebook)
    assert sources[0] == "first = 1"
    assert sources[-1] == "last = 1"
    assert sources.index("helper = 1") == sources.index(ANSWERS[BLOCK].strip()) - 1
    assert [cell.metadata for cell in result.notebook.cells if cell.id.startswith("added-")] == [{}, {}, {}]
    assert graded(result.notebook) == graded(nbformat.reads(RELEASED, as_version=4))


def test_rebuild_takes_the_written_one_of_two_copies_and_runs_both_in_order():
    def twice(notebook):
        place = [cell.id for cell in notebook.cells].index(BLOCK)
        copied = copy.deepcopy(notebook.cells[place])
        copied.source, copied.id = "class ResBlock: first = True", "copy"
        notebook.cells.insert(place, copied)

    result = done(changed(twice))
    sources = code(result.notebook)
    assert by_id(result.notebook)[BLOCK].source == ANSWERS[BLOCK].strip()
    assert sources.index("class ResBlock: first = True") < sources.index(ANSWERS[BLOCK].strip())
    assert any("2 times" in warning for warning in result.warnings)


def test_rebuild_prefers_a_written_copy_over_a_later_stub():
    def stub_below(notebook):
        stub = nbformat.reads(RELEASED, as_version=4)
        notebook.cells.append(by_id(stub)[BLOCK])

    result = done(changed(stub_below))
    assert by_id(result.notebook)[BLOCK].source == ANSWERS[BLOCK].strip()
    assert sum("class ResBlock" in source for source in code(result.notebook)) == 1


def test_rebuild_finds_an_answer_by_position_where_no_name_tells():
    def rewrite(notebook):
        lose_ids(notebook)
        for cell in notebook.cells:
            if cell.source == ANSWERS[BROADCAST].strip():
                cell.source = "exec('def broadcast_embedding(e): return e[:, None, None]')"

    result = done(changed(rewrite))
    assert "exec(" in by_id(result.notebook)[BROADCAST].source
    assert any(BROADCAST in warning for warning in result.warnings)


def test_rebuild_keeps_the_stub_of_a_deleted_answer_and_says_so():
    def delete(notebook):
        notebook.cells = [cell for cell in notebook.cells if cell.id != BROADCAST]

    result = done(changed(delete))
    released = by_id(nbformat.reads(RELEASED, as_version=4))
    assert by_id(result.notebook)[BROADCAST].source == released[BROADCAST].source
    assert result.warnings == [f"the cell {BROADCAST} is missing"]


def test_rebuild_runs_what_was_added_to_the_setup_after_the_released_one():
    def edit(notebook):
        by_id(notebook)["setup"].source += "\nimport math"

    sources = code(done(changed(edit)).notebook)
    assert sources[0] == by_id(nbformat.reads(RELEASED, as_version=4))["setup"].source
    assert sources[1].endswith("import math")


def test_rebuild_leaves_out_a_cell_too_long_to_show():
    result = done(changed(lambda n: n.cells.append(nbformat.v4.new_code_cell("x" * (MAX_SOURCE + 1)))))
    assert all(len(source) <= MAX_SOURCE for source in code(result.notebook))
    assert any("left out" in warning for warning in result.warnings)


UNREADABLE = {
    "empty": b"",
    "spaces": b" \n ",
    "broken": SUBMITTED[: len(SUBMITTED) // 2].encode(),
    "deep": b'{"cells": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "number": b'{"cells": [' + b"9" * 10_000 + b"]}",
    "list": b"[1, 2]",
    "no cells": b'{"cells": []}',
    "cells of another kind": b'{"cells": [1, null, "x"]}',
    "cells no list": b'{"cells": {"a": 1}}',
    "sheets": b'{"worksheets": [1, {"cells": 2}]}',
    "binary": bytes(range(256)) * 20,
    "many brackets": b'{"cells": [' + b"[]," * 2_000_001 + b"[]]}",
    "nan": b"NaN",
    "zip": b"PK\x03\x04" + b"\0" * 100,
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_rebuild_gives_a_reason_for_what_is_no_notebook(content: bytes):
    result = rebuild(content, RELEASED, "mine.ipynb")
    assert isinstance(result, Unusable)
    assert result.status == "unreadable"
    assert result.reason.startswith("mine.ipynb ")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
grade_ids = st.sampled_from(["setup", BROADCAST, BLOCK, "resblock-same", "explain", "other"]) | json_values
cells = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw", "heading"]) | json_values,
        "id": st.sampled_from(["setup", BLOCK, "cell-01"]) | json_values,
        "source": st.text(max_size=80) | st.lists(st.text(max_size=20) | json_values, max_size=3) | json_values,
        "metadata": st.fixed_dictionaries({"nbgrader": st.fixed_dictionaries({"grade_id": grade_ids})}) | json_values,
        "attachments": json_values,
        "outputs": json_values,
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(cells | json_values, max_size=6), st.randoms(use_true_random=False))
def test_rebuild_of_any_json_keeps_the_released_cells(drawn, random):
    """Whatever the cells are, the graded cells come out as released, in order, but for the text of the answers."""
    mixed = [json.loads(json.dumps(cell)) for cell in nbformat.reads(SUBMITTED, as_version=4).cells] + drawn
    random.shuffle(mixed)
    result = done(json.dumps({"cells": mixed, "nbformat": 4}).encode())
    released = nbformat.reads(RELEASED, as_version=4)
    assert graded(result.notebook) == graded(released)
    kept = [cell for cell in result.notebook.cells if not cell.id.startswith("added-")]
    for cell, original in zip(kept, released.cells, strict=True):
        mine = original.id.startswith(("answer-", "explain"))
        assert cell.source == original.source or mine
        assert cell.cell_type == original.cell_type


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_rebuild_of_any_bytes_ends_with_a_result(content: bytes):
    assert isinstance(rebuild(content, RELEASED), Rebuilt | Unusable)
