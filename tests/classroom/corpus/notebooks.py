"""Tricks with the notebook itself: flags, tags, order, copies, formats."""

import json

import nbformat

from tests.classroom.corpus.submission import AXES, CONV, RIGHT, STEP, Submission

CHECKS = ("broadcast-embedding", "denoise-step", "padded-conv")
HONEST = {STEP: RIGHT[STEP]}


def each_check(edit):
    def change(notebook):
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("grade_id") in CHECKS:
                edit(cell)

    return change


def each_cell(edit):
    return lambda notebook: [edit(cell) for cell in notebook.cells]


def insert(source, place=-1, **metadata):
    def change(notebook):
        place_now = place if place >= 0 else len(notebook.cells)
        notebook.cells.insert(place_now, nbformat.v4.new_code_cell(source, metadata=metadata))

    return change


def grade_cell(**settings):
    return {"grade": True, "locked": True, "solution": False, "schema_version": 3, "points": 100, **settings}


def set_source(text):
    def edit(cell):
        cell.source = text

    return edit


def passed_output(cell):
    cell.outputs = [nbformat.v4.new_output("execute_result", data={"text/plain": "100"}, execution_count=1)]


def without(*ids):
    def change(notebook):
        notebook.cells = [cell for cell in notebook.cells if cell.id not in ids]

    return change


def copy_of(grade_id, source):
    """A second cell with the metadata of one of the release's."""

    def change(notebook):
        original = next(cell for cell in notebook.cells if cell.id == grade_id)
        copied = nbformat.from_dict(json.loads(json.dumps(original)))
        copied.source, copied.id = source, "a-copy"
        notebook.cells.append(copied)

    return change


def swap_ids(notebook):
    """The check's id on the answer's cell and the other way round."""
    answer, check = (next(cell for cell in notebook.cells if cell.id == i) for i in (AXES, CHECKS[0]))
    answer.metadata.nbgrader.grade_id, check.metadata.nbgrader.grade_id = CHECKS[0], AXES


def unlock(cell):
    if "nbgrader" in cell.metadata:
        cell.metadata.nbgrader.update(locked=False, solution=True, grade=True, points=100)


def loud_cell(number):
    return nbformat.v4.new_code_cell(f"for n in range(499): print({number}, 'x' * 100)")


def lose_ids(notebook):
    for number, cell in enumerate(notebook.cells):
        cell.metadata, cell.id = {}, f"x-{number}"


def replace_setup(source):
    def change(notebook):
        next(cell for cell in notebook.cells if cell.id == "setup").source = source

    return change


def padded(count, source):
    """Cells of the most characters that one may have."""
    return lambda notebook: notebook.cells.extend(nbformat.v4.new_code_cell(source) for _ in range(count))


def turn(kind):
    def change(notebook):
        for cell in notebook.cells:
            if cell.id in (AXES, STEP, CONV):
                cell.cell_type = kind
                del cell["outputs"], cell["execution_count"]

    return change


def old_format(path):
    notebook = nbformat.convert(nbformat.reads(path.read_text(), as_version=4), 3)
    path.write_text(nbformat.writes(notebook, version=3))


def recode(encoding):
    return lambda path: path.write_bytes(path.read_text().encode(encoding))


def text_instead(content):
    return lambda path: path.write_bytes(content)


def edit_json(edit):
    def place(path):
        notebook = json.loads(path.read_text())
        edit(notebook)
        path.write_text(json.dumps(notebook))

    return place


def trick(student, change=None, earns=3, answers=HONEST, **options):
    return Submission(student, earns, answers, change, **options)


def no_notebook(student, place, status="unreadable"):
    return Submission(student, 0, RIGHT, place=place, status=(status,))


SUBMISSIONS = [
    trick("tag-skip-execution", each_check(lambda cell: cell.metadata.update(tags=["skip-execution"]))),
    trick("tag-raises-exception", each_cell(lambda cell: cell.metadata.update(tags=["raises-exception"]))),
    trick("tag-removed", each_cell(lambda cell: cell.metadata.update(tags=["remove-cell", "hide-input"]))),
    trick("check-pass", each_check(set_source("pass"))),
    trick("check-value", each_check(set_source("100"))),
    trick("check-empty", each_check(set_source(""))),
    trick("check-exit", each_check(set_source("import os; os._exit(0)"))),
    trick("check-of-the-right-one", each_check(set_source('check("denoise-step", denoise_step)'))),
    trick("check-output-kept", each_check(passed_output)),
    trick("checks-deleted", without(*CHECKS), earns=3),
    trick("check-as-text", each_check(lambda cell: cell.update(cell_type="raw"))),
    trick("check-points", each_check(lambda cell: cell.metadata.nbgrader.update(points=1000))),
    trick("check-negative-points", each_check(lambda cell: cell.metadata.nbgrader.update(points=-1))),
    trick("check-unlocked", each_cell(unlock)),
    trick("check-frozen", each_cell(lambda cell: cell.metadata.update(editable=False, run_control={"frozen": True}))),
    trick("check-copy", copy_of(CHECKS[0], "1 + 1")),
    trick("check-with-another-id", insert("1 + 1", nbgrader=grade_cell(grade_id="bonus"))),
    trick("answer-copy", copy_of(AXES, RIGHT[AXES]), earns=5),
    trick("answer-of-two-copies", copy_of(STEP, "def denoise_step(*x): return 1"), earns=3, less=True),
    trick("ids-swapped", swap_ids),
    trick("ids-lost", lose_ids, earns=10, answers=RIGHT),
    trick("order-reversed", lambda notebook: notebook.cells.reverse(), earns=10, answers=RIGHT),
    trick("answers-as-markdown", turn("markdown"), earns=10, answers=RIGHT),
    trick("answers-as-raw", turn("raw"), earns=10, answers=RIGHT),
    trick("own-cells", insert("helper = 1", 3), earns=10, answers=RIGHT),
    trick("own-cells-in-front", insert("raise SystemExit", 0), earns=10, answers=RIGHT),
    trick("own-checks", insert("check('padded-conv', 3)\ncheck('no-such', 3)", 4), earns=10, answers=RIGHT),
    trick("setup-of-a-deep-expression", replace_setup("os" + ".a" * 2_400 + "()"), earns=10, answers=RIGHT),
    trick("setup-of-many-names", replace_setup("import os as a" + ",os as b" * 600), earns=10, answers=RIGHT),
    trick("cells-of-blanks", padded(110, "a" + " " * 199_000), earns=10, answers=RIGHT, says="no room"),
    trick("magic-cells", insert("%%html\n<script>alert(1)</script>", 2), earns=10, answers=RIGHT),
    trick("kernel-of-another-language", lambda n: n.metadata.update(kernelspec={"name": "bash"}), 10, RIGHT),
    trick("kernel-that-is-a-command", lambda n: n.metadata.update(kernelspec={"name": "../../x"}), 10, RIGHT),
    trick("metadata-of-autograder", lambda n: n.metadata.update(autograder={"status": "graded", "score": 10})),
    trick("metadata-no-object", place=edit_json(lambda n: [c.update(metadata=[1]) for c in n["cells"]]), less=True),
    trick("metadata-huge", lambda n: n.metadata.update(x={str(i): "y" * 100 for i in range(10_000)}), 10, RIGHT),
    trick("ids-no-text", place=edit_json(lambda n: [c.update(id=7) for c in n["cells"]]), earns=10, answers=RIGHT),
    trick("outputs-no-list", place=edit_json(lambda n: [c.update(outputs="x") for c in n["cells"]])),
    trick("format-3", place=old_format, earns=10, answers=RIGHT),
    trick("format-99", place=edit_json(lambda n: n.update(nbformat=99)), earns=10, answers=RIGHT),
    trick(
        "format-no-number",
        place=edit_json(lambda n: n.update(nbformat="x", nbformat_minor=None)),
        earns=10,
        answers=RIGHT,
    ),
    trick("encoding-utf-16", place=recode("utf-16"), earns=10, answers=RIGHT, says="utf-16"),
    trick("encoding-utf-8-bom", place=recode("utf-8-sig"), earns=10, answers=RIGHT),
    trick("encoding-latin-1", insert("# Größe", 3), earns=10, answers=RIGHT, place=recode("latin-1")),
    trick("surrogates", place=edit_json(lambda n: n["cells"][2].update(source="x = '\ud800'")), less=True),
    trick("control-characters", insert("print('\x01\x1b[2J\x08')", 3), earns=10, answers=RIGHT),
    trick("nan-in-the-json", place=edit_json(lambda n: n.update(metadata={"x": float("nan")})), earns=3),
    trick("ten-thousand-cells", lambda n: n.cells.extend(nbformat.v4.new_code_cell("1") for _ in range(10_000)), 3),
    trick("hundreds-of-loud-cells", lambda n: n.cells.extend(loud_cell(i) for i in range(400)), 10, RIGHT),
    no_notebook("json-cut", lambda path: path.write_text(path.read_text()[:3000])),
    no_notebook("json-deep", text_instead(b'{"cells": ' + b"[" * 100_000)),
    no_notebook("json-list", text_instead(b"[]")),
    no_notebook("json-no-cells", text_instead(b'{"cells": []}')),
    no_notebook("json-brackets", text_instead(b'{"cells": [' + b"[]," * 3_000_000 + b"[]]}")),
    no_notebook("bytes-random", text_instead(bytes(range(256)) * 100)),
    no_notebook("bytes-none", text_instead(b"")),
]
