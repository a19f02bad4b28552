"""What is written to stderr in a `quiet` block does not get there, and is not lost."""

import os
import sys

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
