"""The process from which submissions are forked: it has imported what they need, and has run no operation.

It is started inside bubblewrap, takes orders over one socket, and lives until that socket is closed. For each
submission it forks a supervisor, which forks the submission's first process into namespaces of its own:

    zygote ─ fork ─ supervisor (unshares, watches) ─ fork ─ the notebook's process, first of its pid namespace

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

from autograder.sandbox.inner import supervisor
from autograder.sandbox.inner.frames import pack
from autograder.sandbox.inner.limits import GRACE, Limits
from autograder.sandbox.inner.namespaces import (
    Isolation,
    close_all_but,
    drop_rights,
    enter_namespaces,
    join_control_groups,
    mount_own_places,
    start_session,
    try_isolation,
)
from autograder.sitting import checks

ORDER_LIMIT = 65536
MAX_DESCRIPTORS = 16
NOT_ISOLATED = 71  # exit status of a supervisor that could not isolate its submission


@dataclass(frozen=True)
class Order:
    """One submission to run. The grader sends it as JSON, with open files: the cells, the results, the leash, groups.

    Args:
        isolation: how far it is isolated.
        limits: what it may use.
        watch_memory: whether the supervisor keeps the memory limit, for want of a control group.
    """

    isolation: Isolation
    limits: Limits
    watch_memory: bool

    @classmethod
    def read(cls, order: dict[str, Any]) -> "Order":
        return cls(Isolation(**order["isolation"]), Limits(**order["limits"]), order["watch_memory"])


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
            control.sendall(try_isolation(Isolation(**order["isolation"])).encode() or b"isolated")
            shell = _import_everything(Limits(**order["limits"]))
        elif order["kind"] == "papers":
            with os.fdopen(descriptors[0], "rb") as file:
                checks.PAPERS = pickle.load(file)  # the grader's own words: trusted here
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # supervisors are not waited for: they report for themselves
            gc.collect()
            gc.freeze()  # what is there now is shared with all that are forked, and stays untouched
            control.sendall(b"ready")
        else:
            _fork_supervisor(control, Order.read(order), shell, descriptors)


def _import_everything(limits: Limits) -> Any:
    import autograder
    from autograder.sandbox.inner.cell_runner import make_shell
    from autograder.sandbox.inner.import_guard import guard_imports
    from autograder.sitting.quiet import quiet

    guard_imports()
    with quiet():
        assert autograder.check  # type: ignore[attr-defined]  # imports Keras
        return make_shell(limits)


def _fork_supervisor(control: socket.socket, order: Order, shell: Any, descriptors: list[int]) -> None:
    if os.fork() == 0:
        status = NOT_ISOLATED
        try:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            status = _supervise(order, shell, descriptors)
        finally:
            os._exit(status)
    for descriptor in descriptors:
        os.close(descriptor)


def _supervise(order: Order, shell: Any, descriptors: list[int]) -> int:
    cells, results, line, *groups = descriptors
    leash = socket.socket(fileno=line)
    try:
        enter_namespaces(order.isolation)
        supervisor.adopt_orphans()
        first = os.fork()
    except OSError as error:
        supervisor.report(leash, {"failed": str(error)})
        return NOT_ISOLATED
    if first == 0:
        _run_notebook(order, shell, cells, results, groups)
    for descriptor in (cells, results, *groups):
        os.close(descriptor)
    seconds = order.limits.notebook_seconds + order.limits.cell_seconds + 2 * GRACE
    memory_mb = order.limits.memory_mb if order.watch_memory else None
    watched = supervisor.Watched(first, order.isolation.separate, memory_mb)
    supervisor.report(leash, supervisor.watch(watched, leash, seconds))
    return 0


def _run_notebook(order: Order, shell: Any, cells: int, results: int, groups: list[int]) -> None:
    """Isolates this process and runs the notebook. Never returns."""
    from autograder.sandbox.inner.cell_runner import run_cells

    status, stream = 1, results
    try:
        with os.fdopen(cells, "rb") as file:
            sources = json.load(file)
        join_control_groups(groups)
        mount_own_places(order.isolation, order.limits)
        stream = close_all_but(results)
        drop_rights(order.isolation, order.limits)
        start_session(order.isolation)
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
