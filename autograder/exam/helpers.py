"""Marks an answer in a learner's own notebook once more with right helpers, where theirs are wrong."""

import contextlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from autograder.exam.guide import PROGRESS, fair_points_of, words
from autograder.exam.marking import Marker
from autograder.exam.verdict import Verdict
from autograder.fair_settings import with_helpers
from autograder.questions import find
from autograder.sitting.run import sit


def carried_forward(verdict: Verdict, helpers: Iterable[str]) -> Verdict:
    """The verdict on an answer that is right with right helpers in the place of the learner's."""
    helped = tuple(helpers)
    right = replace(verdict, passed=True, mistake=None, mistakes=(), stage=None, points=None)
    return replace(right, helped=helped, message=_said(verdict.question, helped))


def _said(question: str, helpers: tuple[str, ...]) -> str:
    names = words()["and"].join(f"`{name}`" for name in dict.fromkeys(find(helper).name for helper in helpers))
    return words()["helped"].format(question=question, names=names)


def with_right_helpers(marker: Marker, made: Any, verdict: Verdict) -> Verdict:
    """The verdict, or if the answer is right once its wrong helpers are replaced, that one.

    A helper counts as wrong unless its check passed in this session. The notebook has its own again afterwards.
    """
    question = marker.question.id
    uses = {key: fair.uses for key, fair in fair_points_of(marker.question.exercise).items()}
    wrong = [helper for helper in with_helpers(question, uses) if not PROGRESS.passed_alone(helper)]
    space = vars(sys.modules.get(getattr(made, "__module__", None) or "", None) or object)
    if verdict.passed or not wrong or not isinstance(space, dict):
        return verdict
    with _in_place(space, {find(helper).name: find(helper).accepted[0] for helper in wrong}):
        answer = sit(marker.paper, made)
    return carried_forward(verdict, wrong) if marker.passes(answer) else verdict


@contextlib.contextmanager
def _in_place(space: dict[str, Any], right: dict[str, Any]) -> Iterator[None]:
    kept = {name: space[name] for name in right if name in space}
    space.update(right)
    try:
        yield
    finally:
        for name in right:
            del space[name]
        space.update(kept)
