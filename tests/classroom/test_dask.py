"""Grading on several machines: a real scheduler and workers on loopback, one killed, one without a sandbox."""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("distributed")  # an extra; the lock has it

from distributed import Client

from autograder.classroom.course import Course, CourseError
from autograder.classroom.dask_session import DaskSession
from autograder.classroom.dask_worker import ExamPlugin, versions
from autograder.classroom.exam_session import Settings
from autograder.classroom.grading import Options, grade
from autograder.cli import app
from autograder.sandbox.inner.limits import Limits
from tests.classroom.conftest import AXES, NAME, RIGHT, STEP, new_course

DASK = Path(sys.executable).with_name("dask")
PAUSE = "import time\ntime.sleep(1)\n"  # so that a worker is in the middle of something when it is killed
WRONG = {**RIGHT, AXES: f"{PAUSE}broadcast_embedding = lambda e: e + 0"}
NOSY = {
    AXES: RIGHT[AXES],
    STEP: "import socket\ndef denoise_step(*x):\n    return socket.create_connection(('127.0.0.1', PORT), 2)",
}
PAUSED = {**RIGHT, STEP: PAUSE + RIGHT[STEP]}
KINDS = {"right": (PAUSED, 10), "wrong": (WRONG, 6), "stub": ({}, 0)}
CLASS = {f"{kind}-{number}": KINDS[kind] for number in range(4) for kind in KINDS}


class Cluster:
    """A scheduler and workers, each a process of its own."""

    def __init__(self, place: Path):
        self.place, self.workers = place, {}
        self.scheduler = self._start("scheduler", "scheduler", "--port", "0", "--scheduler-file", "scheduler.json")
        _wait(lambda: "Scheduler at" in self.said("scheduler"), lambda: self.said("scheduler"))
        self.address = re.search(r"Scheduler at:\s+(tcp://\S+)", self.said("scheduler"))[1]
        for name in ("first", "second", "bare"):
            self.add(name, None if name != "bare" else "/nonexistent")
        self.client = Client(self.address, set_as_default=False)
        self.client.wait_for_workers(3, timeout=120)

    def add(self, name: str, path: str | None) -> None:
        limits = ["--nthreads", "1", "--no-nanny", "--memory-limit", "0", "--name", name, "--local-directory", name]
        self.workers[name] = self._start(name, "worker", self.address, *limits, path=path)

    def _start(self, name: str, *line: str, path: str | None = None) -> subprocess.Popen:
        variables = {**os.environ, **({"PATH": path} if path else {})}
        with (self.place / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, DASK, *line, "--host", "127.0.0.1", "--no-dashboard"],
                cwd=self.place, env=variables, stdout=log, stderr=log,
            )  # fmt: skip

    def said(self, name: str) -> str:
        return (self.place / f"{name}.log").read_text()

    def where(self, name: str) -> str:
        return re.search(r"Start worker at:\s+(tcp://\S+)", self.said(name))[1]

    def close(self) -> None:
        self.client.close()
        for process in (*self.workers.values(), self.scheduler):
            process.kill()  # asked to end all at once, they can wait for each other
        for process in (*self.workers.values(), self.scheduler):
            process.wait(30)


def _wait(holds, words, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, words()
        time.sleep(0.1)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    made = new_course(tmp_path_factory.mktemp("course"))
    for student, (answers, _) in CLASS.items():
        made.hand_in(student, answers)
    return made


@pytest.fixture(scope="module")
def cluster(course, tmp_path_factory):
    started = Cluster(tmp_path_factory.mktemp("cluster"))
    yield started
    started.close()


@pytest.fixture(scope="module")
def graded(course, cluster):
    """The class, graded while the second worker is killed with a submission in its hands; how often each came."""
    came: Counter[str] = Counter()

    def on_result(result) -> None:
        came[result.student] += 1
        if len(came) == 2:
            address = cluster.where("second")
            _wait(lambda: any(cluster.client.processing([address]).values()), lambda: "it has nothing to do", 60)
            cluster.workers["second"].kill()

    results = grade(Course.at(course.root), NAME, Options(seed=7, dask=cluster.address), on_result)
    return {result.student: result for result in results}, came


def test_each_submission_is_graded_once_though_a_worker_dies(graded, cluster):
    results, came = graded
    assert cluster.workers["second"].poll() is not None
    assert came == dict.fromkeys(CLASS, 1)
    assert {result.status for result in results.values()} == {"graded"}


def test_scores_are_those_of_one_machine(graded, course):
    expected = {student: points for student, (_, points) in CLASS.items()}
    assert {student: result.score for student, result in graded[0].items()} == expected
    assert course.scores() == expected


def test_worker_without_a_sandbox_is_refused_and_told_of(graded, cluster):
    told = [warning for result in graded[0].values() for warning in result.warnings]
    assert any(cluster.where("bare") in warning and "bwrap" in warning for warning in told)
    assert "grades nothing" in told[0]


def test_submission_on_a_worker_has_no_network(graded, course, cluster):
    port = cluster.address.rpartition(":")[2]
    course.hand_in("nosy", {key: text.replace("PORT", port) for key, text in NOSY.items()})
    line = ["grade", NAME, "--course", str(course.root), "--dask", cluster.address, "--student", "nosy"]
    done = CliRunner().invoke(app, [*line, "--jobs", "1"])
    assert done.exit_code == 0, done.output
    (step,) = [o for c in course.autograded("nosy").cells if c.id == "denoise-step" for o in c.outputs]
    assert step.ename == "CheckFailed"
    assert re.search("unreachable|refused|not permitted|denied", step.evalue.lower())


def test_nothing_that_gives_answers_away_is_sent(course):
    """What a worker gets: papers as a sitting sees them, and no seed."""
    import pickle

    from autograder.classroom.exam_state import ExamState
    from autograder.classroom.notebook_marker import NotebookMarker

    state = ExamState.open(course.root, NAME, "tiny")
    marker = NotebookMarker(["denoise-step"], state.seed, "tiny")
    sent = pickle.dumps(ExamPlugin(marker.papers, Limits(), True, True, versions()))
    right = marker.markers["denoise-step"].right().cases[0].runs["base"][0]
    assert marker.papers[0].cases[0].inputs["image"].tobytes() in sent
    assert right.tobytes() not in sent
    assert b"autograder.questions" not in sent


def test_worker_with_other_versions_is_refused(tmp_path):
    class Here:
        local_directory = str(tmp_path)

    plugin = ExamPlugin([], Limits(), True, True, versions() | {"keras": "2.0"})
    plugin.setup(Here())
    assert re.fullmatch(r"keras is [\d.]+, not 2\.0", plugin.wait())


def test_scheduler_that_is_not_there_is_said(course, monkeypatch):
    from autograder.classroom import dask_session

    monkeypatch.setattr(dask_session, "CONNECT_SECONDS", 1)
    with pytest.raises(CourseError, match="scheduler that answers"):
        DaskSession(course.root, Settings(Limits()), "tcp://127.0.0.1:1")


def test_nothing_is_graded_where_no_worker_has_a_sandbox(graded, course, cluster):
    """The last test of the cluster: the good worker is gone after it."""
    cluster.workers["first"].kill()
    _wait(lambda: len(cluster.client.nthreads()) == 1, lambda: "it is still there")
    course.hand_in("late", RIGHT)
    (result,) = grade(Course.at(course.root), NAME, Options(dask=cluster.address, students=["late"]))
    assert (result.status, result.score) == ("refused", None)
    assert cluster.where("bare") in result.reason
    assert "bwrap" in result.reason
