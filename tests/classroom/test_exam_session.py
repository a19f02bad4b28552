"""The exam session: a worker that is gone is replaced, and without a sandbox nothing is graded."""

import json
import os
import signal
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from autograder.classroom.course import CourseError
from autograder.classroom.exam_session import ExamSession, Settings, keras_device
from autograder.sandbox.worker import WorkerError
from tests.classroom.conftest import NAME, RIGHT, SampleCourse
from tests.sandbox.test_worker import LIMITS, QUESTION, outputs, pytestmark  # noqa: F401 - skips where there is none


def test_exam_session_replaces_a_worker_that_is_gone(tmp_path: Path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print('here')")])
    with ExamSession(tmp_path, Settings(LIMITS)) as session:
        session._marker = SimpleNamespace(papers=[QUESTION])
        session._worker.set_papers([QUESTION])
        assert "here" in outputs(session.run(notebook))
        os.kill(session._worker._process.pid, signal.SIGKILL)
        session._worker._process.wait()
        assert "here" in outputs(session.run(notebook))
    with pytest.raises(WorkerError, match="stopped"):
        session.run(notebook)


def test_grade_refuses_where_there_is_no_sandbox(course: SampleCourse, monkeypatch: pytest.MonkeyPatch):
    course.hand_in("one", RIGHT)
    monkeypatch.setenv("PATH", str(course.root))
    done = course.grade(NAME, "--json", str(course.root / "report.json"))
    (result,) = json.loads((course.root / "report.json").read_text())
    assert done.exit_code == 1
    assert (result["status"], result["score"]) == ("refused", None)
    assert "bwrap" in result["reason"]
    assert not (course.root / "gradebook.db").exists()


def test_grade_unsandboxed_says_so_in_the_report(course: SampleCourse):
    course.hand_in("one", RIGHT)
    done = course.grade(NAME, "--unsandboxed", "--json", str(course.root / "report.json"))
    assert done.exit_code == 0, done.output
    (result,) = json.loads((course.root / "report.json").read_text())
    assert (result["status"], result["score"]) == ("graded", 10)
    assert any("without a sandbox" in warning for warning in result["warnings"])


def test_exam_session_says_that_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch):
    import keras

    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind: [])
    with pytest.raises(CourseError, match="GPU"):
        keras_device("gpu")
    assert keras_device("auto") == "cpu:0"
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind: ["gpu:0"])
    assert keras_device("auto") == keras_device("gpu") == "gpu:0"
    with pytest.raises(CourseError, match="must be one of"):
        keras_device("tpu")
