"""What `autograder similar` reads of a class, and how it shows it: on the terminal, and as a page by itself."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from nbformat import NotebookNode

from autograder.check_cells import is_answer, is_marked, settings_of
from autograder.classroom.course import Course, CourseError
from autograder.classroom.rebuild import Rebuilt, rebuild_submission
from autograder.classroom.similar import Pair, similar
from autograder.exam.sanitise import one_line, plain_text
from autograder.notebooks import release, source_notebook

if TYPE_CHECKING:
    from rich.console import RenderableType

LEAST, SHARE, MOST = 3, 0.1, 12  # what this share of a class writes is what many write, within these bounds
MAX_TEXT = 400_000  # characters of a submission
SHOWN_PAIRS, SHOWN_LINES = 5, 30  # on the terminal; the page has all


@dataclass(frozen=True)
class Similarity:
    """What was found in a class.

    Args:
        assignment: the exercise.
        texts: what each student wrote.
        most: how many students may write what still counts.
        pairs: of submissions that are alike, the most alike first.
        unread: whose submission is missing or cannot be read.
    """

    assignment: str
    texts: dict[str, str]
    most: int
    pairs: list[Pair]
    unread: list[str]

    def lines(self, student: str, span: tuple[int, int]) -> list[tuple[int, str]]:
        """Lines of a submission with their numbers, from 1."""
        lines = self.texts[student].split("\n")[span[0] : span[1] + 1]
        return list(enumerate(lines, span[0] + 1))


def class_similarity(course: Course, name: str, pairs: int = 20, most: int | None = None) -> Similarity:
    """Compares all submissions of an exercise.

    Args:
        course: the course directory.
        name: the exercise.
        pairs: how many to find at most.
        most: how many students may write what still counts; None goes by the size of the class.

    Raises:
        CourseError: if there is no such exercise, or fewer than two submissions.
    """
    course.check_exercise(name)
    released = release(source_notebook(course.sources, name), name, course.config)
    texts: dict[str, str] = {}
    unread = []
    for student in course.students(name):
        found = rebuild_submission(course.submitted(student, name), name, released)
        if isinstance(found, Rebuilt):
            texts[student] = plain_text(text_of(found.notebook), MAX_TEXT, MAX_TEXT)
        else:
            unread.append(student)
    if len(texts) < 2:
        raise CourseError(f"There must be two submissions to compare. Received: {len(texts)}{course.hint}")
    most = most or min(MOST, max(LEAST, round(SHARE * len(texts))))
    given = [text_of(nbformat.reads(released, as_version=4))]
    return Similarity(name, texts, most, similar(texts, given, most, pairs), unread)


def text_of(notebook: NotebookNode) -> str:
    """What a learner may have written: code, and answers in words."""
    cells = [cell for cell in notebook.cells if not is_marked(cell) and not settings_of(cell).get("locked")]
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "code" or is_answer(cell))


def on_terminal(found: Similarity) -> "list[RenderableType]":
    """A table of the pairs, and of the first ones the passages side by side."""
    from rich.table import Table
    from rich.text import Text

    if not found.pairs:
        return [
            Text(
                f"{found.assignment}: no two of {len(found.texts)} are alike beyond what more than {found.most} write."
            )
        ]
    table = Table("", "students", "tokens", "of the first", "of the second", title="To look at, not a verdict")
    for number, pair in enumerate(found.pairs, 1):
        names = f"{one_line(pair.first, 40)}\n{one_line(pair.second, 40)}"
        table.add_row(str(number), Text(names), str(pair.tokens), *(f"{share:.0%}" for share in pair.shares))
    shown: list[RenderableType] = [table]
    for number, pair in enumerate(found.pairs[:SHOWN_PAIRS], 1):
        sides = Table(one_line(pair.first, 40), one_line(pair.second, 40), title=f"{number}", show_lines=True)
        for passage in pair.passages:
            both = ((pair.first, passage.first), (pair.second, passage.second))
            sides.add_row(*(Text(_numbered(found.lines(student, span))) for student, span in both))
        shown.append(sides)
    return shown


def _numbered(lines: list[tuple[int, str]]) -> str:
    text = "\n".join(f"{number:3} {line}" for number, line in lines[:SHOWN_LINES])
    return text + ("\n    ..." if lines[SHOWN_LINES:] else "")


def as_page(found: Similarity) -> str:
    """A page of HTML. Whatever a submission says is text in it."""
    place = Path(__file__).parent
    environment = Environment(loader=FileSystemLoader(place), autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    return environment.get_template("similarity.html").render(found=found) + "\n"
