"""`autograder similar`: pairs of submissions that are alike beyond what was given out and what many write.

Winnowing: of all runs of `GRAM` tokens, those are kept whose hash is least within some window, so that a passage of
`LEAST` tokens that two share is always seen. Names of the learner's own count as one and the same, comments
not at all.

Reference: Schleimer, Wilkerson and Aiken (2003), Winnowing: local algorithms for document fingerprinting, section 3.
"""

import hashlib
import keyword
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations, takewhile
from typing import NamedTuple

GRAM, WINDOW = 10, 6  # tokens
LEAST = GRAM + WINDOW - 1  # of a passage; less is a turn of phrase
MAX_TOKENS = 20_000  # of one submission; an exercise has some hundreds
TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)|(?P<text>[rbfuRBFU]{0,2}(?:'{3}.*?'{3}|"{3}.*?"{3}|'[^'\n]*'|"[^"\n]*"))"""
    r"""|(?P<name>[^\W\d]\w*)|(?P<number>\d[\w.]*)|(?P<sign>[^\s\w])""",
    re.DOTALL,
)


class Token(NamedTuple):
    """What is compared, and the line it stands in, from 0."""

    word: str
    line: int


class Passage(NamedTuple):
    """Lines of one submission and of another that hold the same tokens: their first and last, and how many tokens."""

    first: tuple[int, int]
    second: tuple[int, int]
    tokens: int


class Pair(NamedTuple):
    """Two submissions that are alike: whose they are, the tokens that their passages have together, the part that these
    are of all that each wrote beyond what was given out and what many write, and the passages.
    """

    first: str
    second: str
    tokens: int
    shares: tuple[float, float]
    passages: list[Passage]


def tokens_of(text: str) -> list[Token]:
    """The tokens of a text: code, or words of a language."""
    found, line, at = [], 0, 0
    for match in TOKEN.finditer(text):
        line, at = line + text.count("\n", at, match.start()), match.start()
        if match.lastgroup != "comment":
            found.append(Token(_word(text, match), line))
    return found[:MAX_TOKENS]


def _word(text: str, match: re.Match[str]) -> str:
    """A name that is called or stands behind a dot is itself, any other one is a name of the learner's own."""
    word = match[0]
    known = match.lastgroup != "name" or keyword.iskeyword(word) or text[match.start() - 1 : match.start()] == "."
    return word if known or text[match.end() : match.end() + 1] == "(" else "name"


def grams(tokens: list[Token]) -> list[int]:
    """A hash for each run of `GRAM` tokens, by the number of its first."""
    words = [token.word.encode("utf-8", "replace") for token in tokens]
    runs = [b"\0".join(words[i : i + GRAM]) for i in range(len(words) - GRAM + 1)]
    return [int.from_bytes(hashlib.blake2b(run, digest_size=8).digest()) for run in runs]


def winnowed(hashes: list[int]) -> set[int]:
    """The least hash of each window."""
    return {min(hashes[i : i + WINDOW]) for i in range(max(1, len(hashes) - WINDOW + 1)) if hashes}


def similar(texts: Mapping[str, str], given: Iterable[str], most: int, pairs: int) -> list[Pair]:
    """The pairs of submissions that share most, beginning with the most alike.

    Args:
        texts: what each student wrote.
        given: texts that were given out.
        most: how many students may write what still counts.
        pairs: how many to find at most.
    """
    tokens = {student: tokens_of(text) for student, text in texts.items()}
    every = {student: grams(found) for student, found in tokens.items()}
    spread = Counter(gram for found in every.values() for gram in set(found))
    common = {gram for gram, count in spread.items() if count > most}.union(*(grams(tokens_of(text)) for text in given))
    own = {student: _own(found, common) for student, found in every.items()}
    holders: dict[int, list[str]] = defaultdict(list)
    for student in sorted(own):
        for gram in winnowed([gram for gram in own[student] if gram is not None]):
            holders[gram].append(student)
    shared = Counter(pair for students in holders.values() for pair in combinations(students, 2))
    found = [_pair(first, second, tokens, own) for (first, second), _ in shared.most_common(3 * pairs)]
    return sorted((pair for pair in found if pair.tokens), key=lambda pair: (-pair.tokens, pair.first))[:pairs]


def _own(found: list[int], others: set[int]) -> list[int | None]:
    """The runs that have no token in common with a run that is not the student's own, which stand as None."""
    theirs = {i + n for i, gram in enumerate(found) if gram in others for n in range(GRAM)}
    return [None if theirs.intersection(range(i, i + GRAM)) else gram for i, gram in enumerate(found)]


def _pair(first: str, second: str, tokens: dict[str, list[Token]], own: dict[str, list[int | None]]) -> Pair:
    passages = list(_passages(tokens[first], tokens[second], own[first], own[second]))
    total = sum(passage.tokens for passage in passages)
    rare = [_covered(own[student]) for student in (first, second)]
    return Pair(first, second, total, (min(1.0, total / rare[0]), min(1.0, total / rare[1])), passages)


def _covered(own: list[int | None]) -> int:
    """How many tokens are part of a run that is the student's own."""
    return len({i + n for i, gram in enumerate(own) if gram is not None for n in range(GRAM)}) or 1


def _passages(
    mine: list[Token], theirs: list[Token], own: list[int | None], others: list[int | None]
) -> Iterable[Passage]:
    """What two submissions share, from the first's beginning on, each token once."""
    places: dict[int, list[int]] = defaultdict(list)
    for place, gram in enumerate(others):
        if gram is not None:
            places[gram].append(place)
    i, taken = 0, set[int]()
    while i < len(own):
        free = [j for j in places.get(own[i] or 0, []) if j not in taken]
        if not free:
            i += 1
            continue
        length, start = max((_alike(own, others, i, j), -j) for j in free)
        j, size = -start, length + GRAM - 1
        if size < LEAST:
            i += 1
            continue
        taken.update(range(j, j + size))
        yield Passage((mine[i].line, mine[i + size - 1].line), (theirs[j].line, theirs[j + size - 1].line), size)
        i += size


def _alike(own: list[int | None], others: list[int | None], i: int, j: int) -> int:
    """How many runs in turn, from these on, are the same."""
    return sum(1 for _ in takewhile(lambda two: two[0] == two[1] is not None, zip(own[i:], others[j:], strict=False)))
