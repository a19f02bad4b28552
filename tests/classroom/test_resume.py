"""A run that is killed goes on where it was: each submission is graded once, and the gradebook is sound."""

import json
import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from autograder.classroom.exam_state import CLASS_RESULTS, ExamState, forget_departed, read_private, write_private
from tests.classroom.conftest import BARE_PATH, BIN, NAME, RIGHT, STEP, SampleCourse

SLEEPY = {**RIGHT, STEP: "import time\ndef denoise_step(*x):\n    time.sleep(6)\n    return x[0]"}


def results(course: SampleCourse) -> dict[str, float]:
    """When each result was kept, by the student."""
    files = (course.root / "_build" / "exam" / NAME / "results").glob("*.json")
    return {json.loads(path.read_text())["student"]: path.stat().st_mtime for path in files}


def seed(course: SampleCourse) -> int:
    return json.loads((course.root / "_build" / "exam" / NAME / "exam.json").read_text())["seed"]


def test_grade_after_kill_9_goes_on_and_grades_each_once(course: SampleCourse):
    for student in ("ada", "boris"):
        course.hand_in(student, RIGHT)
    for student in ("chen", "dalia"):
        course.hand_in(student, SLEEPY)
    line = [str(BIN / "autograder"), "grade", NAME, "--jobs", "1"]
    process = subprocess.Popen(line, cwd=course.root, env=BARE_PATH, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 600
    while len(results(course)) < 2 and time.monotonic() < deadline:
        time.sleep(0.2)
    started = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(started, timeout=60)
    assert started
    assert not alive
    before, drawn = results(course), seed(course)
    assert set(before) == {"ada", "boris"}

    done = course.grade(NAME, "--json", str(course.root / "report.json"))
    assert done.exit_code == 0, done.output
    after = results(course)
    assert {student: after[student] for student in before} == before  # neither run nor marked again
    assert course.scores() == {"ada": 10, "boris": 10, "chen": 4, "dalia": 4}
    assert seed(course) == drawn
    with sqlite3.connect(course.root / "gradebook.db") as gradebook:
        assert gradebook.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert gradebook.execute("SELECT count(*) FROM submitted_assignment").fetchone() == (4,)

    report = json.loads((course.root / "report.json").read_text())
    again = course.grade(NAME, "--json", str(course.root / "again.json"))
    assert again.exit_code == 0
    assert json.loads((course.root / "again.json").read_text()) == report
    assert results(course) == after


def test_grade_keeps_going_when_the_gradebook_is_locked_and_enters_the_result_later(
    course: SampleCourse, monkeypatch: pytest.MonkeyPatch
):
    from autograder.classroom import gradebook, grading

    course.hand_in("one", RIGHT)
    record = gradebook.record

    def locked(*_):
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(gradebook, "record", locked)
    done = course.grade(NAME, "--json", str(course.root / "report.json"))
    (result,) = json.loads((course.root / "report.json").read_text())
    assert done.exit_code == 1
    assert (result["status"], result["score"]) == ("error", None)
    assert "database is locked" in result["reason"]

    kept = results(course)
    monkeypatch.setattr(gradebook, "record", record)
    monkeypatch.setattr(grading.ExamSession, "run", lambda *_: pytest.fail("it was run before"))
    assert course.grade(NAME).exit_code == 0
    assert course.scores() == {"one": 10}
    assert results(course) == kept


def test_state_keeps_the_seed_until_it_is_told_otherwise(tmp_path: Path):
    first = ExamState.open(tmp_path, NAME, "tiny")
    first.save("key", {"student": "one"})
    second = ExamState.open(tmp_path, NAME, "tiny")
    assert second.seed == first.seed
    assert second.load("key") == {"student": "one"}
    assert second.key("a") == first.key("a") != first.key("b")
    assert ExamState.open(tmp_path, NAME, "tiny", seed=5).seed == 5
    again = ExamState.open(tmp_path, NAME, "tiny", again=True)
    assert again.load("key") is None
    again.save("key", {"student": "one"})
    again.forget("key")
    assert again.load("key") is None
    assert all(path.stat().st_mode & 0o077 == 0 for path in [again.place, *again.place.rglob("*")])


def test_state_forgets_who_is_gone_in_every_exercise(tmp_path: Path):
    states = [ExamState.open(tmp_path, name, "tiny") for name in (NAME, "02-other")]
    for state in states:
        for student in ("ada", "boris"):
            state.save(state.key(student, "notebook"), {"student": student})
        write_private(state.place / CLASS_RESULTS, {"ada": {"score": 1}, "boris": {"score": 2}})
    forget_departed(tmp_path, {"boris", "chen"})
    for state in states:
        assert state.load(state.key("ada", "notebook")) is None
        assert state.load(state.key("boris", "notebook")) == {"student": "boris"}
        assert len(list((state.place / "results").iterdir())) == 1
        assert read_private(state.place / CLASS_RESULTS) == {"boris": {"score": 2}}


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"seed": "x"}'])
def test_state_that_is_damaged_is_made_anew(tmp_path: Path, damage: str):
    state = ExamState.open(tmp_path, NAME, "tiny")
    (state.place / "exam.json").write_text(damage)
    (state.place / "results" / "key.json").write_text(damage)
    assert type(ExamState.open(tmp_path, NAME, "tiny").seed) is int
    assert not (state.load("key") or {}).get("student")


def test_state_on_a_full_disk_keeps_the_old_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    state = ExamState.open(tmp_path, NAME, "tiny")
    state.save("key", {"student": "one"})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        state.save("key", {"student": "two"})
    assert state.load("key") == {"student": "one"}
    assert not list(tmp_path.rglob("*.part"))
