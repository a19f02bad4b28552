"""Zip files made to harm: to replace another's hand-in, to hand in before a deadline, to fill the memory."""

import struct
import tracemalloc
from datetime import datetime

import pytest

from autograder.classroom import downloads
from autograder.classroom.class_list import ClassList, Student
from tests.classroom.test_collect import CLASS, EARLY, LATE, NAME, course, handed_in, make_zip, notebook, run, with_text

__all__ = ["course", "notebook"]  # fixtures

BO, ANN = "Bo Lee_2_assignsubmission_file", "Ann Lee_1_assignsubmission_file"
FAR = (2107, 1, 1, 0, 0, 0)  # the latest that a zip file can say
INNER = (f"{BO}_/{NAME}.ipynb", f"bo_4714_9_{NAME}.ipynb", f"lee2/{NAME}.ipynb", f"{NAME} - Bo Lee.ipynb")
OUTER = ("leeann_4711_9_work.zip", f"{ANN}/work.zip", f"{ANN}_work.zip", "ann/work.zip", "work - Ann Lee.zip")


def told(course, tmp_path, *entries):
    """What is made of a download, by student, as (file, time), and what of it is put nowhere."""
    file = tmp_path / "download.zip"
    file.write_bytes(make_zip([*entries]))
    result = run(course, file)
    return {one.student: one.when for one in result.collected}, result.unknown


@pytest.mark.parametrize("outer", OUTER)
@pytest.mark.parametrize("inner", INNER)
def test_a_name_within_a_hand_in_is_no_ones_but_whose_hand_in_it_is(course, notebook, tmp_path, inner, outer):
    theirs, forged = with_text(notebook, "bo's own"), with_text(notebook, "made by ann")
    attack = (outer, make_zip([(inner, forged, FAR)]), EARLY)
    found, unknown = told(course, tmp_path, (f"{BO}/{NAME}.ipynb", theirs, EARLY), attack)
    assert handed_in(course, "lee2") == theirs
    assert handed_in(course, "ann") == forged
    assert set(found) == {"ann", "lee2"}
    assert unknown == []


def test_a_file_is_whose_folder_it_lies_in_and_not_whose_name_it_bears(course, notebook, tmp_path):
    found, _ = told(course, tmp_path, *[(f"{ANN}/{name}", notebook, LATE) for name in INNER])
    assert set(found) == {"ann"}


@pytest.mark.parametrize("folder", [ANN, "ann", "ann@example.org"])
def test_a_folder_that_is_given_itself_is_its_students(course, notebook, tmp_path, folder):
    (tmp_path / folder).mkdir()
    (tmp_path / folder / f"bo_4714_9_{NAME}.ipynb").write_bytes(notebook)
    assert [one.student for one in run(course, tmp_path / folder).collected] == ["ann"]


def test_the_name_of_what_is_given_decides_only_where_it_is_a_students(course, notebook, tmp_path):
    file = tmp_path / "course_2026_3_downloads.zip"  # as Canvas would write it of a user 2026
    file.write_bytes(make_zip([(f"bo_4714_9_{NAME}.ipynb", notebook, EARLY)]))
    assert [one.student for one in run(course, file).collected] == ["lee2"]


def test_what_an_lms_gave_and_nobody_fits_is_no_ones_by_a_name_within_it(course, notebook, tmp_path):
    found, unknown = told(course, tmp_path, ("x_999_9_a.zip", make_zip([(INNER[1], notebook, LATE)]), LATE))
    assert found == {}
    assert "fits nobody" in unknown[0]


@pytest.mark.parametrize("forged", [(1980, 1, 1, 0, 0, 0), FAR])
def test_a_hand_in_has_the_time_that_it_was_handed_in_at_whatever_it_says_itself(course, notebook, tmp_path, forged):
    inner = make_zip([(f"{NAME}.ipynb", notebook, forged)])
    found, _ = told(course, tmp_path, (f"{ANN}/work.zip", inner, LATE))
    assert found == {"ann": datetime(*LATE)}


def test_of_two_in_one_hand_in_the_one_saved_last_counts(course, notebook, tmp_path):
    new, old = with_text(notebook, "new"), with_text(notebook, "old")
    inner = make_zip([("z.ipynb", old, EARLY), ("a.ipynb", new, LATE)])
    told(course, tmp_path, (f"{ANN}/work.zip", inner, LATE))
    assert handed_in(course, "ann") == new


def test_a_zip_that_unpacks_to_much_costs_no_more_than_its_share_and_no_one_else_theirs(
    course, notebook, tmp_path, monkeypatch
):
    monkeypatch.setattr(downloads, "MAX_BYTES", 300_000)
    monkeypatch.setattr(downloads._Within.__init__, "__defaults__", (2_000_000, 9))
    unpacked = []
    plain = downloads._Within.take
    monkeypatch.setattr(
        downloads._Within, "take", lambda self, size=0, entries=0: unpacked.append(size) or plain(self, size, entries)
    )
    blanks = make_zip([(f"{n}.ipynb", b" " * 299_000, EARLY) for n in range(40)])
    big = make_zip([(f"{n}.ipynb", b" " * 900_000, EARLY) for n in range(40)])
    many = make_zip([(f"{n}.ipynb", b"", EARLY) for n in range(40)])
    for attack in (blanks, big, many, make_zip([("inner.zip", blanks, EARLY), ("more.zip", big, EARLY)])):
        unpacked.clear()
        found, unknown = told(course, tmp_path, (f"{ANN}/x.zip", attack, EARLY), (f"{BO}/{NAME}.ipynb", notebook, LATE))
        assert set(found) == {"lee2"}
        assert sum(unpacked) < 3_000_000
        assert any("zip file" in sentence for sentence in unknown)


def test_a_list_of_millions_of_entries_is_not_read(course, notebook, tmp_path):
    count = downloads.MAX_LISTED + 50_000
    entry = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    size = count * len(entry)
    end = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, size, 0)
    end += struct.pack("<IIQI", 0x07064B50, 0, size, 1)
    end += struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    tracemalloc.start()
    try:
        _, unknown = told(course, tmp_path, (f"{ANN}/x.zip", entry * count + end, EARLY))
        assert tracemalloc.get_traced_memory()[1] < 5 * size  # made into objects, some hundred bytes each
    finally:
        tracemalloc.stop()
    assert "may list" in unknown[0]


@pytest.mark.parametrize("name", ["a" + "\u0316\u0301" * 10_000 + ".ipynb", "a/" * 20_000 + "x.ipynb"])
def test_a_name_without_end_is_passed_over(course, notebook, tmp_path, name):
    """Ordering a letter's marks takes time by the square of their number."""
    found, unknown = told(course, tmp_path, (f"{ANN}/{name}", notebook, EARLY))
    assert found == {}
    assert "too long" in unknown[0]
    assert len(unknown[0]) < 200


def test_a_name_is_looked_up_as_a_whole_before_its_parts():
    students = ClassList([*CLASS, Student("x_ann")])
    assert students.owner(("download", "x_ann", "a.ipynb")).student == "x_ann"
