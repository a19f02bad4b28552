"""One machine of several: holds the sandbox that submissions run in, and runs those that Dask sends.

Papers come once to each worker, those that join later too, with Dask's worker plugin. Nothing here knows an expected
output. What a submission hands back is read here as on one machine, and sent on as data.
"""

import platform
import threading
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from distributed import WorkerPlugin, get_worker

import autograder
from autograder.sandbox.inner.limits import Limits
from autograder.sandbox.reader import Sitting, WorkerError
from autograder.sandbox.worker import Worker
from autograder.sitting.paper import Paper

COMPARED = ("keras", "tensorflow", "jax", "torch", "numpy")


def versions() -> dict[str, str]:
    """What must be the same on all machines, so that all give the same answers."""
    found = {"sd-unet-course": autograder.__version__, "Python": platform.python_version()}
    for package in COMPARED:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not there"
    return found


@dataclass(frozen=True)
class Sat:
    """What a worker says of one submission.

    Args:
        worker: its address.
        sitting: what running it gave, or None.
        refused: why this worker may not grade at all, or "".
        failed: what went wrong with this one submission, the grader's own fault, or "".
    """

    worker: str
    sitting: Sitting | None = None
    refused: str = ""
    failed: str = ""


class ExamPlugin(WorkerPlugin):
    """The exam on one worker: its sandbox, started once and kept for all submissions.

    Args:
        papers: what is asked.
        limits: for each submission.
        isolated: whether there must be a sandbox.
        small: whether the papers are of the small size.
        versions: those of the machine that marks.
    """

    def __init__(self, papers: list[Paper], limits: Limits, isolated: bool, small: bool, versions: dict[str, str]):
        self.papers, self.limits, self.isolated, self.small = papers, limits, isolated, small
        self.versions = versions

    def setup(self, worker: Any) -> None:
        """Begins to start the sandbox, beside what the worker does."""
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._closed = False
        self._hidden = [Path.home(), Path.cwd(), Path(worker.local_directory)]
        self.refused = ""
        self._ready = threading.Event()
        threading.Thread(target=self._begin, daemon=True).start()

    def teardown(self, worker: Any) -> None:
        """Ends the sandbox."""
        with self._lock:
            self._closed = True
            if self._worker:
                self._worker.close()

    def _begin(self) -> None:
        try:
            here = versions()
            if unlike := [name for name, there in self.versions.items() if here.get(name) != there]:
                self.refused = ", ".join(f"{name} is {here.get(name)}, not {self.versions[name]}" for name in unlike)
                return
            self._start()
        except Exception as error:
            self.refused = f"{error or type(error).__name__}"
        finally:
            self._ready.set()

    def _start(self) -> Worker:
        with self._lock:
            if self._closed:
                raise WorkerError("the grading was stopped")
            if self._worker:
                self._worker.close()
                self._worker = None
            self._worker = Worker(self.limits, self.isolated, self._hidden, self.small)
            self._worker.set_papers(self.papers)
            return self._worker

    def sit(self, sources: list[str], limits: Limits | None) -> Sitting:
        """Runs a submission; a sandbox that is gone is replaced once.

        Raises:
            WorkerError: if it is gone again.
        """
        worker = self._worker
        try:
            if worker is None:
                raise WorkerError("the sandbox's worker is closed")
            return worker.run(sources, limits)
        except WorkerError:
            with self._lock:
                replaced = self._worker if self._worker is not worker else None
            return (replaced or self._start()).run(sources, limits)

    def wait(self) -> str:
        """Waits for the sandbox. Returns why there is none, or ""."""
        self._ready.wait()
        return self.refused


def ready(name: str) -> Sat:
    """What Dask calls once on each worker: waits until it can grade, or says why it cannot."""
    here = get_worker()
    plugin = here.plugins.get(name)
    given = plugin.wait() if isinstance(plugin, ExamPlugin) else "it was not given the exam"
    return Sat(here.address, refused=given)


def sit(name: str, sources: list[str], limits: Limits | None) -> Sat:
    """What Dask calls for each submission; never raises for what a submission or a sandbox does."""
    state, plugin = ready(name), get_worker().plugins.get(name)
    if state.refused or not isinstance(plugin, ExamPlugin):
        return state
    try:
        return Sat(state.worker, plugin.sit(sources, limits))
    except WorkerError as error:
        return Sat(state.worker, failed=str(error))
