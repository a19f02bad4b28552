"""`autograder collect`: what Moodle, Canvas and forms give is put at its place, the latest of each, nothing else."""

import io
import os
import zipfile
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from autograder.classroom import downloads
from autograder.classroom.class_list import ClassList, Student
from autograder.classroom.collect import KEPT, NEW, NEWER, SAME, collect
from autograder.classroom.course import Course, CourseError
from autograder.cli import app

NAME = "01-denoising"
CLASS = (
    Student("ann", "Ann", "Lee", "ann@example.org", "4711"),
    Student("jose", "José", "Núñez García", "jn@example.org", "4712"),
    Student("mei", "小美", "林", "mei@example.org", "4713"),
    Student("lee2", "Bo", "Lee", "bo@example.org", "4714"),
)
EARLY, LATE = (2026, 10, 1, 10, 0, 0), (2026, 10, 2, 10, 0, 0)


@pytest.fixture(scope="module")
def notebook(root: Path) -> bytes:
    return (root / "exercises" / NAME / f"{NAME}.ipynb").read_bytes()


@pytest.fixture
def course(tmp_path: Path) -> Course:
    (tmp_path / "class").mkdir()
    return Course.at(tmp_path / "class")


def with_text(notebook: bytes, text: str) -> bytes:
    """The same exercise, told from others by a cell of its own."""
    return notebook.replace(
        b'"cells": [',
        b'"cells": [\n {"cell_type": "markdown", "id": "x", "metadata": {}, "source": "%s"},' % text.encode(),
        1,
    )


def make_zip(entries: list[tuple[str, bytes, tuple]]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, when in entries:
            archive.writestr(zipfile.ZipInfo(name, when), content)
    return file.getvalue()


def run(course: Course, *sources: Path, students=CLASS, **options):
    return collect(course, sources, ClassList(students), ZoneInfo("UTC"), **options)


def handed_in(course: Course, student: str, name: str = NAME) -> bytes:
    return (course.root / "submitted" / student / name / f"{name}.ipynb").read_bytes()


MOODLE = (
    "Ann Lee_81234_assignsubmission_file/01-denoising.ipynb",
    "José Núñez García_81235_assignsubmission_file/01-denoising (2).ipynb",
    "小美 林_81236_assignsubmission_file_/Copy of 01-denoising.ipynb",
)
MOODLE_FLAT = (
    "Ann Lee_81234_assignsubmission_file_01-denoising.ipynb",
    "Jose Nunez Garcia_1_assignsubmission_file_x.ipynb",
)
CANVAS = (
    "leeann_4711_90001_01-denoising.ipynb",
    "nunezgarciajose_LATE_4712_90002_01-denoising-1.ipynb",
    "xin_4713_90003_Untitled.ipynb",
)
FORM = (
    "01-denoising - Ann Lee.ipynb",
    "Copy of 01_denoising - José Núñez García.ipynb",
    "01-denoising (2) - 林小美.ipynb",
)
GITHUB = tuple(f"clones/01-denoising-{who}/01-denoising.ipynb" for who in ("ann", "jn", "mei"))
FOLDERS = ("ann/01-denoising.ipynb", "jn@example.org/01-denoising.ipynb", "mei/week 1/01-denoising.ipynb.txt")


@pytest.mark.parametrize(
    "names",
    [MOODLE, MOODLE_FLAT, CANVAS, FORM, FOLDERS, GITHUB],
    ids=["moodle", "flat", "canvas", "form", "folders", "github"],
)
def test_each_download_finds_its_students(course: Course, notebook: bytes, tmp_path: Path, names: tuple[str, ...]):
    file = tmp_path / "download.zip"
    file.write_bytes(make_zip([(name, notebook, EARLY) for name in names]))
    result = run(course, file)
    expected = ["ann", "jose", "mei"][: len(names)]
    assert [(one.student, one.exercise, one.what) for one in result.collected] == [(s, NAME, NEW) for s in expected]
    assert result.unknown == []
    assert set(result.missing[NAME]) == {"ann", "jose", "mei", "lee2"} - set(expected)
    for student in expected:
        assert handed_in(course, student) == notebook
        stamp = course.root / "submitted" / student / NAME / "timestamp.txt"
        assert stamp.read_text() == "2026-10-01 10:00:00 UTC\n"
    assert [one.late for one in result.collected] == ["LATE" in name for name in names]


def test_unpacked_download_is_the_same(course: Course, notebook: bytes, tmp_path: Path):
    for name in MOODLE:
        path = tmp_path / "moodle" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(notebook)
        os.utime(path, (1790848800, 1790848800))  # 2026-10-01 10:00 UTC
    result = run(course, tmp_path / "moodle")
    assert [one.student for one in result.collected] == ["ann", "jose", "mei"]
    assert {one.when for one in result.collected} == {datetime(2026, 10, 1, 10)}


def test_latest_counts_wherever_it_lies(course: Course, notebook: bytes, tmp_path: Path):
    first, second, third = (with_text(notebook, text) for text in ("first", "second", "third"))
    inner = make_zip([("01-denoising.ipynb", second, LATE)])
    name = "Ann Lee_81234_assignsubmission_file/"
    file = tmp_path / "download.zip"
    file.write_bytes(make_zip([(name + "handin.zip", inner, LATE), (name + "old.ipynb", first, EARLY)]))
    result = run(course, file)
    assert handed_in(course, "ann") == second
    assert result.collected[0].others == 1
    # Canvas counts the files: of the same minute the higher number is the later one.
    other = tmp_path / "canvas.zip"
    entries = [
        ("leeann_4711_7_a.ipynb", third, (2026, 10, 3, 9, 0, 0)),
        ("leeann_4711_5_b.ipynb", first, (2026, 10, 3, 9, 0, 0)),
    ]
    other.write_bytes(make_zip(entries))
    assert run(course, other).collected[0].what == NEWER
    assert handed_in(course, "ann") == third


def test_twice_changes_nothing_and_an_older_one_replaces_nothing(course: Course, notebook: bytes, tmp_path: Path):
    new, old = tmp_path / "new.zip", tmp_path / "old.zip"
    new.write_bytes(make_zip([(CANVAS[0], with_text(notebook, "new"), LATE)]))
    old.write_bytes(make_zip([(CANVAS[0], with_text(notebook, "old"), EARLY)]))
    run(course, new)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in course.root.rglob("*") if path.is_file()}
    assert run(course, new).collected[0].what == SAME
    assert run(course, old).collected[0].what == KEPT
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in course.root.rglob("*") if p.is_file()} == before


def test_dry_run_writes_nothing(course: Course, notebook: bytes, tmp_path: Path):
    file = tmp_path / "download.zip"
    file.write_bytes(make_zip([(CANVAS[0], notebook, LATE)]))
    assert run(course, file, dry_run=True).collected[0].what == NEW
    assert not (course.root / "submitted").exists()


def test_exercise_is_told_by_its_checks_not_by_its_name(course: Course, root: Path, tmp_path: Path):
    other = (root / "exercises/02-inputs/02-inputs.ipynb").read_bytes()
    file = tmp_path / "download.zip"
    file.write_bytes(
        make_zip([("leeann_4711_1_01-denoising.ipynb", other, EARLY), ("leeann_4711_2_02_inputs.ipynb", b"{", LATE)])
    )
    result = run(course, file)
    assert [(one.exercise, one.others) for one in result.collected] == [("02-inputs", 1)]
    assert handed_in(course, "ann", "02-inputs") == b"{"  # broken, but the latest: grading says what is wrong with it


def test_what_fits_nobody_or_several_is_listed_and_put_nowhere(course: Course, notebook: bytes, tmp_path: Path):
    names = ("Cy Stranger_1_assignsubmission_file/a.ipynb", "Lee_2_assignsubmission_file/b.ipynb", "notes.ipynb")
    file = tmp_path / "download.zip"
    file.write_bytes(make_zip([(name, notebook, EARLY) for name in names]))
    students = (*CLASS, Student("a1", "Jo", "Doe"), Student("a2", "Jo", "Doe"))
    twins = tmp_path / "twins.zip"
    twins.write_bytes(make_zip([("Jo Doe_3_assignsubmission_file/a.ipynb", notebook, EARLY)]))
    result = run(course, file, twins, students=students)
    assert result.collected == []
    assert len(result.unknown) == 4
    assert "several in the class list: a1, a2" in result.unknown[-1]
    assert not (course.root / "submitted").exists()


def test_path_in_a_zip_is_only_a_name(course: Course, notebook: bytes, tmp_path: Path):
    names = (
        "../../../ann/01-denoising.ipynb",
        "/etc/ann/01-denoising.ipynb",
        "ann\\..\\..\\x.ipynb",
        ".hidden/ann.ipynb",
    )
    file = tmp_path / "deep" / "download.zip"
    file.parent.mkdir()
    file.write_bytes(make_zip([(name, notebook, EARLY) for name in names]))
    run(course, file)
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    here = f"class/submitted/ann/{NAME}/"
    assert written == {"deep/download.zip", here + f"{NAME}.ipynb", here + "timestamp.txt"}


def test_bombs_are_passed_over_and_the_rest_is_collected(course: Course, notebook: bytes, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(downloads, "MAX_BYTES", 300_000)
    monkeypatch.setattr(downloads, "MAX_ZIP", 400_000)
    nested = make_zip([("01-denoising.ipynb", notebook, EARLY)])
    for _ in range(5):
        nested = make_zip([("inner.zip", nested, EARLY)])
    entries = [
        ("leeann_4711_1_bomb.ipynb", b" " * 1_000_000, LATE),
        ("leeann_4711_2_bomb.zip", make_zip([("x.ipynb", b"", EARLY)]) + b" " * 1_000_000, LATE),
        ("leeann_4711_3_nested.zip", nested, LATE),
        ("leeann_4711_4_broken.zip", b"PK nothing", LATE),
        (CANVAS[1], notebook, EARLY),
    ]
    file = tmp_path / "download.zip"
    file.write_bytes(make_zip(entries))
    result = run(course, file)
    assert [one.student for one in result.collected] == ["jose"]
    assert len(result.unknown) == 4
    assert all("was passed over" in sentence for sentence in result.unknown)


def test_number_of_files_is_bounded(course: Course, notebook: bytes, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(downloads, "MAX_ENTRIES", 3)
    file = tmp_path / "download.zip"
    file.write_bytes(make_zip([(f"leeann_4711_{i}_a.ipynb", notebook, EARLY) for i in range(9)]))
    result = run(course, file)
    assert len(result.collected) == 1
    assert len(result.unknown) == 1
    assert "more than 3 files" in result.unknown[0]


def test_links_are_not_followed(course: Course, notebook: bytes, tmp_path: Path):
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(notebook)
    folder = tmp_path / "download" / "ann"
    folder.mkdir(parents=True)
    (folder / "01-denoising.ipynb").symlink_to(secret)
    assert run(course, tmp_path / "download").collected == []
    # and neither is what stands where a notebook is to be put
    place = course.root / "submitted" / "ann" / NAME
    place.mkdir(parents=True)
    (place / f"{NAME}.ipynb").symlink_to(secret)
    file = tmp_path / "canvas.zip"
    file.write_bytes(make_zip([(CANVAS[0], with_text(notebook, "new"), LATE)]))
    assert run(course, file).collected[0].what == KEPT
    assert secret.read_bytes() == notebook


def test_class_list_takes_what_spreadsheets_write(tmp_path: Path):
    path = tmp_path / "class.csv"
    path.write_text("﻿ID;First name;Last Name;Email\nann;Ann;Lee;ann@example.org\n\n;Nobody;;\n", encoding="utf-8")
    assert ClassList.read(path).students == {"ann": Student("ann", "Ann", "Lee", "ann@example.org")}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name,email\nAnn,a@b.c\n", "id must be there"),
        ("id\nann\nann\n", "twice: ann"),
        ("id\n<b>\n", "<b>"),
        ("", "id must be there"),
    ],
)
def test_class_list_says_what_is_wrong_with_it(tmp_path: Path, text: str, told: str):
    path = tmp_path / "class.csv"
    path.write_text(text)
    with pytest.raises(CourseError, match=told):
        ClassList.read(path)


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4))
def test_any_name_finds_a_student_or_says_why_not(names: list[str]):
    owner = ClassList(CLASS).owner(tuple(names))
    assert (owner.student in {student.id for student in CLASS}) != bool(owner.reason)


def test_command_takes_the_gradebooks_students_and_says_what_it_did(
    course: Course, notebook: bytes, tmp_path: Path, monkeypatch
):
    with Gradebook(course.db_url, course.course_id) as gradebook:
        for one in CLASS[:2]:
            gradebook.update_or_create_student(
                one.id, first_name=one.first_name, last_name=one.last_name, email=one.email
            )
    file = tmp_path / "moodle.zip"
    file.write_bytes(make_zip([(MOODLE[0], notebook, EARLY), (MOODLE[2], notebook, EARLY)]))
    command = ["collect", str(file), "--course", str(course.root), "--zone", "Asia/Taipei"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 1, done.output
    assert "小美 林" in done.output
    assert "1 of the class have none: jose" in done.output
    assert "2026-10-01 02:00" in done.output
    roster = tmp_path / "class.csv"
    roster.write_text("id,first_name,last_name\nann,Ann,Lee\nmei,小美,林\n", encoding="utf-8")
    done = CliRunner().invoke(app, [*command, "--roster", str(roster)])
    assert done.exit_code == 0, done.output
    assert handed_in(course, "mei") == notebook
    assert (
        CliRunner().invoke(app, ["collect", str(tmp_path / "nothing.zip"), "--course", str(course.root)]).exit_code == 2
    )
    assert CliRunner().invoke(app, [*command, "--zone", "Mars/Base"]).exit_code == 2
