"""Kept outputs are thrown away when what they were computed with has changed."""

import pytest
from execution_key import SHARED, inputs_key, sources_key


@pytest.fixture
def course(tmp_path):
    for name in ("autograder/reference/blocks.py", "book/03-resblock.md", "_config.yml", "_toc.yml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{name}\n")
    return tmp_path


def test_key_changes_with_the_source_of_the_package(course):
    before = sources_key(course)
    assert sources_key(course) == before
    (course / "autograder/reference/blocks.py").write_text("x = 1\n")
    assert sources_key(course) != before


def test_key_changes_with_the_trained_weights(course):
    before = sources_key(course)
    (course / "autograder/small_model").mkdir()
    (course / "autograder/small_model/weights.safetensors").write_bytes(b"trained")
    assert sources_key(course) != before


def test_key_changes_when_a_file_is_renamed(course):
    before = sources_key(course)
    (course / "autograder/reference/blocks.py").rename(course / "autograder/reference/block.py")
    assert sources_key(course) != before


def test_key_does_not_change_with_the_text_of_a_chapter(course):
    before = sources_key(course)
    (course / "book/03-resblock.md").write_text("another\n")
    assert sources_key(course) == before


def test_key_changes_with_the_version_of_a_library(course, monkeypatch):
    before = sources_key(course)
    monkeypatch.setattr("execution_key.version", lambda library: "0.0.0")
    assert sources_key(course) != before


@pytest.mark.parametrize("name", ["book/03-resblock.md", "_config.yml", "_toc.yml", "autograder/reference/blocks.py"])
def test_site_key_changes_with_everything_it_is_made_from(course, name):
    before = inputs_key(course)
    (course / name).write_text("another\n")
    assert inputs_key(course) != before


@pytest.mark.parametrize("name", ["book/_static/site.css", "book/_templates/layout.html", "_config.yml"])
def test_key_of_what_pages_share_changes_with_the_look(course, name):
    (course / name).parent.mkdir(parents=True, exist_ok=True)
    (course / name).write_text("one\n")
    before = sources_key(course, SHARED)
    (course / "book/03-resblock.md").write_text("another\n")
    assert sources_key(course, SHARED) == before
    (course / name).write_text("another\n")
    assert sources_key(course, SHARED) != before
