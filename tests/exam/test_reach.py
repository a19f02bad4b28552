"""How far a run keeps to the way of a right answer."""

import numpy as np

from autograder.exam.notes import Seen
from autograder.exam.reach import first_missing, nodes_of, on_the_way, seen_nodes
from autograder.questions.catalogue import Base, Evaluation
from autograder.questions.catalogue.operations import add, first, relu, silu, tanh
from autograder.sitting.paper import CasePaper, Note, Paper
from autograder.sitting.trace import summary

X, Y = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
PAPER = Paper("q", "f", (CasePaper("function", (), {"x": X, "y": Y}),), (1, 2))
BASE = Base(lambda p, x, y: p.join(p.two(p.one(x)), p.other(y)), {"one": silu, "two": tanh, "other": relu, "join": add})
EVALUATION = Evaluation(BASE, PAPER)
NODES = nodes_of(EVALUATION.steps())


def test_nodes_are_what_is_new_and_made_of_what():
    assert [(node.part, set(node.of)) for node in NODES] == [
        ("one", set()),
        ("two", {0}),
        ("other", set()),
        ("join", {1, 2}),
    ]


def test_what_something_is_made_of_is_passed_with_it():
    assert first_missing(NODES, [False, True, False, False]) == 2
    assert first_missing(NODES, [True, False, True, False]) == 1
    assert first_missing(NODES, [False, False, False, True]) == 4


def test_nodes_are_seen_among_notes():
    array = tanh(silu(X))
    lines = seen_nodes(NODES, Seen([Note(array.shape, summary(array), "h = ops.tanh(h)")]))
    assert lines == [None, "h = ops.tanh(h)", None, None]


def test_what_comes_to_nothing_is_not_on_the_way():
    steps, outputs = EVALUATION.way({"join": first})
    assert [step.part for step in steps] == ["one", "two", "other"]
    assert [step.part for step in on_the_way(steps, outputs)] == ["one", "two"]


def test_of_a_run_that_failed_all_steps_count():
    steps, outputs = EVALUATION.way({"join": lambda x, y: x @ y})
    assert outputs == []
    assert on_the_way(steps, outputs) == steps
