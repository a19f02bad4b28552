"""Shared by all tests: quiet libraries and the repository's root."""

import os
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


@pytest.hookimpl(optionalhook=True)  # pytest-xdist's; the other backends' environments do without it
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Says which tests stay in one process (`-n 2`): a room with a costly fixture (a graded class, a built site), and
    otherwise a file. (`--dist loadgroup` is for that, but xdist 3.8 loses its groups under pytest 9.2.)
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByRoom(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = Path(nodeid.partition("::")[0])
            return str(file.parent if file.parent.name in {"classroom", "site"} else file)

    return ByRoom(config, log)
