"""What is written to stderr in a `quiet` block does not get there, and is not lost."""

import os
import sys
import warnings

from autograder.sitting.quiet import NOISE_LIMIT, quiet


def test_quiet_holds_back_python_and_descriptor(capfd):
    with quiet() as noise:
        print("from python", file=sys.stderr)
        os.write(2, b"from C++")
    print("after", file=sys.stderr)
    assert noise.text == "from python"
    assert capfd.readouterr().err == "after\n"


def test_quiet_restores_stderr_after_an_exception(capfd):
    try:
        with quiet():
            raise ValueError
    except ValueError:
        os.write(2, b"seen")
    assert capfd.readouterr().err == "seen"


def test_quiet_drops_keras_warnings_and_keeps_others(monkeypatch):
    # As outside pytest, which collects warnings itself.
    monkeypatch.setattr(warnings, "showwarning", lambda message, *rest, **more: print(message, file=sys.stderr))
    with quiet() as noise:
        warnings.warn_explicit("built when called", UserWarning, "layer.py", 1, module="keras.src.layers.layer")
        warnings.warn_explicit("the learner's own", UserWarning, "cell.py", 1, module="__main__")
    assert "the learner's own" in noise.text
    assert "built when called" not in noise.text


def test_quiet_keeps_only_so_much():
    with quiet() as noise:
        print("a" * 10 * NOISE_LIMIT, file=sys.stderr)
    assert NOISE_LIMIT <= len(noise.text) <= NOISE_LIMIT + 10


def test_quiet_works_where_descriptor_2_is_closed(capfd):
    saved = os.dup(2)
    os.close(2)
    try:
        with quiet() as noise:
            print("text", file=sys.stderr)
    finally:
        os.dup2(saved, 2)
        os.close(saved)
    assert noise.text == "text"
