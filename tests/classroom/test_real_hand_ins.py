"""What people really hand in: scratch copies, stray bytes, pasted pictures, names of many scripts."""

import base64
import io
import json

import nbformat
import pytest
from PIL import Image

from autograder.classroom.intake import strange_id
from autograder.classroom.safe_markdown import MAX_ATTACHMENTS, MAX_MARKDOWN
from tests.classroom.test_rebuild import ANSWERS, BLOCK, BROADCAST, SUBMITTED, by_id, changed, code, done

RIGHT = ANSWERS[BLOCK].strip()
SCRATCH = "class ResBlock:\n    scratch = True"


def place_of(notebook: nbformat.NotebookNode, cell_id: str) -> int:
    return [cell.id for cell in notebook.cells].index(cell_id)


def scratch_at(notebook: nbformat.NotebookNode, place: int, with_ids: bool) -> None:
    metadata = by_id(notebook)[BLOCK].metadata if with_ids else {}
    notebook.cells.insert(place, nbformat.v4.new_code_cell(SCRATCH, metadata=metadata, id="scratch"))


@pytest.mark.parametrize("with_ids", [True, False])
@pytest.mark.parametrize("below", ["resblock-project", "draw"])
def test_a_copy_below_the_checks_does_not_replace_the_answer(below: str, with_ids: bool):
    result = done(changed(lambda n: scratch_at(n, place_of(n, below) + 1, with_ids)))
    sources = code(result.notebook)
    assert by_id(result.notebook)[BLOCK].source == RIGHT
    assert sources.index(SCRATCH) > sources.index('check("resblock-project", ResBlock)')


def test_a_copy_below_the_checks_does_not_replace_an_answer_whose_ids_were_lost():
    def lose(notebook):
        scratch_at(notebook, len(notebook.cells), True)
        for number, cell in enumerate(notebook.cells):
            cell.metadata, cell.id = {}, f"other-{number}"

    assert by_id(done(changed(lose)).notebook)[BLOCK].source == RIGHT


def test_an_answer_without_ids_counts_where_only_the_copy_below_the_check_kept_them():
    def swap(notebook):
        scratch_at(notebook, len(notebook.cells), True)
        answer = notebook.cells[place_of(notebook, BLOCK)]
        answer.metadata, answer.id = {}, "mine"

    assert by_id(done(changed(swap)).notebook)[BLOCK].source == RIGHT


def test_the_last_copy_before_the_check_counts():
    def correct(notebook):
        place = place_of(notebook, BLOCK)
        scratch_at(notebook, place, True)

    assert by_id(done(changed(correct)).notebook)[BLOCK].source == RIGHT


@pytest.mark.parametrize("stray", [b"\xe9", b"\xff", b"\x80", b"\xce"])
def test_one_stray_byte_leaves_every_other_letter_as_it_was(stray: bytes):
    greek = RIGHT.replace("output_dim", "\N{GREEK SMALL LETTER ALPHA}_out")
    notebook = nbformat.reads(SUBMITTED, as_version=4)
    by_id(notebook)[BLOCK].source = greek
    notebook.cells.insert(1, nbformat.v4.new_code_cell("# here: STRAY"))
    content = json.dumps(notebook, ensure_ascii=False).encode().replace(b"STRAY", stray)
    result = done(content)
    assert by_id(result.notebook)[BLOCK].source == greek
    assert result.warnings


@pytest.mark.parametrize("tail", ["}", "\n<<<<<<< HEAD\n", SUBMITTED[-300:]])
def test_text_behind_the_closing_brace_is_left_out_with_a_warning(tail: str):
    result = done((SUBMITTED + tail).encode())
    assert by_id(result.notebook)[BROADCAST].source == ANSWERS[BROADCAST].strip()
    assert any("brace" in warning for warning in result.warnings)


def pasted(kind: str = "png") -> str:
    buffer = io.BytesIO()
    Image.effect_noise((200, 200), 90).save(buffer, kind)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def explained(text: str) -> nbformat.NotebookNode:
    return by_id(done(changed(lambda n: by_id(n)["explain"].update(source=text))).notebook)["explain"]


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_a_pasted_picture_stays_and_so_does_the_text_behind_it(kind: str):
    cell = explained(f"Before.\n\n![image]({pasted(kind)})\n\nAfter " + "words " * 300 + "the end.")
    assert cell.source.startswith("Before.")
    assert cell.source.endswith("the end.")
    assert len(cell.attachments) == 1
    assert f"](attachment:{next(iter(cell.attachments))})" in cell.source


@pytest.mark.parametrize("form", ["![x]({})", '<img src="{}">', "[x]: <{}>", "[x]({})"])
def test_no_data_uri_is_left_in_a_written_answer(form: str):
    uri = "data:image/svg+xml;base64," + base64.b64encode(b"<svg onload=alert(1)>" * 2000).decode()
    cell = explained("Before. " + form.format(uri) + " The end.")
    assert "base64" not in cell.source
    assert "attachments" not in cell
    assert cell.source.endswith("The end.")
    assert len(cell.source) < MAX_MARKDOWN


def test_a_pasted_picture_may_be_longer_than_a_cell():
    cell = explained("Before. ![x](data:image/png;base64," + "A" * 300_000 + ") The end.")
    assert cell.source.endswith("The end.")


def test_no_more_pictures_stay_than_may_be_attached():
    cell = explained(f"![x]({pasted()}) " * (MAX_ATTACHMENTS + 3))
    assert len(cell.attachments) == MAX_ATTACHMENTS


@pytest.mark.parametrize(
    "tex", [r"\widehat{x}", r"\overset{a}{b}", r"a \ll b \implies c", r"\displaystyle\sum", r"\tbinom"]
)
def test_common_tex_is_typeset(tex: str):
    assert tex in explained(f"${tex}$").source


@pytest.mark.parametrize(
    "student",
    [
        "Jose\u0301",
        "O\u2019Brien",
        "Gal\u00b7la",
        "\u0905\u0928\u093f\u0932",
        "ada+unet@example.org",
        "\u0e2a\u0e21\u0e28\u0e23\u0e35",
    ],
)
def test_a_name_of_any_script_is_a_student_id(student: str):
    assert strange_id(student) is None


@pytest.mark.parametrize(
    ("student", "said"), [("a<b", "U+003C"), ("mei\x1b[2J", "U+001B"), ("a\u202eb", "U+202E"), ("m\udce9i", "UTF-8")]
)
def test_the_reason_for_a_strange_id_names_the_character_and_is_harmless(student: str, said: str):
    reason = strange_id(student)
    assert said in (reason or "")
    assert (reason or "").isprintable()
