"""*Run all* in a real kernel: a failed check stops nothing where a person is, and raises where a program runs it."""

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

WRONG = "def steps_needed(alpha, share):\n    return 3"
STUB = "def steps_needed(alpha, share):\n    raise NotImplementedError('write your answer here')"
CHECK = 'check("count-steps", steps_needed)'


@pytest.fixture(scope="module")
def kernel():
    manager, client = start_new_kernel(kernel_name="python3")
    assert client.execute_interactive("from autograder import check", timeout=120)["content"]["status"] == "ok"
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run(client, source, person):
    """How a cell ends, and what it prints. JupyterLab, Colab and VS Code allow input; nbclient does not."""
    told = []
    done = client.execute_interactive(
        source,
        allow_stdin=person,
        timeout=60,
        output_hook=lambda message: told.append(message["content"].get("text", "")),
    )
    return done["content"]["status"], "".join(told)


def test_failed_check_lets_the_cells_behind_it_run_where_a_person_is(kernel):
    _, client = kernel
    run(client, STUB, True)
    assert run(client, CHECK, True)[0] == "ok"
    run(client, WRONG, True)
    status, text = run(client, CHECK, True)
    assert status == "ok"
    assert "CheckFailed: count-steps: not right yet" in text
    assert "of 10" in text
    assert "`steps_needed` as cell [" in text
    assert "A hint" not in text
    assert run(client, CHECK.replace("steps_needed", "nothing_so_called"), True)[0] == "ok"
    assert "A hint" in run(client, CHECK, True)[1]


def test_failed_check_raises_where_a_program_runs_the_cells(kernel):
    manager, client = kernel
    assert run(client, CHECK, False)[0] == "error"
    assert run(client, CHECK.replace("steps_needed", "nothing_so_called"), False)[0] == "error"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (WRONG, CHECK)])
    with pytest.raises(CellExecutionError, match="CheckFailed"):
        NotebookClient(notebook, km=manager, shutdown_kernel="immediate").execute(reset_kc=False)


def test_failed_check_raises_under_nbgrader_whatever_the_kernel_allows(monkeypatch):
    from types import SimpleNamespace

    from autograder.exam import in_notebook

    shell = SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=True))
    monkeypatch.setattr(in_notebook, "interactive_shell", lambda: shell)
    assert in_notebook.somebody_is_there()
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert not in_notebook.somebody_is_there()
