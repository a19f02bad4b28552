"""Makes the notebook to run: the released one, with the learner's text in the cells that are theirs to write.

Nothing else of a submission gets through but its text: no metadata, tags, flags, outputs, kernel or cell order. Cells
that the learner added run too, at their place, and count for nothing.
"""

import re
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.check_cells import grade_id, is_answer, is_marked
from autograder.classroom.former_cells import is_former_setup
from autograder.classroom.intake import Unusable, find_notebook
from autograder.classroom.notebook_reader import LearnerCell, LearnerCells, Unreadable, read_cells
from autograder.classroom.safe_markdown import fill_markdown
from autograder.classroom.safe_pictures import PictureBudget

DEFINED = re.compile(r"^(?:class|def|async\s+def)\s+(\w+)|^(\w+)\s*(?::[^=\n]+)?=(?!=)", re.MULTILINE)
MAX_WARNINGS = 20


@dataclass(frozen=True)
class Rebuilt:
    """A submission that can be run.

    Args:
        notebook: what to run and to publish: safe to show in a browser, without outputs.
        warnings: plain sentences about what was repaired.
    """

    notebook: NotebookNode
    warnings: list[str] = field(default_factory=list)


def rebuild_submission(directory: Path, name: str, released: str) -> Rebuilt | Unusable:
    """Finds the notebook in submitted/STUDENT/NAME and rebuilds it. Never raises."""
    found = find_notebook(directory, name, lambda content: resembles(content, released))
    if isinstance(found, Unusable):
        return found
    rebuilt = rebuild(found.content, released, found.file)
    if isinstance(rebuilt, Rebuilt):
        rebuilt.warnings[:0] = found.warnings
    return rebuilt


def rebuild(content: bytes, released: str, file: str = "the notebook") -> Rebuilt | Unusable:
    """The released notebook with a learner's answers in it. Never raises.

    Args:
        content: what was handed in.
        released: the text of the released notebook.
        file: what to call the submission in a reason.
    """
    try:
        read = read_cells(content)
        return _Match(_released(released), read).rebuilt()
    except Unreadable as reason:
        return Unusable("unreadable", f"{file} {reason}")
    except (Exception, RecursionError) as error:  # hostile bytes: whatever we did not think of
        return Unusable("unreadable", f"{file} is not a notebook: {type(error).__name__}")


def resembles(content: bytes, released: str) -> bool:
    """Whether a notebook is plainly this exercise: it has half of the released cells, or of the graded ones."""
    try:
        cells = read_cells(content).cells
    except (Unreadable, RecursionError):
        return False
    theirs = {_bare(cell.source) for cell in cells}
    ours = [_bare(cell.source) for cell in _released(released).cells if cell.source.strip()]
    known = {grade_id(cell) for cell in _released(released).cells} - {""}
    ids = known & {cell.grade_id for cell in cells}
    return 2 * sum(text in theirs for text in ours) >= len(ours) or (2 * len(ids) >= len(known) > 2)


@lru_cache(maxsize=4)
def _released(text: str) -> NotebookNode:
    return nbformat.reads(text, as_version=4)


def _bare(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


@lru_cache(maxsize=4096)  # asked of each cell for each that is looked for
def _names(source: str) -> frozenset[str]:
    return frozenset(found[1] or found[2] for found in DEFINED.finditer(source))


class _Match:
    """Which of the learner's cells stands for which of the released ones, by their numbers."""

    def __init__(self, released: NotebookNode, read: LearnerCells):
        self.released, self.theirs = released, read.cells
        self.warnings = list(read.warnings)
        self._pictures = PictureBudget()
        self.partner: dict[int, int] = {}  # released -> learner's
        self.also: dict[int, int] = {}  # learner's further copies -> released
        self._by_grade_id()
        self._by_cell_id()
        self._by_content()
        self._by_definition()
        self._by_position()

    # ------------------------------------------------------------------------------------------------- finding

    def _free(self) -> list[int]:
        taken = {*self.partner.values(), *self.also}
        return [j for j in range(len(self.theirs)) if j not in taken]

    def _wanted(self) -> list[int]:
        return [i for i in range(len(self.released.cells)) if i not in self.partner]

    def _by_grade_id(self) -> None:
        for i in self._wanted():
            name = grade_id(self.released.cells[i])
            copies = [j for j in self._free() if name and self.theirs[j].grade_id == name]
            if not copies:
                continue
            if self._has_check(i) and copies[0] > self._end(i):
                copies = [j for j in self._defining(i) if j < self._end(i)] + copies
            if len(copies) > 1:
                which = "the last one before its check counts" if self._has_check(i) else "the last one counts"
                self.warnings.append(f"the cell {name} is there {len(copies)} times; {which}")
            stub = _bare(self.released.cells[i].source)
            written = [j for j in copies if _bare(self.theirs[j].source) not in ("", stub)]
            self.partner[i] = self._last(i, [j for j in written if self._could_be(i, j)] or written or copies)
            self.also.update({j: i for j in copies if j != self.partner[i]})

    def _has_check(self, i: int) -> bool:
        return is_answer(self.released.cells[i]) and self.released.cells[i].cell_type == "code"

    def _end(self, i: int) -> int:
        """Where the learner's check of the released answer `i` stands; behind the last cell if it is not there."""
        for cell in self.released.cells[i + 1 :]:
            if is_answer(cell) and cell.cell_type == "code":
                break
            if is_marked(cell):
                name, text = grade_id(cell), _bare(cell.source)
                places = [j for j, own in enumerate(self.theirs) if own.grade_id == name or _bare(own.source) == text]
                if places:
                    return places[-1]
        return len(self.theirs)

    def _last(self, i: int, found: list[int]) -> int:
        """Which of the learner's cells counts: as in a run from top to bottom, the last one before its check."""
        end = self._end(i) if self._has_check(i) else len(self.theirs)
        return ([j for j in found if j < end] or found)[-1]

    def _defining(self, i: int) -> list[int]:
        names = _names(self.released.cells[i].source)
        return [j for j in self._free() if self.theirs[j].kind == "code" and names & _names(self.theirs[j].source)]

    def _by_cell_id(self) -> None:
        for i in self._wanted():
            found = [j for j in self._free() if self.released.cells[i].id in self.theirs[j].ids]
            if is_answer(self.released.cells[i]):
                found = [j for j in found if self._could_be(i, j)]
            if found:
                self.partner[i] = self._last(i, found)

    def _could_be(self, i: int, j: int) -> bool:
        """Cell ids such as `setup` are no one's own: an answer must also define what the released cell does."""
        names = _names(self.released.cells[i].source)
        return not names or bool(names & _names(self.theirs[j].source))

    def _by_content(self) -> None:
        for i in self._wanted():
            text = _bare(self.released.cells[i].source)
            found = [j for j in self._free() if text and _bare(self.theirs[j].source) == text]
            if found:
                self.partner[i] = found[0]

    def _by_definition(self) -> None:
        """An answer whose ids were lost is the last free cell that defines what the released cell does."""
        for i in self._wanted():
            cell = self.released.cells[i]
            names = _names(cell.source) if is_answer(cell) and cell.cell_type == "code" else frozenset()
            found = [j for j in self._free() if names & _names(self.theirs[j].source)]
            if found:
                self.partner[i] = self._last(i, found)
                self._found_again(i)

    def _by_position(self) -> None:
        """Else it is the one free cell of its kind between the cells that come before and after it."""
        for i in self._wanted():
            cell = self.released.cells[i]
            if not is_answer(cell):
                continue
            before = [self.partner[k] for k in range(i) if k in self.partner]
            after = [self.partner[k] for k in range(i + 1, len(self.released.cells)) if k in self.partner]
            low, high = max(before, default=-1), min(after, default=len(self.theirs))
            found = [j for j in self._free() if low < j < high and self.theirs[j].kind == cell.cell_type]
            if len(found) == 1 and (before or after):
                self.partner[i] = found[0]
                self._found_again(i)

    def _found_again(self, i: int) -> None:
        name = grade_id(self.released.cells[i])
        self.warnings.append(f"the cell {name} had lost its id; it was found by what it holds and where it stands")

    # ------------------------------------------------------------------------------------------------- building

    def rebuilt(self) -> Rebuilt:
        notebook = deepcopy(self.released)
        added: dict[int, list[NotebookNode]] = {}
        for i, cell in enumerate(notebook.cells):
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
            self._fill(i, cell)
        for j in range(len(self.theirs)):
            if text := self._own_text(j):
                added.setdefault(self._anchor(j), []).append(text)
        cells = list(added.get(-1, []))
        for i, cell in enumerate(notebook.cells):
            cells += [cell, *added.get(i, [])]
        notebook.cells = cells
        for number, cell in enumerate((c for group in sorted(added.items()) for c in group[1]), start=1):
            cell.id = f"added-{number}"
        return Rebuilt(notebook, self._all_warnings())

    def _fill(self, i: int, cell: NotebookNode) -> None:
        """Puts the learner's text into their cell, and says what is not as it was released."""
        name = grade_id(cell)
        if i not in self.partner:
            if name:
                self.warnings.append(f"the cell {name} is missing")
            return
        mine = self.theirs[self.partner[i]]
        if not is_answer(cell):
            if name and _bare(mine.source) != _bare(cell.source) and not self._is_former(mine, cell):
                self.warnings.append(f"the cell {name} was changed; the released one was run")
            return
        if mine.kind != cell.cell_type:
            self.warnings.append(f"the cell {name} was turned into {mine.kind}; it was run as {cell.cell_type}")
        if cell.cell_type == "code":
            cell.source = mine.source
        elif _bare(mine.source) != _bare(cell.source):
            fill_markdown(cell, mine.source, mine.attachments, self._pictures)

    def _is_former(self, mine: LearnerCell, cell: NotebookNode) -> bool:
        """Whether a cell is our own set-up cell of an earlier release."""
        others = [one.source for one in self.theirs if one.kind == "code" and one is not mine]
        return grade_id(cell) == "setup" and is_former_setup(mine.source, cell.source, others)

    def _own_text(self, j: int) -> NotebookNode | None:
        """The cell that one of the learner's becomes beside the released ones, if it holds anything of their own."""
        mine, i = self.theirs[j], self._released_for(j)
        if not mine.source.strip():
            return None
        if i is not None:
            cell = self.released.cells[i]
            as_released = _bare(mine.source) == _bare(cell.source)
            if as_released or is_marked(cell) or (is_answer(cell) and j not in self.also):
                return None
        if mine.kind == "code":
            return nbformat.v4.new_code_cell(mine.source)
        text = nbformat.v4.new_markdown_cell()
        fill_markdown(text, mine.source, mine.attachments, self._pictures)
        return text

    def _released_for(self, j: int) -> int | None:
        return next((i for i, partner in self.partner.items() if partner == j), self.also.get(j))

    def _anchor(self, j: int) -> int:
        """The released cell after which the learner's cell `j` comes: its own, or else that of the one before it.

        A copy of an answer that stands above the one that counts comes before it; one below runs where it stands.
        """
        i = self.also.get(j)
        if i is not None and is_answer(self.released.cells[i]) and j < self.partner[i]:
            return i - 1
        for k in range(j, -1, -1):
            i = next((i for i, partner in self.partner.items() if partner == k), None)
            if i is not None:
                return i
        return -1

    def _all_warnings(self) -> list[str]:
        if len(self.warnings) <= MAX_WARNINGS:
            return self.warnings
        return [*self.warnings[:MAX_WARNINGS], f"and {len(self.warnings) - MAX_WARNINGS:,} more repairs"]
