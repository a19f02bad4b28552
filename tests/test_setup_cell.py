"""The set-up cell of a notebook in Colab: without a network it says so in one sentence."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import jupytext
import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([*ROOT.glob("solutions/*/*.py"), *ROOT.glob("colab/*.py")])


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_setup_cell_without_a_network_says_what_to_do(path: Path, monkeypatch: pytest.MonkeyPatch):
    cells = jupytext.read(path, fmt="py:percent").cells
    source = next(cell.source for cell in cells if cell.cell_type == "code" and "google.colab" in cell.source)
    for name in ("google", "google.colab"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setattr(subprocess, "run", lambda command, **_: SimpleNamespace(returncode=1))
    with pytest.raises(RuntimeError, match="network") as error:
        exec(compile(source, path.name, "exec"), {})
    assert len(str(error.value).splitlines()) == 1
