"""The levels of isolation: what a sandbox still does without control groups, unsandboxed, and in other places."""

import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from autograder.sandbox import worker
from autograder.sandbox.probe import findings
from autograder.sandbox.worker import Worker, WorkerError
from tests.sandbox import test_worker
from tests.sandbox.test_worker import LEAVE, LIMITS, QUESTION, ROOT, outputs, printed

pytestmark = test_worker.pytestmark


def test_sandbox_without_control_groups_watches_memory_itself(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(worker, "_groups", lambda: None)
    box = Worker(LIMITS, hidden=[ROOT])
    try:
        box.set_papers([QUESTION])
        assert not box.grouped
        sitting = box.run(["x = bytearray(2 * 10**9)\nx[::4096] = b'1' * len(x[::4096])\nimport time; time.sleep(5)"])
        assert sitting.status == "memory"
        test_worker.test_sandbox_limits_processes(box)
    finally:
        box.close()
    with pytest.raises(WorkerError, match="gone"):
        box.run(["1"])


def test_sandbox_less_run_still_ends_what_it_started():
    """What `--unsandboxed` means: the grader's own rights, but limits by process and an end to all it started."""
    box = Worker(LIMITS, isolated=False)
    try:
        box.set_papers([QUESTION])
        sitting = box.run([LEAVE.replace('pathlib.Path("/dev/shm/note").write_text("hello")', ""), "print('on')"])
        assert "on" in outputs(sitting, 1)
        assert not [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "987654"]]
    finally:
        Path("/tmp/note").unlink(missing_ok=True)
        box.close()


def test_sandbox_finds_packages_that_lie_in_tmp(monkeypatch: pytest.MonkeyPatch):
    """A course may be checked out there, with its environment, while every submission has a `/tmp` of its own."""
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        package = Path(place, "site-packages")
        package.mkdir()
        (package / "lies_in_tmp.py").write_text("where = 'found'")
        monkeypatch.setattr(sys, "path", [*sys.path, str(package)])
        box = Worker(LIMITS, hidden=[Path(place)])
        try:
            box.set_papers([QUESTION])
            assert printed(box, "import lies_in_tmp; print(lies_in_tmp.where)") == "found\n"
            assert printed(box, f"import os; print(os.path.exists({place!r}))") == "False\n"
        finally:
            box.close()


def test_probe_findings_say_what_holds_and_why_not():
    from autograder.sandbox.probe import Support

    assert all(holds for _, holds, _ in findings(Support("", "", "")))
    assert Support("", "none", "").level == "watchdog"
    without = findings(Support("bwrap is not installed", "none", "none"))
    assert not any(holds for _, holds, _ in without)
    assert "bwrap is not installed" in without[0][2]


def test_sandbox_less_submissions_share_no_directory():
    """Else one could import what another wrote, or leave it there for the next one to import."""
    box = Worker(LIMITS, isolated=False)
    try:
        box.set_papers([QUESTION])
        assert printed(box, "%%writefile mine.py\nvalue = 1", "import mine; print(mine.value)") == "1\n"
        assert "mine is not there" in printed(box, "import mine")
        assert printed(box, "import os; print([name for name in os.listdir('.') if name != 'sheets'])") == "[]\n"
    finally:
        box.close()
