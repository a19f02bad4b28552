"""Reads what is said of mistakes and parts from data files, one per language.

An exercise's file (`mistakes.en.toml` beside its questions) has three tables:

    [sections]                  # short name = heading of the chapter
    idea = "In three lines"

    [parts.swish1]              # of each part of a base, and of each subject of a family
    name = "the activation before the first convolution"    # completes "... is missing", "up to and with ..."
    right = "swish, x · sigmoid(x)"                          # what belongs there, in the families' texts
    section = "idea"

    [mistakes.residual-forgotten]
    cause = "..."               # what is wrong, in one sentence. Never the code of the right answer
    why = "..."                 # why it matters
    section = "idea"

A generated change takes its text from `families.LANGUAGE.toml`, where `{part}` and `{right}` stand for the words of its
subject ({Part} with a capital); an entry of its own in the exercise's file replaces it, wholly or in part.
"""

import functools
import inspect
import tomllib
from pathlib import Path
from typing import Any

from autograder.questions.catalogue.change import Base, Change
from autograder.questions.question import Mistake

LANGUAGE = "en"
FIELDS = ("cause", "why", "section")


@functools.cache
def family_texts(language: str = LANGUAGE) -> dict[str, dict[str, dict[str, str]]]:
    """The families' templates: `["activation"]["relu"]["cause"]`."""
    return _read(Path(__file__).with_name(f"families.{language}.toml"))


@functools.cache
def part_names(base: Base, language: str = LANGUAGE) -> dict[str, str]:
    """What the parts of a base are called in an exercise's texts, which lie beside it."""
    path = Path(inspect.getfile(base.forward)).with_name(f"mistakes.{language}.toml")
    words = Texts(path, language).parts if path.exists() else {}
    return {part: words[part]["name"] for part in base.parts if "name" in words.get(part, {})}


class Texts:
    """An exercise's texts in one language.

    Args:
        path: the exercise's data file.
        language: of the families' templates.

    Raises:
        ValueError: if the file has tables or fields that mean nothing.
    """

    def __init__(self, path: Path, language: str = LANGUAGE):
        self.path, self.language = path, language
        data = _read(path)
        self.sections: dict[str, str] = data.pop("sections", {})
        self.parts: dict[str, dict[str, str]] = data.pop("parts", {})
        self.mistakes: dict[str, dict[str, str]] = data.pop("mistakes", {})
        unknown = [*data, *(f for entry in self.mistakes.values() for f in entry if f not in FIELDS)]
        unknown += [f for entry in self.parts.values() for f in entry if f not in ("name", "right", "section")]
        if unknown:
            raise ValueError(f"{path.name} must have sections, parts and mistakes only. Received: {unknown}")

    @classmethod
    def beside(cls, module_file: str, name: str = "mistakes", language: str = LANGUAGE) -> "Texts":
        """The data file `NAME.LANGUAGE.toml` in the folder of a module: `Texts.beside(__file__)`."""
        return cls(Path(module_file).with_name(f"{name}.{language}.toml"), language)

    def of(self, changes: tuple[Change, ...], section: str = "") -> tuple[Mistake, ...]:
        """The changes with their texts, for `Question.mistakes`.

        Args:
            section: short name, for mistakes whose entry has none since several questions share it.

        Raises:
            ValueError: if a change has no text.
        """
        shared = {"section": section} if section else {}
        return tuple(self._mistake(change, shared) for change in changes)

    def _mistake(self, change: Change, shared: dict[str, str]) -> Mistake:
        entry = {**shared, **self._family_entry(change), **self.mistakes.get(change.id, {})}
        missing = [name for name in FIELDS if name not in entry]
        if missing:
            raise ValueError(f"{self.path} must have {', '.join(missing)} for {change.id!r}. Received: {entry}")
        section = self.sections.get(entry["section"])
        if section is None:
            raise ValueError(f"{self.path}: `section` must be one of {list(self.sections)}. Received: {entry}")
        return Mistake(change.id, change, entry["cause"], entry["why"], section)

    def _family_entry(self, change: Change) -> dict[str, str]:
        if not change.family:
            return {}
        family, _, kind = change.family.partition(".")
        template: dict[str, Any] = family_texts(self.language).get(family, {}).get(kind, {})
        words = self.parts.get(change.subject, {})
        try:
            filled = {name: _filled(text, words) for name, text in template.items()}
        except KeyError as missing:
            place = f"{self.path}: [parts.{change.subject}]"
            raise ValueError(f"{place} must have {missing} for {change.id!r}. Received: {words}") from None
        return filled | {key: value for key, value in words.items() if key == "section"}


def _filled(template: str, words: dict[str, str]) -> str:
    words = {"part" if key == "name" else key: value for key, value in words.items()}
    capital = {key.capitalize(): value[:1].upper() + value[1:] for key, value in words.items()}
    return template.format(**words, **capital)


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))
