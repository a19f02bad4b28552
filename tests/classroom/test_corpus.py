"""The hostile corpus, graded: no point above a submission's honest part, nothing else touched, nothing left behind."""

import hashlib
import json
import shutil
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from autograder.notebooks import write_exercises
from tests.classroom.conftest import BARE_PATH, BIN, ROOT
from tests.classroom.corpus import NAME, RIGHT, Submission, everything

CORPUS = everything()
LIMITS = {  # what a submission may use, by class: lower than a course's, so that exceeding it takes little time
    "quiet": {"cell_seconds": 30, "notebook_seconds": 90},
    "greedy": {"cell_seconds": 6, "notebook_seconds": 25, "memory_mb": 1500, "processes": 64, "disk_mb": 32},
}
JOBS = {"quiet": 2, "greedy": 3}  # the greedy mostly wait for their time to be up
HONEST = Submission("zz-honest", 10, RIGHT)  # handed in to every class: no one else's attack may change its grade
DAEMON = "corpus-daemon"  # what an attack calls the process that it leaves behind
SLACK = 20.0  # seconds a submission may take above its limit, on a machine that does much else


@dataclass
class Class:
    """A class of the corpus, handed in and graded."""

    root: Path
    report: dict[str, dict[str, Any]] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)
    done: subprocess.CompletedProcess[str] | None = None
    left: list[str] = field(default_factory=list)

    def outputs(self, student: str) -> str:
        """What the autograded notebook shows as output, as text."""
        path = self.root / "autograded" / student / NAME / f"{NAME}.ipynb"
        cells = nbformat.read(path, as_version=4).cells
        return json.dumps([cell.get("outputs", []) for cell in cells], ensure_ascii=False)


def fingerprints(directory: Path) -> dict[str, str]:
    """What lies below a directory: kind, rights and content."""
    found = {}
    for path in sorted(directory.rglob("*")):
        facts, text = path.lstat(), ""
        if path.is_symlink():
            text = str(path.readlink())
        elif path.is_file() and facts.st_size < 10_000_000:
            text = hashlib.sha256(path.read_bytes()).hexdigest()
        found[str(path.relative_to(directory))] = f"{facts.st_mode} {facts.st_size} {text}"
    return found


def new_class(root: Path, limits: dict[str, int]) -> Class:
    (root / "solutions" / NAME).mkdir(parents=True)
    shutil.copy(Path(__file__).parent / "data" / f"{NAME}.py", root / "solutions" / NAME)
    shutil.copy(ROOT / "_config.yml", root)
    settings = (ROOT / "nbgrader_config.py").read_text()
    said = "".join(f"c.SitExam.{key} = {value}\n" for key, value in limits.items())
    (root / "nbgrader_config.py").write_text(f"{settings}\n{said}")
    write_exercises(root)
    return Class(root)


def grade(name: str, root: Path) -> Class:
    """Hands in and grades a class."""
    graded, members = new_class(root, LIMITS[name]), CORPUS[name]
    released = (root / "exercises" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8")
    for member in [*members, HONEST]:
        member.hand_in(released, root / "submitted" / member.id / NAME / f"{NAME}.ipynb")
    (root / "corpus-canary").touch()
    graded.before = fingerprints(root / "submitted")
    line = [str(BIN / "autograder"), "grade", NAME, "--json", "report.json", "--seed", "11"]
    line += ["--jobs", str(JOBS[name])]
    grader = subprocess.Popen(line, cwd=root, env=BARE_PATH, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, errors = grader.communicate(timeout=1500)
    graded.done = subprocess.CompletedProcess(line, grader.returncode, out, errors)
    assert (root / "report.json").exists(), graded.done.stderr[-3000:]
    graded.report = {result["student"]: result for result in json.loads((root / "report.json").read_text())}
    time.sleep(1)
    graded.left = leftovers(grader.pid)
    return graded


def leftovers(grader: int) -> list[str]:
    """Processes of submissions that still run: within the walls of this grader, or without any walls around them.

    Walls are a `bwrap` process, whose command tells the grader's number. What is behind another grader's is not ours.
    """
    found = []
    for process in psutil.process_iter(["uids", "cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        walls = [line for line in map(_command, [process, *_parents(process)]) if line.startswith("bwrap")]
        stranger = process.info["uids"] is not None and process.info["uids"].real >= 10**9
        if any(f"/autograder-{grader}-" in wall for wall in walls) or (not walls and (stranger or DAEMON in line)):
            found.append(f"{process.pid} {line[:100]}")
    return found


def _parents(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.parents()
    except psutil.Error:
        return []


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@pytest.fixture(scope="session")
def graded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Class]:
    """Each class, graded when it is first asked for."""

    class Classes(dict):
        def __missing__(self, name: str) -> Class:
            self[name] = grade(name, tmp_path_factory.mktemp(name))
            return self[name]

    return Classes()


ALL = [pytest.param(name, member, id=member.id) for name, members in CORPUS.items() for member in members]


@pytest.mark.parametrize(("name", "member"), ALL)
def test_corpus_submission_earns_what_is_honest_and_no_more(graded: dict[str, Class], name: str, member: Submission):
    result = graded[name].report[member.id]
    assert result["score"] is not None, result
    assert result["max_score"] == 10
    assert result["score"] <= member.earns, result
    assert member.less or result["score"] == member.earns, result
    assert result["status"] in member.status, result
    assert (result["reason"] is None) == (result["status"] == "graded"), result
    outputs = graded[name].outputs(member.id)
    assert member.says in json.dumps(result, ensure_ascii=False) + outputs, result
    assert result["seconds"] < LIMITS[name]["notebook_seconds"] + SLACK, result
    assert "REACHED" not in outputs
    assert "Traceback" not in (result["reason"] or "")


@pytest.mark.parametrize("name", CORPUS)
def test_corpus_class_is_graded_whole_and_nothing_else_is_touched(graded: dict[str, Class], name: str):
    one = graded[name]
    assert one.done is not None
    assert one.done.returncode == 0, one.done.stderr[-3000:]
    assert set(one.report) == {member.id for member in [*CORPUS[name], HONEST]}
    assert (one.report[HONEST.id]["status"], one.report[HONEST.id]["score"]) == ("graded", 10)
    assert fingerprints(one.root / "submitted") == one.before
    assert one.left == []


@pytest.mark.parametrize("name", CORPUS)
def test_corpus_seed_and_expected_values_are_told_to_no_one(graded: dict[str, Class], name: str):
    for path in [*graded[name].root.glob("autograded/*/*/*.ipynb"), graded[name].root / "report.json"]:
        text = path.read_text(encoding="utf-8")
        assert '"seed"' not in text


@pytest.mark.parametrize("name", CORPUS)
def test_corpus_gradebook_holds_the_reports_scores(graded: dict[str, Class], name: str):
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{graded[name].root / 'gradebook.db'}", "sd-unet") as gradebook:
        scores = {s.student.id: s.score for s in gradebook.assignment_submissions(NAME)}
    assert scores == {student: result["score"] for student, result in graded[name].report.items()}


def test_corpus_has_a_hundred_submissions_and_no_name_twice():
    names = Counter(member.id for members in CORPUS.values() for member in members)
    assert len(names) >= 100
    assert max(names.values()) == 1
    assert all(Path(name).name == name for name in names)
