"""An exam that is held on several machines, by Dask's scheduler: `autograder grade NAME --dask ADDRESS`.

This process draws the papers, marks, and alone writes. Workers run submissions, each in the sandbox of its machine; one
without a sandbox, or with other versions of what counts, gets none. A submission whose worker dies runs on another.
"""

import socket
import time
from concurrent.futures import CancelledError
from pathlib import Path

from distributed import Client, Future, KilledWorker
from distributed import TimeoutError as DaskTimeout
from nbformat import NotebookNode

from autograder.classroom.course import CourseError
from autograder.classroom.dask_worker import ExamPlugin, Sat, ready, sit, versions
from autograder.classroom.exam_session import ExamSession, Refused, Settings
from autograder.classroom.exam_state import ExamState, digest
from autograder.classroom.notebook_marker import NotebookMarker
from autograder.sandbox.inner.limits import Limits
from autograder.sandbox.reader import Sitting, WorkerError

CONNECT_SECONDS = 30
ALONE_SECONDS = 120  # how long to wait for a worker where there is none left
LOOK_SECONDS = 5  # between two looks whether there are workers
START_SECONDS = 600  # for the sandbox of a worker
TRIES = 4  # of one submission, on workers that fail


class DaskSession(ExamSession):
    """As `ExamSession`, with workers elsewhere.

    Args:
        root: the course directory.
        settings: how the exam is held.
        address: the scheduler's, for example tcp://10.0.0.1:8786.

    Raises:
        CourseError: if no scheduler answers there.
    """

    def __init__(self, root: Path, settings: Settings, address: str):
        super().__init__(root, settings, begin=False)
        self._name = f"autograder-{digest(socket.gethostname(), str(root))[:16]}"
        self.refused: dict[str, str] = {}  # why a worker grades nothing, by its address
        self._plugged = False
        try:
            self._client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, DaskTimeout) as error:
            raise CourseError(f"`--dask` needs a scheduler that answers. Received: {address}: {error}") from error

    def close(self) -> None:
        """Ends the sandboxes on the workers, and leaves the scheduler."""
        self._closed = True
        try:
            if self._plugged:
                self._client.unregister_worker_plugin(self._name)
        except (OSError, DaskTimeout, ValueError):  # it is gone, and all with it
            pass
        finally:
            self._client.close()

    def set_exam(self, questions: list[str], state: ExamState, source: NotebookNode | None = None) -> NotebookMarker:
        """Draws the papers and sends them to the workers.

        Raises:
            CourseError: for a question that there is not, or a device that there is not.
            Refused: if no worker may grade.
        """
        marker = self._draw(questions, state, source)
        isolated, small = not self.settings.unsandboxed, self.settings.scale == "tiny"
        plugin = ExamPlugin(marker.papers, self.settings.limits, isolated, small, versions())
        self._client.register_plugin(plugin, name=self._name)
        self._plugged = True
        asked = [self._submit(ready, self._name, workers=[worker]) for worker in self._client.nthreads()]
        for future in asked:
            try:
                self._note(future.result(timeout=START_SECONDS))
            except (KilledWorker, CancelledError, DaskTimeout):  # it has gone, or hangs: others may do without it
                future.cancel()
        if not self._usable():
            why = "; ".join(f"{worker}: {reason}" for worker, reason in self.refused.items()) or "there is none"
            raise Refused(f"no worker of the scheduler can grade: {why}")
        return marker

    @property
    def at_once(self) -> int:
        """How many submissions the workers run at the same time."""
        return sum(self._usable().values())

    def run_cells(self, sources: list[str], limits: Limits | None = None) -> Sitting:
        """Runs code cells on some worker.

        Raises:
            WorkerError: if several workers fail with it, or none is left.
        """
        said = ""
        for _ in range(TRIES):
            given = self._wait(self._submit(sit, self._name, sources, limits))
            if given.sitting is not None:
                return given.sitting
            self._note(given)
            said = given.refused or given.failed
        raise WorkerError(f"{TRIES} workers failed with it, the last one: {said}")

    def _submit(self, function, *arguments, workers: list[str] | None = None) -> Future:
        if workers is None and self.refused:
            workers = list(self._usable())
        return self._client.submit(function, *arguments, pure=False, workers=workers or None, retries=0)

    def _wait(self, future: Future) -> Sat:
        """What a worker gave; looks in between whether any is left."""
        alone_since = None
        while True:
            if self._closed:
                raise WorkerError("the grading was stopped")
            try:
                return future.result(timeout=LOOK_SECONDS)
            except DaskTimeout:
                alone_since = None if self._usable() else alone_since or time.monotonic()
                if alone_since and time.monotonic() - alone_since > ALONE_SECONDS:
                    future.cancel()
                    raise WorkerError(f"no worker was left for {ALONE_SECONDS} seconds") from None
            except KilledWorker as error:
                raise WorkerError(f"every worker that ran it died: {error}") from error
            except CancelledError as error:
                raise WorkerError("the scheduler is gone") from error

    def _usable(self) -> dict[str, int]:
        """The workers that may grade, with their threads."""
        return {worker: threads for worker, threads in self._client.nthreads().items() if worker not in self.refused}

    def _note(self, given: Sat) -> None:
        if given.refused:
            self.refused[given.worker] = given.refused
