"""How a question's points are shared out: what its check cell says under `autograder` in its metadata, all optional.

    # %% nbgrader={...} autograder={"uses": ["td-dot"], "part_points": {"no-scale": 2}, "by_cases": true}
    # %% [markdown] nbgrader={...} autograder={"rubric": {"says what is averaged": 1, "says why it matters": 1}}

`uses` names earlier questions whose objects this answer calls: where such a helper is wrong, the answer is marked once
more with a right one in its place, so that the helper costs its own points only. `part_points` says what an answer
still gets that makes a mistake of the catalogue. `by_cases` gives a share of the points for the cases that are right.
`rubric`, of a written answer, is for who grades it by hand; it is not in what is handed out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

KEY = "autograder"  # in a cell's metadata
NAMES = ("uses", "part_points", "by_cases")
RUBRIC = "rubric"


@dataclass(frozen=True)
class FairPoints:
    """The settings of one question; without any, its points are all or nothing.

    Args:
        uses: ids of the questions whose objects an answer calls.
        part_points: points that an answer keeps that makes a mistake, by the mistake's id.
        by_cases: whether the cases that are right give their share.
        points: the question's.
    """

    uses: tuple[str, ...] = ()
    part_points: Mapping[str, int] = field(default_factory=dict)
    by_cases: bool = False
    points: int = 0

    @classmethod
    def of(cls, settings: Mapping[str, Any], points: int) -> "FairPoints":
        """The settings as a source or a notebook's guide has them."""
        return cls(
            tuple(settings.get("uses", ())),
            dict(settings.get("part_points", {})),
            bool(settings.get("by_cases", False)),
            points,
        )

    @property
    def said(self) -> bool:
        """Whether anything is set."""
        return bool(self.uses or self.part_points or self.by_cases)

    def for_mistakes(self, mistakes: tuple[str, ...]) -> int:
        """What is left of the points after these mistakes: each takes off its own; 0 if one of them is not named."""
        if not mistakes or any(mistake not in self.part_points for mistake in mistakes):
            return 0
        return max(0, self.points - sum(self.points - self.part_points[mistake] for mistake in mistakes))

    def for_cases(self, right: int, of: int) -> int:
        """The share of `right` cases, in whole points and never all of them."""
        return min(self.points * right // of, self.points - 1) if self.by_cases and of else 0


def with_helpers(question: str, uses: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """All that an answer calls, by way of its helpers too, each helper before what calls it."""
    found: dict[str, None] = {}
    for helper in uses.get(question, ()):
        found.update(dict.fromkeys((*with_helpers(helper, uses), helper)))
    return tuple(found)


def problems(cells: list[tuple[Mapping[str, Any], bool]]) -> list[str]:
    """What is wrong with the settings in a source, as sentences.

    Args:
        cells: the metadata of each, and whether it is a check.
    """
    found: list[str] = []
    before: list[str] = []
    for metadata, is_check in cells:
        settings = metadata.get("nbgrader", {})
        name, said = settings.get("grade_id"), metadata.get(KEY, {})
        if said:
            wrong = _problems(said, settings.get("points"), before) if is_check else _rubric_problems(said, settings)
            found += [f"cell {name}: {problem}" for problem in wrong]
        before += [name] if is_check else []
    return found


def _problems(settings: Any, points: Any, before: list[str]) -> list[str]:
    strange = sorted(set(settings) - set(NAMES)) if isinstance(settings, dict) else settings
    if strange:
        return [f"{KEY} of a check may say {', '.join(NAMES)}. Received: {strange}"]
    found = []
    uses, parts = settings.get("uses", []), settings.get("part_points", {})
    if not isinstance(uses, list) or any(helper not in before for helper in uses):
        found.append(f"uses must be a list of questions asked above this one. Received: {uses!r}")
    if not isinstance(parts, dict) or any(type(kept) is not int or not 0 < kept < points for kept in parts.values()):
        found.append(f"part_points must give whole points, fewer than the question's {points}. Received: {parts!r}")
    if type(settings.get("by_cases", False)) is not bool:
        found.append(f"by_cases must be true or false. Received: {settings['by_cases']!r}")
    return found


def _rubric_problems(said: Any, settings: Mapping[str, Any]) -> list[str]:
    rubric = said.get(RUBRIC) if isinstance(said, dict) and set(said) == {RUBRIC} else None
    if not isinstance(rubric, dict) or any(type(points) is not int or points < 1 for points in rubric.values()):
        return [f"{KEY} of a cell that is no check may give a {RUBRIC}: whole points by criterion. Received: {said!r}"]
    if settings.get("grade") and sum(rubric.values()) != settings.get("points"):
        return [
            f"the {RUBRIC} must sum to the cell's {settings.get('points')} points. Received: {sum(rubric.values())}"
        ]
    return []
