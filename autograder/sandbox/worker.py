"""The process that submissions are forked from, seen from the grader's side: start it, hand it work, read what comes.

Whatever comes back was in a submission's hands, so nothing of it is trusted: not its form, its size or its pace.
"""

import contextlib
import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autograder.sandbox import bubblewrap
from autograder.sandbox.control_groups import Groups, NoGroups, hold
from autograder.sandbox.inner.limits import Limits
from autograder.sandbox.inner.namespaces import Isolation
from autograder.sandbox.reader import Channel, Reader, Sitting, WorkerError
from autograder.sitting.paper import Paper

START_SECONDS = 600.0  # for a worker to import Keras, on a machine that is busy
ONLY_LINUX = "submissions run on Linux alone; elsewhere grade in a container (see Containerfile)"


class NoSandbox(WorkerError):
    """This machine cannot isolate submissions; the text says why."""


class Worker:
    """One forking process in its sandbox. Submissions may run in it at the same time, from several threads.

    It starts to import what it needs at once; `set_papers` waits for that, and then it is ready.

    Args:
        limits: for each submission.
        isolated: whether there is a sandbox; without, submissions run with the grader's own rights.
        hidden: directories that must not be seen through those that are shown (the course, the home directory).
        small: whether its papers are of the small size.

    Raises:
        NoSandbox: if this machine cannot isolate submissions.
    """

    def __init__(self, limits: Limits, isolated: bool = True, hidden: list[Path] | None = None, small: bool = False):
        if sys.platform != "linux":
            raise NoSandbox(ONLY_LINUX)
        self.limits, self.isolated, self._small, self._lock = limits, isolated, small, threading.Lock()
        _sweep()
        self._place = Path(tempfile.mkdtemp(prefix=f"autograder-{os.getpid()}-"))
        self._place.chmod(0o755)
        self._held = hold(self._place)
        self._groups = _groups() if isolated else None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process: subprocess.Popen[bytes] | None = None
        with theirs:
            self._process = self._start(theirs.fileno(), hidden or [])
        try:
            self._send({"kind": "import", "limits": asdict(limits), "isolation": asdict(self._isolation())}, [])
            self._control.settimeout(START_SECONDS)
            answer = self._control.recv(1000)
        except (OSError, WorkerError):
            answer = b""
        if answer != b"isolated":
            words = answer.decode(errors="replace") or self._words() or "it gave no reason"
            self.close()
            raise NoSandbox(f"bubblewrap cannot isolate submissions: {words}")

    @property
    def grouped(self) -> bool:
        """Whether control groups keep the limits."""
        return self._groups is not None

    def _start(self, descriptor: int, hidden: list[Path]) -> subprocess.Popen[bytes]:
        package, backend = bubblewrap.lay_out(self._place / "package"), os.environ.get("KERAS_BACKEND", "tensorflow")
        if self.isolated:
            line, variables = bubblewrap.command(package, descriptor, hidden, backend, self._small), dict(os.environ)
        else:
            (self._place / "home").mkdir()
            line = bubblewrap.interpreter(str(package), descriptor, isolated=False)
            variables = {
                **bubblewrap.environment(str(package), backend, self._small),
                "AUTOGRADER_PLACE": str(self._place / "home"),
            }
        try:
            return subprocess.Popen(
                line,
                pass_fds=[descriptor],
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                start_new_session=True,
                cwd="/",
            )
        except OSError as error:
            self.close()
            raise NoSandbox(f"the command {line[0]} cannot be started: {error.strerror}") from error

    def _isolation(self) -> Isolation:
        return Isolation(self.isolated, self.isolated and bubblewrap.own_users())

    def set_papers(self, papers: list[Paper]) -> None:
        """Gives the worker what its submissions are asked from now on, and waits until it is ready.

        Raises:
            WorkerError: if it ends instead, or takes too long.
        """
        with self._lock:
            self._control.settimeout(START_SECONDS)
            try:
                self._send({"kind": "papers"}, [_in_memory(pickle.dumps({paper.question: paper for paper in papers}))])
                answer = self._control.recv(100)
            except OSError:
                answer = b""
            if answer != b"ready":
                words = self._words()
                self.close()
                raise WorkerError(f"the sandbox's worker did not start: {words or 'it gave no reason'}")
            self._control.settimeout(None)

    def _words(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._process:
                self._process.wait(2)
        if self._errors.closed:
            return "it was closed"
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return "; ".join(lines[-3:])[-600:]

    def close(self) -> None:
        """Ends the worker and all that it started."""
        self._control.close()
        if process := self._process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2)
            if process.poll() is None:
                process.kill()
                process.wait()
        self._errors.close()
        if self._groups:
            self._groups.close()
        shutil.rmtree(self._place, ignore_errors=True)
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def _send(self, order: dict[str, Any], descriptors: list[int]) -> None:
        """Hands over an order with open files, which are closed here."""
        try:
            socket.send_fds(self._control, [json.dumps(order).encode()], descriptors)
        except OSError as error:
            raise WorkerError(f"the sandbox's worker is gone: {error.strerror}; {self._words()}") from error
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def run(self, sources: list[str], limits: Limits | None = None) -> Sitting:
        """Runs a notebook's code cells.

        Raises:
            WorkerError: if the worker is gone or cannot isolate the submission.
        """
        limits = limits or self.limits
        try:
            group = self._groups.new(limits) if self._groups else None
        except OSError as error:
            raise WorkerError(f"the sandbox's control groups are gone: {error}") from error
        try:
            results, theirs = os.pipe()
            leash, line = socket.socketpair()
            order = {
                "kind": "run",
                "isolation": asdict(self._isolation()),
                "limits": asdict(limits),
                "watch_memory": group is None,
            }
            cells = _in_memory(json.dumps(sources).encode())
            with self._lock:
                self._send(order, [cells, theirs, line.detach(), *(group.descriptors() if group else [])])
            return Reader(Channel(results, leash, limits, group), len(sources)).read()
        finally:
            if group:
                group.remove()


def _sweep() -> None:
    """Removes what workers of runs that were killed left in the temporary directory."""
    for place in Path(tempfile.gettempdir()).glob("autograder-*-*"):
        process = place.name.split("-")[1]
        if process.isdigit() and not Path("/proc", process).exists() and Path("/proc/self").exists():
            with contextlib.suppress(OSError):
                if (held := hold(place)) is not None:
                    shutil.rmtree(place, ignore_errors=True)
                    os.close(held)


def _groups() -> Groups | None:
    try:
        return Groups()
    except NoGroups:
        return None


def _in_memory(content: bytes) -> int:
    """A descriptor to read `content` from, which nobody can change."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed here, its duplicate by who reads it
    file.write(content)
    file.seek(0)
    descriptor = os.dup(file.fileno())
    file.close()
    return descriptor
