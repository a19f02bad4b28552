"""Files written in one step: the old content or the new, with the permissions asked for, and nothing left beside."""

import os
import stat
from pathlib import Path

import pytest

from autograder import whole_files
from autograder.whole_files import GRADER_ONLY, READ_ONLY, write_whole


def test_file_has_its_content_and_permissions(tmp_path: Path):
    path = tmp_path / "a.txt"
    for content, mode in (("grüß\r\n", GRADER_ONLY), (b"\xff", READ_ONLY), ("again", GRADER_ONLY)):
        write_whole(path, content, mode)
        assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
        assert stat.S_IMODE(path.stat().st_mode) == mode & ~_umask()
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def _umask() -> int:
    now = os.umask(0)
    os.umask(now)
    return now


def test_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.txt"
    write_whole(path, "old")

    def full_disk(_):
        raise OSError("no space left")

    monkeypatch.setattr(whole_files.os, "fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_links_are_replaced_not_followed(tmp_path: Path):
    target = tmp_path / "target"
    target.write_text("untouched")
    for name in ("a.txt", ".a.txt.part"):
        (tmp_path / name).symlink_to(target)
    write_whole(tmp_path / "a.txt", "new")
    assert target.read_text() == "untouched"
    assert not (tmp_path / "a.txt").is_symlink()
