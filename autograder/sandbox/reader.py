"""Reads what one submission sends while it runs, and keeps it to its time.

Whatever comes back was in a submission's hands, so nothing of it is trusted: not its form, its size or its pace.
"""

import contextlib
import json
import os
import re
import select
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autograder.sandbox.control_groups import Group
from autograder.sandbox.inner.frames import BadFrame, Frames
from autograder.sandbox.inner.limits import GRACE, Limits

PIECE = 2**20
MAX_ABSENT = 5
MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,40}")
SMALL, FEW, PAUSE = 4096, 1000, 0.01  # pieces of fewer bytes; after so many of them, wait so many seconds for more


class WorkerError(RuntimeError):
    """The worker cannot be started, or is gone: the grader's own fault, never a submission's."""


@dataclass
class CellRun:
    """What one code cell gave: its outputs as they came (hostile), and the answer sheets written while it ran."""

    outputs: object
    sheets: Mapping[str, bytes | bytearray]
    late: bool


@dataclass
class Sitting:
    """What running one submission gave.

    Args:
        cells: by the number of the code cell; a cell that did not end is not there.
        status: "graded", "timeout", "memory" or "crashed".
        reason: why it did not run to its end, said of `stopped_at`; None if it did.
        stopped_at: the code cell that was running when it was ended, or None.
        peak_mb: the most memory it held, where that is known.
        absent: the packages that it imported and that there are not, as it says itself: plain names, a few.
    """

    cells: dict[int, CellRun] = field(default_factory=dict)
    status: str = "graded"
    reason: str | None = None
    stopped_at: int | None = None
    peak_mb: float | None = None
    absent: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Channel:
    """The grader's ends of one submission: its results, the leash to its supervisor, its limits and control group."""

    results: int
    leash: socket.socket
    limits: Limits
    group: Group | None


class Reader:
    """Reads one submission's stream to its end, and keeps it to its time.

    Cells begin and end in turn, each once: nothing that a submission sends gives it more time.
    """

    def __init__(self, channel: Channel, cells: int):
        self._results, self._leash, self._limits = channel.results, channel.leash, channel.limits
        self._group, self._cells = channel.group, cells
        self._sitting, self._finished, self._late = Sitting(), False, ""
        self._running: int | None = None
        self._next_cell, self._small_pieces = 0, 0
        self._trace = ""
        self._end = time.monotonic() + self._limits.notebook_seconds + 2 * GRACE
        self._cell_end = self._end

    def read(self) -> Sitting:
        frames = Frames(self._limits.result_mb * 2**20, self._limits.words)
        os.set_blocking(self._results, False)
        problem = ""
        try:
            while not self._finished and (piece := self._piece()):
                for header, blobs in frames.feed(piece):
                    self._take(header, blobs)
        except BadFrame as error:
            problem = str(error)
        except TimeoutError:
            self._late = "timeout"
        finally:
            os.close(self._results)
            outcome = self._let_go()
        return self._judge(outcome, problem)

    def _piece(self) -> bytes:
        if self._small_pieces > FEW:  # a byte at a time, it would cost the grader more than the submission
            time.sleep(PAUSE)
        left = min(self._end, self._cell_end) - time.monotonic()
        if left <= 0 or not select.select([self._results], [], [], left)[0]:
            raise TimeoutError
        piece = os.read(self._results, PIECE)
        self._small_pieces += len(piece) < SMALL
        return piece

    def _take(self, header: dict[str, Any], blobs: dict[str, bytearray]) -> None:
        kind, number = header.get("kind"), header.get("cell")
        begins = kind == "start" and self._running is None and number == self._next_cell < self._cells
        if self._finished:
            raise BadFrame("something came after its end")
        if kind == "end":
            self._finished = True
        elif kind == "broken":
            self._trace = str(header.get("trace"))[-2000:]
        elif type(number) is int and begins:
            self._running, self._next_cell = number, number + 1
            self._cell_end = time.monotonic() + self._limits.cell_seconds + GRACE
        elif type(number) is int and kind == "cell" and number == self._running:
            late = header.get("late") is True
            self._sitting.cells[number] = CellRun(header.get("outputs"), blobs, late)
            self._sitting.absent = _names(header.get("absent"))
            self._running, self._cell_end = None, self._end
        else:
            raise BadFrame("a frame came out of turn")

    def _let_go(self) -> dict[str, Any]:
        """Ends what still runs, and takes the supervisor's report."""
        if not self._finished:
            with contextlib.suppress(OSError):
                self._leash.settimeout(0.3)  # a process that ended by itself is told apart from one that we end
                return self._outcome()
        with self._leash:
            self._leash.settimeout(60)
            with contextlib.suppress(OSError):  # it may have reported and gone before we come to say so
                self._leash.sendall(b"stop")
            with contextlib.suppress(OSError):
                return self._outcome()
        return {"failed": "its supervisor did not answer"}

    def _outcome(self) -> dict[str, Any]:
        text = self._leash.recv(4000)
        return json.loads(text) if text else {"failed": "its supervisor is gone"}

    def _judge(self, outcome: dict[str, Any], problem: str) -> Sitting:
        sitting = self._sitting
        if "failed" in outcome:
            raise WorkerError(f"the submission could not be isolated: {outcome['failed']}")
        if self._trace and not sitting.cells and self._running is None:
            raise WorkerError(f"the sitting did not begin: {self._trace.splitlines()[-1]}")
        if self._group:
            sitting.peak_mb = self._group.peak_mb()
        late = [number for number, cell in sitting.cells.items() if cell.late]
        if not self._finished:
            sitting.stopped_at = self._running
            sitting.status, sitting.reason = self._end_of(outcome, problem)
        elif late:
            sitting.status, sitting.reason = "timeout", None
        return sitting

    def _end_of(self, outcome: dict[str, Any], problem: str) -> tuple[str, str]:
        limits = self._limits
        if problem:
            return "crashed", f"what it handed back could not be read: {problem}"
        if outcome["stopped"] == "memory" or (outcome["code"] == -9 and self._ran_out()):
            return "memory", f"it needed more than {limits.memory_mb} MB of memory"
        if self._late or outcome["stopped"] == "time" or outcome["code"] == -24:
            return "timeout", f"it ran for more than {limits.cell_seconds:g} s"
        return "crashed", "its process ended"

    def _ran_out(self) -> bool:
        return self._group is not None and self._group.ran_out_of_memory()


def _names(told: object) -> list[str]:
    """What of a submission's words are names of modules."""
    words = told[:MAX_ABSENT] if isinstance(told, list) else []
    return [word for word in words if isinstance(word, str) and MODULE.fullmatch(word)]
