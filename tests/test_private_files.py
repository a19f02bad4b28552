"""Students' data stays on the instructor's machine: git and container builds pass it over, `make clean` keeps it."""

import shutil
import subprocess
from pathlib import Path

import pytest

# As nbgrader, `autograder`, learning platforms, spreadsheets, editors and people name such files.
PRIVATE = [
    "downloaded/03-resblock/archive/submissions.zip",
    "downloaded/03-resblock/extracted/mei_attempt_1/03-resblock.ipynb",
    "submitted/mei/03-resblock/03-resblock.ipynb",
    "submissions/mei.ipynb",
    "submissions-2026-11-25.zip",
    "autograded/mei/03-resblock/03-resblock.ipynb",
    "feedback/mei/03-resblock/03-resblock.html",
    "inbound/mei+03-resblock+2026-11-25.ipynb",
    "roster.csv",
    "Roster_Autumn.xlsx",
    "students.csv",
    "Students 2026.xlsx",
    "participants.csv",
    "grades.csv",
    "Grades-03.xlsx",
    "gradebook.csv",
    "marks_03.csv",
    "report.json",
    "report-03-resblock.csv",
    "Report.html",
    "reports/03-resblock.html",
    "similar-03-resblock.json",
    "exports/canvas.csv",
    "export-moodle.csv",
    "gradebook.db",
    "gradebook.db-wal",
    "gradebook.db-journal",
    "gradebook.db.2026-11-25-074458.123456",
    "gradebook_old.db",
    "class.sqlite3",
    "gradebook.db.bak",
    "gradebook.db~",
    "backup/gradebook.db",
    "backup-2026-11-25.tar.gz",
    "backup.zip",
    ".nbgrader.log",
    "_build/exam/03-resblock/exam.json",
]
PLACES = ["", "class/", "autumn 2026/group b/"]  # the class lies in the fork itself, or in a folder of its own
OWN = [
    "autograder/classroom/gradebook.py",
    "autograder/classroom/report.html",
    "autograder/classroom/reports/table.py",
    "tests/classroom/data/roster.csv",
    "book/03-resblock.md",
    "exercises/03-resblock/03-resblock.ipynb",
    "requirements.lock",
]


def git(place: Path, *arguments: str, text: str = "") -> str:
    """What git prints, in a place where no other settings than the place's own hold."""
    line = ["git", "-c", "core.excludesFile=", *arguments]
    done = subprocess.run(line, cwd=place, input=text, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr  # 1: nothing matched
    return done.stdout


def passed_over(place: Path, names: list[str]) -> set[str]:
    """Those of the names that git ignores in `place`."""
    return set(git(place, "check-ignore", "--no-index", "-z", "--stdin", text="\0".join(names)).split("\0")) - {""}


def docker_rules(text: str) -> str:
    """A .dockerignore as a .gitignore: git finds a name without a slash at any depth, Docker in the top folder only."""
    rules = []
    for line in text.splitlines():
        bare = line.removeprefix("!")
        anchored = bare if line.startswith("#") or bare.startswith("**/") else f"/{bare}"
        rules.append("!" * line.startswith("!") + anchored + ("/**" if line.startswith("!") else ""))
    return "\n".join(rules)


@pytest.fixture(params=[".gitignore", ".dockerignore"])
def checkout(request: pytest.FixtureRequest, root: Path, tmp_path: Path) -> Path:
    """An empty repository that has only these rules."""
    text = (root / request.param).read_text()
    (tmp_path / ".gitignore").write_text(docker_rules(text) if request.param == ".dockerignore" else text)
    git(tmp_path, "init", "--quiet")
    return tmp_path


@pytest.mark.parametrize("place", PLACES)
def test_students_data_is_passed_over(checkout: Path, place: str):
    names = [place + name for name in PRIVATE]
    assert sorted(set(names) - passed_over(checkout, names)) == []


def test_the_course_itself_is_not_passed_over(checkout: Path):
    assert passed_over(checkout, OWN) == set()


def test_nothing_that_is_committed_is_passed_over(root: Path, checkout: Path):
    if not (root / ".git").exists():
        pytest.skip("not a git checkout")
    committed = git(root, "ls-files", "-z").split("\0")[:-1]
    assert len(committed) > 200
    assert passed_over(checkout, committed) == set()


def test_clean_keeps_what_belongs_to_a_class(root: Path, tmp_path: Path):
    kept = [
        "_build/exam/03-resblock/exam.json",  # the papers' seed, and the results so far
        "_build/exam/03-resblock/results/0123.json",
        "submitted/mei/03-resblock/03-resblock.ipynb",
        "gradebook.db",
        "class/_build/exam/03-resblock/exam.json",
    ]
    gone = ["_build/html/index.html", "_build/.jupyter_cache/x", ".venv/bin/python", ".mypy_cache/x", "a.egg-info/PKG"]
    shutil.copy(root / "Makefile", tmp_path)
    for name in kept + gone:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    for _ in range(2):  # the second time there is nothing to clean
        subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"Makefile", *kept}
