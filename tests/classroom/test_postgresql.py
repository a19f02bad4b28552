"""A gradebook in PostgreSQL: a server of our own on loopback, and every command that reads or writes a gradebook."""

import csv
import io
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder.classroom.course import CourseError
from autograder.classroom.gradebook_server import check_server, without_password
from autograder.cli import app
from tests.classroom.conftest import AXES, NAME, RIGHT, SampleCourse, new_course

PASSWORD = "long:and@odd"  # as an address holds it: percent-encoded
ENCODED = "long%3Aand%40odd"
START_SECONDS = 60


def _binaries() -> Path:
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not places:
        message = "no PostgreSQL server (apt-get install postgresql)"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    return places[-1]


def _user() -> dict[str, str]:
    """As whom the server runs: it refuses root."""
    if os.geteuid() != 0:
        return {}
    import pwd

    names = {entry.pw_name for entry in pwd.getpwall()}
    name = next(name for name in ("postgres", "nobody") if name in names)
    return {"user": name, "group": pwd.getpwnam(name).pw_gid}


@pytest.fixture(scope="module")
def server():
    """The address of an empty database, without its password's owner but with the password."""
    binaries, whom = _binaries(), _user()
    place = Path(tempfile.mkdtemp(prefix="gradebook-server-", dir="/tmp"))
    (place / "password").write_text(PASSWORD)
    if whom:
        for path in (place, place / "password"):
            shutil.chown(path, whom["user"])
    data, how = place / "data", {"cwd": place, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, **whom}
    line = [binaries / "initdb", "-D", data, "-U", "grader", "-A", "scram-sha-256", "--pwfile=password", "-N"]
    subprocess.run([*line, "--locale=C.UTF-8", "-E", "UTF8"], check=True, **how)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = [binaries / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", place, "-F"]
    log = (place / "log").open("wb")
    process = subprocess.Popen(line, **how | {"stderr": log})
    address = f"postgresql+psycopg://grader:{ENCODED}@127.0.0.1:{port}/postgres"
    try:
        for _ in range(START_SECONDS * 4):
            try:
                check_server(address)
                break
            except CourseError:
                time.sleep(0.25)
        else:
            pytest.fail((place / "log").read_text()[-2000:])
        yield address
    finally:
        process.terminate()
        process.wait(30)
        log.close()
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="module")
def course(server, tmp_path_factory) -> SampleCourse:
    """A class whose gradebook is there, graded once."""
    made = new_course(tmp_path_factory.mktemp("course"))
    with (made.root / "nbgrader_config.py").open("a") as settings:
        settings.write(f'c.CourseDirectory.db_url = "{server}"\n')
    made.hand_in("right", RIGHT)
    made.hand_in("mistaken", {**RIGHT, AXES: "broadcast_embedding = lambda e: e + 0"})
    made.hand_in_text("broken", "{")
    done = made.grade(NAME, "--jobs", "1", "--seed", "7")
    assert done.exit_code == 0, done.output
    return made


def command(course: SampleCourse, *line: str) -> str:
    done = CliRunner().invoke(app, [*line, "--course", str(course.root)])
    assert done.exit_code == 0, done.output
    return done.output


def points(course: SampleCourse) -> dict[str, float]:
    rows = csv.DictReader(io.StringIO(command(course, "export")))
    return {row["id"]: float(row[NAME]) for row in rows}


def test_grade_writes_to_the_server_alone(course):
    assert points(course) == {"right": 10, "mistaken": 6, "broken": 0}
    assert not list(course.root.glob("**/*.db*"))


def test_grading_again_changes_nothing(course):
    before = points(course)
    assert course.grade(NAME, "--jobs", "1").exit_code == 0
    assert points(course) == before


def test_report_reads_it(course):
    assert "3 handed in" in command(course, "report", NAME)


def test_collect_takes_its_class_list(course, tmp_path):
    (tmp_path / "downloads" / "right").mkdir(parents=True)
    hand_in = course.root / "submitted" / "right" / NAME / f"{NAME}.ipynb"
    shutil.copy(hand_in, tmp_path / "downloads" / "right" / f"{NAME}.ipynb")
    done = CliRunner().invoke(app, ["collect", str(tmp_path / "downloads"), "--course", str(course.root), "--dry-run"])
    assert done.exit_code == 0, done.output
    assert "right" in done.output


def test_nbgraders_own_commands_work_with_it(course):
    for line in (
        ("nbgrader", "autograde", NAME, "--student=mistaken", "--force"),
        ("nbgrader", "generate_feedback", NAME, "--student=mistaken", "--force"),
        ("nbgrader", "export", "--to=grades.csv"),
    ):
        done = course.run(*line)
        assert done.returncode == 0, done.stderr
    assert "mistaken" in (course.root / "grades.csv").read_text()
    assert points(course)["mistaken"] == 6


def test_server_that_cannot_be_used_is_told_of_without_its_password(course, server):
    for address, word in (
        (server.replace(ENCODED, "guessed"), "password"),
        (server.replace("/postgres", "/nothing"), "nothing"),
        (server.rpartition(":")[0] + ":1/postgres", "127.0.0.1"),
        ("postgresql+nodriver://grader:secret@127.0.0.1/x", "nodriver"),
        ("no address", "address"),
    ):
        with pytest.raises(CourseError) as refused:
            check_server(address)
        assert word in str(refused.value)
        assert not {ENCODED, PASSWORD, "guessed", "secret"} & set(str(refused.value).replace("@", ":").split(":"))
    assert without_password(server).count("***") == 1


def test_grade_ends_before_anything_runs_where_the_server_is_gone(course, server):
    settings = course.root / "nbgrader_config.py"
    kept = settings.read_text()
    settings.write_text(kept.replace(ENCODED, "guessed"))
    try:
        done = course.grade(NAME)
    finally:
        settings.write_text(kept)
    assert done.exit_code == 2
    assert "must be a database that answers" in done.output
    assert "guessed" not in done.output
