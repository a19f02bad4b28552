"""Shared by all tests: quiet libraries and the repository's root."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def random_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with weights of the small model that were never trained."""
    from tests.small_model.random_weights import write_random_weights

    return write_random_weights(tmp_path_factory.mktemp("weights"))


# What takes longest, in this order; the rest, by the number of its tests, fills the gaps that these leave at the end.
LONGEST = (
    "tests/site",
    "tests/classroom",
    "tests/classroom/test_corpus.py",
    *(f"tests/drawing/test_{name}.py" for name in ("own_unet", "draw", "train", "colab_notebook")),
    *(f"tests/reference/test_{name}.py" for name in ("stable_diffusion", "part_weights", "weights")),
    *(f"tests/questions/test_{name}.py" for name in ("mutations", "sampling_answers", "flow_answers")),
    "tests/small_model/test_programs.py",
    "tests/live/test_live_model.py",
    "tests/exam/shared_marker.py",
)
# These mark with markers that they share.
SHARING = {f"tests/exam/test_{name}.py" for name in ("pairs", "stages", "exceptions", "errors", "sheet_reader")}


def together(nodeid: str) -> str:
    """What a test must stay in one process with: a room with a costly fixture (a graded class, a built site), files
    that share their markers, or else its file. Slips are many: they are divided by the first word of their question, so
    that no process ends alone with them.
    """
    file = Path(nodeid.partition("::")[0])
    if str(file) in SHARING:
        return "tests/exam/shared_marker.py"
    if file.name == "test_slips.py":
        return f"{file} {nodeid.partition('[')[2].partition('-')[0]}"
    alone = file.parent.name not in {"classroom", "site"} or file.name == "test_corpus.py"  # that grades its own class
    return str(file if alone else file.parent)


@pytest.hookimpl(optionalhook=True)  # pytest-xdist's; the other backends' environments do without it
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Says which tests stay in one process (`-n 2`), and which come first. (`--dist loadgroup` is for the former, but
    xdist 3.8 loses its groups under pytest 9.2.)
    """
    from xdist.scheduler import LoadScopeScheduling

    class LongestFirst(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return together(nodeid)

    config.option.loadscopereorder = False  # by number of tests: the order is that of the collection
    return LongestFirst(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    counts = Counter(together(item.nodeid) for item in items)
    rank = {scope: number for number, scope in enumerate(LONGEST)}

    def place(item: pytest.Item) -> tuple[int, int, str]:
        scope = together(item.nodeid)
        return rank.get(scope, len(rank)), -counts[scope], scope

    items.sort(key=place)
