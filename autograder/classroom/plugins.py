"""What nbgrader_config.py puts into nbgrader's autograding: our sandbox and our marking in place of its kernel.

nbgrader's own step runs a submission with the grader's rights and lets what it prints decide its points.
"""

import atexit
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Enum, Float, Integer
from traitlets.config import Config

from autograder.check_cells import checks_of, fair_points_in, grade_id, is_marked, questions_of
from autograder.classroom.class_report import note_results
from autograder.classroom.course import Course
from autograder.classroom.exam_session import DEVICES, UNSANDBOXED, ExamSession, Settings
from autograder.classroom.exam_state import ExamState
from autograder.classroom.feedback import remove_feedback
from autograder.classroom.report import Result, absent_notes, question_result
from autograder.classroom.verdict_view import show_ungraded
from autograder.exam.verdict import Verdict
from autograder.notebooks import source_notebook
from autograder.sandbox.inner.limits import Limits
from autograder.scales import Scale

OUTCOME = "autograder"  # key in the notebook's metadata, from our exporter: {"status": ..., "reason": ...}
REPAIRS: dict[Path, list[str]] = {}  # what our exporter noticed in the hand-ins that it read, by their directories

# One exercise's exam in this process, with what it was set up from.
_sessions: dict[tuple[str, str, str], ExamSession] = {}


class SitExam(NbGraderPreprocessor):
    """Runs a notebook in the sandbox, marks its answers, and writes the verdicts into its check cells.

    In place of nbgrader's `Execute`. The worker is started for the first notebook and kept for the next ones.
    """

    cell_seconds = Float(Limits.cell_seconds, help="Seconds for one cell").tag(config=True)
    notebook_seconds = Float(Limits.notebook_seconds, help="Seconds for all cells of a notebook").tag(config=True)
    memory_mb = Integer(Limits.memory_mb, help="Memory of a submission's processes together").tag(config=True)
    processes = Integer(Limits.processes, help="A submission's processes and threads").tag(config=True)
    disk_mb = Integer(Limits.disk_mb, help="Of all files that a submission writes").tag(config=True)
    output_kb = Integer(Limits.output_kb, help="Of what one cell prints and shows").tag(config=True)
    result_mb = Integer(Limits.result_mb, help="Of everything that a submission hands back").tag(config=True)
    unsandboxed = Bool(False, help="Run submissions without a sandbox, with your own rights").tag(config=True)
    scale = Enum([*map(str, Scale)], "tiny", help="Size of the papers").tag(config=True)
    device = Enum(DEVICES, "auto", help="Where expected outputs are computed").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        self._remove_feedback(**resources["nbgrader"])
        if OUTCOME in nb.metadata:  # our exporter put it there when it read the submission: nothing of it can run
            outcome = nb.metadata[OUTCOME]
            verdicts = show_ungraded(nb, f"not graded: {outcome['reason']}.")
            self._note(nb, resources["nbgrader"], verdicts, (outcome["status"], outcome["reason"]))
            return nb, resources
        session = self._session(Path(self._course().root), resources["nbgrader"]["notebook"], nb)
        if session.settings.unsandboxed:
            self.log.warning("%s: %s", resources["nbgrader"]["student"], UNSANDBOXED)
        start = time.monotonic()
        sitting = session.run(nb)
        notes = absent_notes(sitting.absent)
        for note in notes:
            self.log.warning("%s: %s", resources["nbgrader"]["student"], note)
        marked = session.marker.mark_notebook(nb, sitting, session.settings.limits)
        again = session.second_sittings(nb, marked)
        second = {question: session.sit_again(cells, time.monotonic() - start) for question, cells in again.items()}
        session.take_second(nb, marked, second)
        if marked.reason:
            self.log.warning("%s: %s: %s", resources["nbgrader"]["student"], marked.status, marked.reason)
        self._note(nb, resources["nbgrader"], marked.verdicts, (marked.status, marked.reason), notes)
        return nb, resources

    def _note(
        self,
        nb: NotebookNode,
        about: dict[str, Any],
        verdicts: dict[str, Verdict],
        outcome: tuple[str, str | None],
        notes: Iterable[str] = (),
    ) -> None:
        """Keeps what was decided as data, for feedback and reports, as `autograder grade` does."""
        place, student, name = self._course(), about["student"], about["notebook"]
        most = {grade_id(cell): float(cell.metadata.nbgrader.points) for cell in nb.cells if is_marked(cell)}
        questions = [
            question_result(key, verdicts[key].earned(most[key]), most[key], verdicts[key], True)
            for key in checks_of(nb)
            if key in verdicts
        ]
        directory = Path(place.format_path(place.submitted_directory, student, about["assignment"])).absolute()
        repairs = [*REPAIRS.pop(directory, []), *notes]
        score = sum(question.points for question in questions)
        result = Result(student, name, score, sum(most.values()), *outcome, repairs, 0.0, questions, repairs=repairs)
        note_results(Path(place.root), name, [result])

    def _remove_feedback(self, student: str, assignment: str, notebook: str, **_: Any) -> None:
        """Removes a page that will be older than the score."""
        place = self._course()
        remove_feedback(Path(place.format_path(place.feedback_directory, student, assignment)), notebook)

    def _course(self) -> CourseDirectory:
        """What nbgrader's converter knows of the course directory: it is the exporter's parent."""
        holder = self.parent
        while not hasattr(holder, "coursedir"):
            holder = holder.parent
        return holder.coursedir

    def _session(self, root: Path, name: str, nb: NotebookNode) -> ExamSession:
        """The exercise's exam: the one of the last notebook, unless its seed has changed since."""
        settings = Settings.of(Config({"SitExam": {key: getattr(self, key) for key in self.trait_names(config=True)}}))
        state, questions = ExamState.open(root, name, settings.scale), questions_of(nb)
        source = source_notebook(Course.at(root).sources, name)
        key = (str(root), name, f"{settings}{state.seed}{questions}{fair_points_in(source)}")
        if key not in _sessions:
            close_sessions()
            session = ExamSession(root, settings)
            try:
                session.set_exam(questions, state, source)
            except BaseException:
                session.close()
                raise
            _sessions[key] = session
        return _sessions[key]


@atexit.register
def close_sessions() -> None:
    """Ends the worker that is kept for the next notebook."""
    while _sessions:
        _sessions.popitem()[1].close()
