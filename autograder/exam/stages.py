"""Tells how far a wrong answer agrees with a right one, where nothing known explains it.

While an answer runs, a few numbers of what each operation gives are noted (`autograder.sitting.trace`). The base's own
intermediate results are looked for among them. Weights of one size hold the same numbers in the first run, so nothing
need be known of whose is whose. A stage that is never found, nor anything made of it, is where it leaves the way.
"""

from dataclasses import dataclass
from functools import cached_property

from autograder.exam.notes import Seen
from autograder.exam.reach import Node, first_missing, nodes_of, seen_nodes
from autograder.questions.catalogue import Evaluation, Form, part_names
from autograder.sitting.paper import Note


@dataclass(frozen=True)
class Stage:
    """What a right answer gives on its way and a wrong one never does.

    Args:
        part: of the base.
        text: how far the answer agrees, in a sentence.
    """

    part: str
    text: str


class Stages:
    """The way of a right answer to one question, on one paper.

    Args:
        evaluation: of the question's base on the paper.
    """

    def __init__(self, evaluation: Evaluation):
        self._evaluation = evaluation
        self._names = part_names(evaluation.base)

    def first_missing(self, notes: list[Note]) -> Stage | None:
        """The first stage that never appears among the notes of an answer, by the right form that it follows longest;
        None if the notes say nothing.
        """
        seen = Seen(notes)
        told = [self._told(nodes, seen) for nodes in self._ways]
        return max((way for way in told if way is not None), key=lambda way: way[0], default=(0, None))[1]

    @cached_property
    def _ways(self) -> list[list[Node]]:
        """The nodes of each right form, in order."""
        variants: tuple[Form, ...] = ({}, *self._evaluation.base.variants)
        return [nodes_of(self._evaluation.steps(variant)) for variant in variants]

    def _told(self, nodes: list[Node], seen: Seen) -> tuple[int, Stage | None] | None:
        """How many stages agree, and the first that does not; None if none agrees."""
        lines = seen_nodes(nodes, seen)
        found = [line is not None for line in lines]
        if not any(found):
            return None
        missing = first_missing(nodes, found)
        if missing == len(nodes):
            text = f"Every stage of a right answer appears, the last one{_at(lines[-1])}; what is returned is another."
            return missing, Stage(nodes[-1].part, text) if found[-1] else None
        name = self._name(nodes, missing)
        before = [index for index in range(missing) if found[index]]
        if name is None or (before and self._name(nodes, before[-1]) is None):
            return missing, None
        if not before:
            text = f"Of what a right answer gives on its way, the first that never appears is {name}."
        else:
            agreed = f"{self._name(nodes, before[-1])}{_at(lines[before[-1]])}"
            text = f"Up to and with {agreed} everything agrees; {name} never appears."
        return missing, Stage(nodes[missing].part, text)

    def _name(self, nodes: list[Node], index: int) -> str | None:
        """What a stage is called; of a part used several times, which use it is."""
        node, uses = nodes[index], sum(node.part == nodes[index].part for node in nodes)
        name = self._names.get(node.part)
        return f"{name} (time {node.use} of {uses})" if name and uses > 1 else name


def _at(line: str | None) -> str:
    return f" (your line `{line}`)" if line else ""
