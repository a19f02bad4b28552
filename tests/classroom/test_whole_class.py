"""The whole round with a made class, as `make whole-class` runs it, on three students and one exercise."""

import csv
import io
import zipfile
from pathlib import Path

import pytest

from autograder.classroom.grading import Options
from autograder.classroom.whole_class import STEPS, main, whole_class
from tests.classroom.conftest import need_sandbox

NAMES = ["01-denoising"]


def test_whole_round_collects_grades_reports_returns_and_exports(tmp_path: Path):
    need_sandbox()
    done = whole_class(tmp_path / "round", 3, NAMES, Options())
    assert done.wrong == []
    assert {step for step, _ in done.seconds} == set(STEPS)
    assert 1 <= done.handed_in <= 3
    rows = list(csv.DictReader(io.StringIO((tmp_path / "round" / "csv.csv").read_text())))
    assert len(rows) == 3
    assert [rows[0][name] for name in NAMES] == ["10"]
    for name in NAMES:
        with zipfile.ZipFile(tmp_path / "round" / f"{name}-feedback.zip") as archive:
            assert f"First0 Last0_0_assignsubmission_file/{name}.html" in archive.namelist()
            assert len(archive.namelist()) == 3
    shown = "\n".join(done.lines())
    assert all(step in shown for step in STEPS)


def test_whole_class_touches_no_directory_of_others(tmp_path: Path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(FileExistsError, match="must be empty"):
        main([str(tmp_path), "--students", "3"])
    assert (tmp_path / "mine.txt").exists()
