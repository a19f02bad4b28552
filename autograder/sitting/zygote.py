"""The process from which submissions are forked: it has imported what they need, and has run no operation.

It is started inside the outer walls, takes orders over one socket, and lives until that socket is closed. For each
submission it forks a warden, which forks the submission's first process into namespaces of its own:

    zygote ─ fork ─ warden (unshares, watches) ─ fork ─ the notebook's process, the first of its pid namespace

Of the socket and of other submissions' streams, the notebook's process holds nothing.
"""

import contextlib
import gc
import json
import os
import pickle
import signal
import socket
import sys
import traceback
from dataclasses import dataclass
from typing import Any

from autograder.sitting import checks, warden
from autograder.sitting.frames import pack
from autograder.sitting.limits import GRACE, Limits
from autograder.sitting.rooms import (
    Rooms,
    become_a_session,
    furnish,
    give_up_rights,
    join_groups,
    leave_the_others,
    only_keep,
    try_rooms,
)

ORDER_LIMIT = 65536
MAX_DESCRIPTORS = 16
NO_ROOM = 71  # exit status of a warden that could not wall its submission off


@dataclass(frozen=True)
class Order:
    """One submission to run. The grader sends it as JSON, with open files: the cells, the results, the leash, groups.

    Args:
        rooms: how far it is walled off.
        limits: what it may use.
        watch_memory: whether the warden keeps the memory limit, for want of a control group.
    """

    rooms: Rooms
    limits: Limits
    watch_memory: bool

    @classmethod
    def read(cls, order: dict[str, Any]) -> "Order":
        return cls(Rooms(**order["rooms"]), Limits(**order["limits"]), order["watch_memory"])


def main(descriptor: int) -> None:
    """Serves the grader on the socket `descriptor` until it closes it."""
    control = socket.socket(fileno=descriptor)
    shell = None
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, ORDER_LIMIT, MAX_DESCRIPTORS)
        if not message:
            return
        order = json.loads(message)
        if order["kind"] == "import":
            control.sendall(try_rooms(Rooms(**order["rooms"])).encode() or b"walls stand")
            shell = _import_everything(Limits(**order["limits"]))
        elif order["kind"] == "papers":
            with os.fdopen(descriptors[0], "rb") as file:
                checks.PAPERS = pickle.load(file)  # the grader's own words: trusted here, as the walls are
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # wardens are not waited for: they report for themselves
            gc.collect()
            gc.freeze()  # what is there now is shared with all that are forked, and stays untouched
            control.sendall(b"ready")
        else:
            _fork_warden(control, Order.read(order), shell, descriptors)


def _import_everything(limits: Limits) -> Any:
    import autograder
    from autograder.sitting.absent import explain_absence
    from autograder.sitting.quiet import quiet
    from autograder.sitting.session import make_shell

    explain_absence()
    with quiet():
        assert autograder.check  # type: ignore[attr-defined]  # imports Keras
        return make_shell(limits)


def _fork_warden(control: socket.socket, order: Order, shell: Any, descriptors: list[int]) -> None:
    if os.fork() == 0:
        status = NO_ROOM
        try:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            status = _be_warden(order, shell, descriptors)
        finally:
            os._exit(status)
    for descriptor in descriptors:
        os.close(descriptor)


def _be_warden(order: Order, shell: Any, descriptors: list[int]) -> int:
    cells, results, line, *groups = descriptors
    leash = socket.socket(fileno=line)
    try:
        leave_the_others(order.rooms)
        warden.adopt_orphans()
        first = os.fork()
    except OSError as error:
        warden.report(leash, {"failed": str(error)})
        return NO_ROOM
    if first == 0:
        _be_notebook(order, shell, cells, results, groups)
    for descriptor in (cells, results, *groups):
        os.close(descriptor)
    seconds = order.limits.notebook_seconds + order.limits.cell_seconds + 2 * GRACE
    room = warden.Room(first, order.rooms.separate, order.limits.memory_mb if order.watch_memory else None)
    warden.report(leash, warden.watch(room, leash, seconds))
    return 0


def _be_notebook(order: Order, shell: Any, cells: int, results: int, groups: list[int]) -> None:
    """Walls this process in and runs the notebook. Never returns."""
    from autograder.sitting.session import run_cells

    status, stream = 1, results
    try:
        with os.fdopen(cells, "rb") as file:
            sources = json.load(file)
        join_groups(groups)
        furnish(order.rooms, order.limits)
        stream = only_keep(results)
        give_up_rights(order.rooms, order.limits)
        become_a_session(order.rooms)
        main_process = os.getpid()

        def send(header: dict[str, Any], blobs: dict[str, bytes] | None = None) -> None:
            if os.getpid() != main_process:
                os._exit(0)  # a copy that a cell forked, and that ran on out of the cell
            left = memoryview(pack(header, blobs))
            while left:
                left = left[os.write(stream, left) :]

        run_cells(shell, sources, order.limits, send)
        status = 0
    except BaseException:
        with contextlib.suppress(BaseException):
            os.write(stream, pack({"kind": "broken", "trace": traceback.format_exc()}))
    finally:
        os._exit(status)


if __name__ == "__main__":
    main(int(sys.argv[1]))
