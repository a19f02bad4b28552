"""How far a run keeps to the way of a right answer: which of the base's own results appear, and which is the first not
to.

The way is a list of nodes, the uses of parts that give something new. A node that does not appear is passed all the
same if something made of it does.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from autograder.exam.notes import Made, Seen, arrays_in, can_be_seen
from autograder.questions.catalogue import Step


@dataclass(frozen=True, eq=False)
class Node:
    """One use of a part that gives something new.

    Args:
        part: of the base.
        use: which use of the part it is, from 1.
        arrays: what it gives.
        of: the nodes that this is made of.
    """

    part: str
    use: int
    arrays: tuple[np.ndarray, ...]
    of: frozenset[int]

    @cached_property
    def made(self) -> tuple[Made, ...]:
        return tuple(map(Made.of, self.arrays))


def nodes_of(steps: list[Step]) -> list[Node]:
    """The uses of parts that give new floats, with what each is made of. Others only hand on."""
    nodes: list[Node] = []
    made_by: dict[int, frozenset[int]] = {}  # the nodes behind an array, by its identity
    uses: Counter[str] = Counter()
    for step in steps:
        uses[step.part] += 1
        given = list(arrays_in(step.inputs))
        of = frozenset().union(*(made_by.setdefault(id(array), frozenset()) for array in given))
        new = [array for array in arrays_in(step.value) if id(array) not in made_by]
        seen = tuple(array for array in new if can_be_seen(array))
        behind = of
        if seen:
            nodes.append(Node(step.part, uses[step.part], seen, of))
            behind = frozenset([len(nodes) - 1])
        made_by |= {id(array): behind for array in new}
    return nodes


def first_missing(nodes: list[Node], found: Sequence[bool]) -> int:
    """The number of the first node that is not passed; how many there are if all are."""
    passed = list(found)
    for index in reversed(range(len(nodes))):
        for source in nodes[index].of if passed[index] else ():
            passed[source] = True
    return passed.index(False) if not all(passed) else len(nodes)


def seen_nodes(nodes: list[Node], seen: Seen) -> list[str | None]:
    """For each node the line at which it appears among the notes of a run ("" where that is not known), or None."""
    return [seen.find_all(node.made) for node in nodes]


def on_the_way(steps: list[Step], outputs: list[np.ndarray]) -> list[Step]:
    """The steps that have a part in the outputs; all where that cannot be told: of numbers, or of a failed run."""
    needed = set(map(id, outputs))
    used = []
    for step in reversed(steps):
        if any(id(array) in needed for array in arrays_in(step.value)):
            used.append(step)
            needed |= set(map(id, arrays_in(step.inputs)))
    return used[::-1] or steps
