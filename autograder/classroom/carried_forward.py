"""Errors carried forward: an answer whose helper is wrong sits once more, with a right helper in its place.

Each such answer gets a sitting of its own, which ends with its check. All that is taken from it is whether that one
answer sheet is right. What was printed or raised there, other sheets, how it ended: none of it is looked at, so nothing
of the right helper gets out, and the helper's own points stay lost. The learner's cells run first and without it; what
is laid before the check is compiled, without text and docstrings.
"""

import base64
import marshal
import re
from dataclasses import dataclass, field

from nbformat import NotebookNode
from nbgrader.utils import compute_checksum

from autograder.check_cells import checks_of, fair_points_in, grade_id, is_answer, is_check, settings_of
from autograder.classroom.notebook_marker import Marked, NotebookMarker
from autograder.classroom.verdict_view import show_verdict
from autograder.exam.helpers import carried_forward
from autograder.exam.verdict import CHECK_FAILED
from autograder.fair_settings import with_helpers
from autograder.sandbox.reader import Sitting

CHECKED = re.compile(r'check\("[\w-]+", (\w+)\)')
MAGIC = re.compile(r"^[%!].*$", re.MULTILINE)
BEFORE_CHECK = """\
_right = {{"__name__": "right_helpers"}}
exec(__import__("marshal").loads(__import__("base64").b64decode({code!r})), _right)
globals().update({{name: _right[name] for name in {names!r}}})
{check}"""


@dataclass(frozen=True)
class RightHelpers:
    """What an exercise's source knows of helpers; nothing of it may lie where a submission's first sitting runs.

    Args:
        uses: what each question's answer calls.
        setup: the text of the cells that an exercise begins with.
        answers: the text of each right answer, by question.
        names: what the objects are called, by question.
    """

    uses: dict[str, tuple[str, ...]] = field(default_factory=dict)
    setup: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, source: NotebookNode) -> "RightHelpers":
        """Those of a source notebook."""
        code = {grade_id(cell): cell.source for cell in source.cells if cell.cell_type == "code"}
        setup = "\n".join(text for key, text in code.items() if key == "setup" or key.startswith("setup-"))
        answers = {key.removeprefix("answer-"): text for key, text in code.items() if key.startswith("answer-")}
        found = {question: CHECKED.match(cell.source) for question, cell in checks_of(source).items()}
        names = {question: match[1] for question, match in found.items() if match}
        uses = {question: fair.uses for question, fair in fair_points_in(source).items() if fair.uses}
        return cls(uses, MAGIC.sub("", setup), answers, names)

    def wrong_ones(self, question: str, marked: Marked) -> list[str]:
        """The helpers of a question whose own check did not pass, in the order in which they are needed."""
        helpers = with_helpers(question, self.uses)
        return [h for h in helpers if h in self.answers and h in marked.verdicts and not marked.verdicts[h].alone]

    def second_sittings(self, notebook: NotebookNode, marked: Marked) -> dict[str, list[str]]:
        """The code cells to run once more, by the question that they end with.

        Args:
            notebook: that was run.
            marked: what its marking gave.
        """
        wanted = {}
        for question, verdict in marked.verdicts.items():
            wrong = self.wrong_ones(question, marked)
            if wrong and not verdict.passed and verdict.error == CHECK_FAILED and not _untouched(notebook, question):
                wanted[question] = self._cells(notebook, question, wrong)
        return wanted

    def _cells(self, notebook: NotebookNode, question: str, wrong: list[str]) -> list[str]:
        cells: list[str] = []
        for cell in notebook.cells:
            if cell.cell_type == "code" and grade_id(cell) == question:
                return [*cells, self._before(cell.source, question, wrong)]
            if cell.cell_type == "code" and not is_check(cell):
                cells.append(cell.source)
        return []

    def _before(self, check: str, question: str, wrong: list[str]) -> str:
        """A check cell behind what puts right helpers in place."""
        needed = [helper for one in wrong for helper in (*with_helpers(one, self.uses), one)]
        text = "\n".join([self.setup, *(self.answers[helper] for helper in dict.fromkeys(needed))])
        code = base64.b64encode(marshal.dumps(compile(text, "<right helpers>", "exec", optimize=2))).decode()
        return BEFORE_CHECK.format(code=code, names=[self.names[helper] for helper in wrong], check=check)

    def take(
        self, notebook: NotebookNode, marked: Marked, marker: NotebookMarker, sittings: dict[str, Sitting | None]
    ) -> None:
        """Gives those questions their points whose answer sheet of a second sitting is right.

        Args:
            notebook: whose check cells show the verdicts.
            marked: changed.
            marker: that marked.
            sittings: what the second sittings gave, by question: hostile; None where there was none.
        """
        for question, sitting in sittings.items():
            wrong = self.wrong_ones(question, marked)
            last = sitting.cells.get(len(self._cells(notebook, question, wrong)) - 1) if sitting else None
            sheet = last.sheets.get(question) if last else None
            if sheet is None or not marker.passes(question, sheet):
                continue
            verdict = marked.verdicts[question] = carried_forward(marked.verdicts[question], wrong)
            cell = checks_of(notebook)[question]
            cell.outputs = []
            show_verdict(cell, verdict)


def _untouched(notebook: NotebookNode, question: str) -> bool:
    """Whether the cell of the answer, the last one above its check, is as it was released."""
    answer = None
    for cell in notebook.cells:
        if grade_id(cell) == question:
            break
        answer = cell if cell.cell_type == "code" and is_answer(cell) else answer
    return answer is not None and settings_of(answer).get("checksum") == compute_checksum(answer)
