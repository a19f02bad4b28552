"""The page that a learner gets back: what was wrong and where to read on top, then the notebook with what it gave.

nbgrader's `generate_feedback` and Formgrader make it in place of their own (`GenerateFeedback.exporter_class`). Points
and comments come from the gradebook, mistakes and repairs from what grading has kept as data; of the notebook's outputs
nothing is read back but whether a check said there what the data say.
"""

import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from nbconvert.exporters import Exporter
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.utils import is_task
from traitlets import Unicode

from autograder.addresses import chapter_path, site_address
from autograder.check_cells import grade_id, is_answer, is_check, is_graded
from autograder.classroom.class_report import kept_result
from autograder.classroom.course import CHECKOUT
from autograder.classroom.feedback import shown_points
from autograder.classroom.page_parts import Formulas, Output, code, code_style, markdown, outputs, said
from autograder.classroom.report import QuestionResult, Result, gist
from autograder.exam.verdict import NOT_RUN, STOPPED, TIME_LIMIT

LINE = re.compile(r"^  (Cause|Why|Read): +(.*)$")
READ = re.compile(r'chapter (\d+), "(.*)"')
HEADING = re.compile(r"^## +(.+)$", re.MULTILINE)
NO_RESPONSE = "No response."  # nbgrader's own comment on an answer that was left as it was
SAME = 200  # characters of a check's text that are looked for in the notebook
UNSEEN = ("missing", "unreadable")  # statuses of what was not looked at: its questions have one reason, told once
PREFIX = re.compile(rf"^({NOT_RUN}|{STOPPED}|{TIME_LIMIT}): ")
TEMPLATE = "feedback_page.html"


@dataclass(frozen=True)
class Cause:
    """A mistake in words, why it matters, and where to read: in words, and as an address if there is one."""

    text: str
    why: str = ""
    read: str = ""
    link: str = ""


@dataclass(frozen=True)
class Graded:
    """A cell with points.

    Args:
        id: its grade_id.
        name: the heading that it stands under.
        points, most: in the gradebook.
        waiting: whether points are still to be given by hand.
        causes: what cost points, or which right helpers stood in for the learner's own.
        by_hand: whether its points are given by hand.
    """

    id: str
    name: str
    points: float
    most: float
    waiting: bool
    causes: list[Cause] = field(default_factory=list)
    by_hand: bool = False


@dataclass(frozen=True)
class Shown:
    """A cell as it is shown."""

    kind: str
    id: str
    label: str
    body: Markup
    outputs: list[Output]
    points: Graded | None
    comment: Markup
    alt: str


class FeedbackExporter(Exporter):
    """Makes the page of one submission; `GenerateFeedback` has put points and comments into the notebook."""

    file_extension = Unicode(".html").tag(config=True)
    output_mimetype = "text/html"

    def from_notebook_node(  # type: ignore[override]  # as in nbconvert's own HTMLExporter: a text comes out
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        notebook, resources = super().from_notebook_node(nb, resources, **kw)
        root = Path(getattr(self.parent, "coursedir").root)  # noqa: B009 - mypy knows nbconvert's parents alone
        return feedback_page(root, notebook, resources["nbgrader"]), resources


def feedback_page(root: Path, notebook: NotebookNode, about: dict[str, Any]) -> str:
    """The page.

    Args:
        root: the course directory.
        notebook: the graded one, with points and comments in its cells' settings.
        about: what nbgrader knows of it: student, assignment, notebook, db_url, score, max_score, late_penalty.
    """
    student, name = about["student"], about["notebook"]
    person, waiting = _from_gradebook(about["db_url"], student, about["assignment"], name)
    result = kept_result(root, name, student)
    site, formulas, headings = _site(root), Formulas(), _headings(notebook)
    graded = {
        grade_id(cell): _graded(cell, headings[number], result, waiting, site)
        for number, cell in enumerate(notebook.cells)
        if is_graded(cell) or is_task(cell)
    }
    cells = [_shown(cell, headings[number], graded, formulas) for number, cell in enumerate(notebook.cells)]
    page = _template().render(
        name=name,
        person=person,
        score=about["score"],
        most=about["max_score"],
        penalty=about["late_penalty"],
        reason=result.reason if result and result.status not in ("graded", "missing") else "",
        missing=bool(result and result.status == "missing"),
        unseen=bool(result and result.status in UNSEEN),
        repairs=result.repairs if result else [],
        graded=graded.values(),
        commented=[cell for cell in cells if cell.comment],
        cells=cells,
        chapter=site and site + chapter_path(int(name[:2]) if name[:2].isdigit() else 0),
        points=json.dumps(shown_points(about["score"], graded.values())),
        style=Markup(code_style()),
    )
    return formulas.fill(page) + "\n"


@lru_cache(maxsize=1)
def _template() -> Any:
    place = Path(__file__).parent
    environment = Environment(loader=FileSystemLoader(place), autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters["points"] = lambda number: f"{round(float(number), 2):g}"
    return environment.get_template(TEMPLATE)


def _site(root: Path) -> str:
    """The site's address, as the class directory's settings say, or else the course's; "" if neither does."""
    for place in (root, CHECKOUT):
        try:
            settings = yaml.safe_load((place / "_config.yml").read_text(encoding="utf-8"))
            return site_address(settings["repository"]["url"])
        except (OSError, KeyError, TypeError, ValueError, yaml.YAMLError):
            continue
    return ""


def _from_gradebook(db_url: str, student: str, assignment: str, name: str) -> tuple[str, set[str]]:
    """What the student is called, and which cells still wait for points by hand."""
    with Gradebook(db_url) as gradebook:
        try:
            who = gradebook.find_student(student)
            grades = gradebook.find_submission_notebook(name, assignment, student).grades
        except MissingEntry:
            return student, set()
        called = " ".join(filter(None, (who.first_name, who.last_name))) or student
        return called, {grade.name for grade in grades if grade.needs_manual_grade}


def _headings(notebook: NotebookNode) -> list[str]:
    """For each cell the last heading of the second level up to it."""
    headings, last = [], ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            last = (HEADING.findall(cell.source) or [last])[-1].strip()
        headings.append(last)
    return headings


def _graded(cell: NotebookNode, heading: str, result: Result | None, waiting: set[str], site: str) -> Graded:
    settings, key = cell.metadata.nbgrader, grade_id(cell)
    points, most = float(settings.get("score") or 0), float(settings.get("points") or 0)
    told = result.questions if result and result.status not in UNSEEN else []
    question = next((one for one in told if one.id == key), None)
    causes: list[Cause] = []
    if is_check(cell) and question and question.message[:SAME] in said(cell):
        if question.helped:
            causes = [Cause(_gist(question))]
        elif points < most:
            causes = _causes(question, site)
    return Graded(key, heading or key, points, most, key in waiting, causes, not is_check(cell))


def _causes(question: QuestionResult, site: str) -> list[Cause]:
    """What a check's text says cost the points; what is not told in such lines, in its one line that says most."""
    causes: list[dict[str, str]] = []
    for line in question.message.splitlines():
        if found := LINE.match(line):
            if found[1] == "Cause" or not causes:
                causes.append({"text": ""})
            causes[-1][{"Cause": "text", "Why": "why", "Read": "read"}[found[1]]] = found[2]
    for cause in causes:
        cause["text"] = cause["text"] or _gist(question)
        if (
            site
            and (found := READ.fullmatch(cause.get("read", "")))
            and (path := chapter_path(int(found[1]), found[2]))
        ):
            cause["link"] = site + path
    return [Cause(**cause) for cause in causes] or [Cause(_gist(question))]


def _gist(question: QuestionResult) -> str:
    """The line of a check's text that says most, without the name of what stopped it."""
    return PREFIX.sub("", gist(question)).removeprefix(f"{question.id}: ")


def _shown(cell: NotebookNode, heading: str, graded: dict[str, Graded], formulas: Formulas) -> Shown:
    key, alt = grade_id(cell), f"Picture: {heading}" if heading else "Picture"
    text = cell.cell_type == "markdown"
    body = markdown(cell.source, formulas, alt, cell.get("attachments")) if text else code(cell.source)
    comment = cell.metadata.get("nbgrader", {}).get("comment") or ""
    kind = "check" if is_check(cell) else "answer" if is_answer(cell) else "text" if text else "code"
    return Shown(
        kind=f"{kind} written" if kind == "answer" and text else kind,
        id=key,
        label=heading or key,
        body=Markup(body),
        outputs=outputs(cell),
        points=graded.get(key),
        comment=Markup(markdown(comment, formulas, alt)) if comment != NO_RESPONSE else Markup(""),
        alt=alt,
    )
