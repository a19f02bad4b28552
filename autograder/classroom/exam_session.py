"""One exam being held: the sandbox's worker, the marker that marks, and the exam's state.

`autograder grade` and nbgrader's own commands both go through here.
"""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from nbformat import NotebookNode
from traitlets.config import Config

from autograder.check_cells import fair_points_in, rubrics_in
from autograder.classroom.course import CourseError
from autograder.classroom.exam_state import ExamState
from autograder.classroom.verdict_view import show_rubrics
from autograder.sandbox.inner.limits import Limits
from autograder.sandbox.worker import NoSandbox, Sitting, Worker, WorkerError
from autograder.sitting.quiet import quiet

if TYPE_CHECKING:
    from autograder.classroom.carried_forward import RightHelpers
    from autograder.classroom.notebook_marker import Marked, NotebookMarker

DEVICES = ("auto", "cpu", "gpu")
UNSANDBOXED = "graded without a sandbox: it ran with the grader's own rights"


class Refused(RuntimeError):
    """Grading would be unsafe here; the text says why and what to do."""


@dataclass(frozen=True)
class Settings:
    """How exams are held in a course.

    Args:
        limits: for each submission.
        unsandboxed: whether submissions run without a sandbox, with the grader's own rights.
        scale: the size of the papers.
        device: where expected outputs are computed: "auto", "cpu" or "gpu".
    """

    limits: Limits
    unsandboxed: bool = False
    scale: str = "tiny"
    device: str = "auto"

    @classmethod
    def of(cls, config: Config) -> "Settings":
        """What nbgrader_config.py says of `SitExam`."""
        said = config.SitExam
        limits = {field.name: said[field.name] for field in fields(Limits) if field.name in said}
        others = {field.name: said[field.name] for field in fields(cls)[1:] if field.name in said}
        return cls(Limits(**limits), **others)


class ExamSession:
    """A worker and a marker for one exercise. Close it, or use it in a `with` statement.

    Args:
        root: the course directory, which submissions must not see.
        settings: how the exam is held.
        begin: whether to start a worker on this machine.

    Raises:
        Refused: if there can be no sandbox and the settings do not allow to go without.
    """

    refused: Mapping[str, str] = MappingProxyType({})  # workers on other machines that grade nothing, and why

    def __init__(self, root: Path, settings: Settings, begin: bool = True):
        self.settings, self._hidden = settings, [root, Path.home()]
        self._lock = threading.Lock()
        self._marker: NotebookMarker | None = None
        self._helpers: RightHelpers | None = None
        self.rubrics: dict[str, dict[str, int]] = {}
        self._worker: Worker | None = None
        self._closed = False
        quiet_start()
        try:
            self._worker = self._new_worker() if begin else None
        except NoSandbox as error:
            if settings.unsandboxed:
                raise
            raise Refused(f"there is no sandbox here: {error}. `autograder doctor` says more") from error

    def __enter__(self) -> "ExamSession":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the worker for good."""
        self._closed = True
        if self._worker:
            self._worker.close()
            self._worker = None

    def set_exam(self, questions: list[str], state: ExamState, source: NotebookNode | None = None) -> "NotebookMarker":
        """Draws the papers and hands them to the worker.

        Args:
            questions: the ids.
            state: has the papers' seed.
            source: the exercise's source, which says how points are shared out; without, they are all or nothing.

        Raises:
            CourseError: for a question that there is not, or a device that there is not.
            WorkerError: if the worker does not start.
        """
        assert self._worker is not None
        marker = self._draw(questions, state, source)
        self._worker.set_papers(marker.papers)
        return marker

    def _draw(self, questions: list[str], state: ExamState, source: NotebookNode | None) -> "NotebookMarker":
        """Draws the papers."""
        with quiet():  # a backend's start-up messages
            from autograder.classroom.carried_forward import RightHelpers
            from autograder.classroom.notebook_marker import NotebookMarker

            device = keras_device(self.settings.device)
        fair = {q: f for q, f in (fair_points_in(source) if source else {}).items() if f.said and q in questions}
        self._marker = NotebookMarker(questions, state.seed, state.scale, device, fair)
        self._helpers = RightHelpers.of(source) if source else None
        self.rubrics = rubrics_in(source) if source else {}
        return self._marker

    @property
    def at_once(self) -> int:
        """How many submissions run at the same time, unless something else is asked for."""
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    @property
    def marker(self) -> "NotebookMarker":
        """The marker of `set_exam`."""
        if self._marker is None:
            raise RuntimeError("`set_exam` must be called first")
        return self._marker

    def run(self, notebook: NotebookNode) -> Sitting:
        """Runs the code cells of a notebook; a worker that is gone is replaced once.

        Raises:
            WorkerError: if it is gone again.
        """
        return self.run_cells([cell.source for cell in notebook.cells if cell.cell_type == "code"])

    def run_cells(self, sources: list[str], limits: Limits | None = None) -> Sitting:
        """Runs code cells, as `run` does; within the course's limits unless others are given."""
        worker = self._worker
        try:
            if worker is None:
                raise WorkerError("the sandbox's worker is closed")
            return worker.run(sources, limits)
        except WorkerError:
            return self._replace(worker).run(sources, limits)

    def second_sittings(self, notebook: NotebookNode, marked: "Marked") -> dict[str, list[str]]:
        """The cells that are to run once more with right helpers, by question."""
        return self._helpers.second_sittings(notebook, marked) if self._helpers else {}

    def sit_again(self, cells: list[str], used: float) -> Sitting | None:
        """A second sitting; None if it cannot be held, which costs nothing but what it could have given.

        Args:
            cells: what to run.
            used: seconds that the submission took so far: together it may take no longer than one sitting.
        """
        left = self.settings.limits.notebook_seconds - used
        try:
            return self.run_cells(cells, replace(self.settings.limits, notebook_seconds=left)) if left > 0 else None
        except WorkerError:
            return None

    def take_second(self, notebook: NotebookNode, marked: "Marked", sittings: dict[str, Sitting | None]) -> None:
        """Adds what second sittings gave to a marking and its notebook, and to that what is read by hand."""
        show_rubrics(notebook, self.rubrics)
        if self._helpers:
            self._helpers.take(notebook, marked, self.marker, sittings)

    def _new_worker(self) -> Worker:
        settings = self.settings
        return Worker(settings.limits, not settings.unsandboxed, self._hidden, small=settings.scale == "tiny")

    def _replace(self, gone: Worker | None) -> Worker:
        with self._lock:
            if self._closed:
                raise WorkerError("the grading was stopped")
            if self._worker is not gone and self._worker is not None:
                return self._worker  # another thread was here before
            if gone is not None:
                gone.close()
            self._worker = self._new_worker()
            self._worker.set_papers(self.marker.papers)
            return self._worker


def quiet_start() -> None:
    """Settings of the libraries under Keras, before they are imported: no chatter, exact products, some GPU memory."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["NVIDIA_TF32_OVERRIDE"] = "0"  # 10 bits of mantissa would be an error of 1e-3
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")


def keras_device(wanted: str) -> str:
    """Keras' name of the device for expected outputs.

    Raises:
        CourseError: if a GPU is asked for where there is none.
    """
    if wanted not in DEVICES:
        raise CourseError(f"`device` must be one of {', '.join(DEVICES)}. Received: {wanted!r}")
    if wanted == "cpu":
        return "cpu:0"
    import keras

    there = keras.distribution.list_devices("gpu")
    if wanted == "gpu" and not there:
        raise CourseError(
            "`--device gpu` needs a GPU that Keras can use. Received: a machine without; try --device auto"
        )
    return "gpu:0" if there else "cpu:0"
