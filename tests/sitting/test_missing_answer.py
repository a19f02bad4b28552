"""A check cell whose object is missing tells of the cell that failed, not of a NameError."""

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from autograder.sitting import missing_answer


@pytest.fixture
def shell(monkeypatch):
    shell = InteractiveShell()
    monkeypatch.setattr(missing_answer, "interactive_shell", lambda: shell)
    missing_answer.watch_notebook()
    shell.run_cell("def check(question, learner_object):\n    pass")
    return shell


def run(shell, source):
    with capture_output() as captured:
        result = shell.run_cell(source, store_history=True)
    return result, captured.stdout + captured.stderr


def test_missing_object_tells_of_the_cell_that_failed(shell):
    run(shell, "class ResBlock(Layer):\n    pass")
    _, text = run(shell, 'check("resblock-same", ResBlock)')
    assert "CheckFailed" in text
    assert "class ResBlock(Layer):" in text
    assert "'Layer' is not defined" in text


def test_missing_object_after_a_syntax_error_shows_it(shell):
    run(shell, "def broadcast_embedding(e):\n    return e[")
    _, text = run(shell, 'check("broadcast-embedding", broadcast_embedding)')
    assert "CheckFailed" in text
    assert "SyntaxError" in text


def test_missing_object_of_an_untouched_stub_is_not_written_yet(shell):
    run(shell, 'class ResBlock:\n    raise NotImplementedError("write your answer here")')
    _, text = run(shell, 'check("resblock-same", ResBlock)')
    assert "not written yet" in text


def test_missing_object_of_code_below_the_stubs_exception_says_which_line_to_delete(shell):
    stub = 'raise NotImplementedError("write your answer here")'
    run(shell, f"class ResBlock:\n    {stub}\n\n    def call(self, inputs):\n        return inputs")
    _, text = run(shell, 'check("resblock-same", ResBlock)')
    assert "not written yet" not in text
    assert f"`{stub}`" in text
    assert "Delete" in text


def test_missing_object_of_another_exception_of_the_same_kind_shows_it(shell):
    run(shell, 'class ResBlock:\n    raise NotImplementedError("later")')
    _, text = run(shell, 'check("resblock-same", ResBlock)')
    assert "not written yet" not in text
    assert "later" in text


def test_missing_object_for_want_of_a_backend_says_what_to_use(shell):
    run(shell, "import jaxlib.nothing\nclass ResBlock:\n    pass")
    _, text = run(shell, 'check("resblock-same", ResBlock)')
    assert "keras.ops" in text


def test_missing_object_that_no_cell_defines_says_so(shell):
    _, text = run(shell, 'check("resblock-same", ResBlock)')
    assert "CheckFailed" in text
    assert "no cell that ran defines it" in text


def test_other_name_errors_stay_as_they_are(shell):
    result, text = run(shell, "undefined + 1")
    assert isinstance(result.error_in_exec, NameError)
    assert "NameError" in text
    assert "CheckFailed" not in text


def test_watch_notebook_outside_ipython_does_nothing(monkeypatch):
    monkeypatch.setattr(missing_answer, "interactive_shell", lambda: None)
    assert missing_answer.watch_notebook() is None
