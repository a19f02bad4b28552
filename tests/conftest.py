"""Shared by all tests: quiet libraries and the repository's root."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


def pytest_itemcollected(item: pytest.Item) -> None:
    """Says which tests stay together when they run in two processes (`-n 2 --dist loadgroup`).

    A room with a costly fixture (a graded class, a built site) is one group, a catalogue's question is one, and
    otherwise a file is.
    """
    room, stem = item.path.parent.name, item.path.stem
    if room in {"classroom", "site"}:
        group = room
    elif stem == "test_catalogue" and hasattr(item, "callspec"):
        question = item.callspec.params.get("question_id") or item.callspec.params["question"].id
        group = f"{stem}-{question}"
    else:
        group = f"{room}-{stem}"
    item.add_marker(pytest.mark.xdist_group(group))
