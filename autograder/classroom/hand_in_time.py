"""When a submission was handed in, by the timestamp.txt beside it; anything may stand in that file."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import dateutil.parser  # type: ignore[import-untyped]

from autograder.classroom.intake import is_link, shown
from autograder.exam.sanitise import NotPlainFile, plain_file

TIMESTAMP = "timestamp.txt"
MAX_TIMESTAMP = 200  # bytes
# Read with each of them in turn, a text that lacks a part of the date gives two answers.
DEFAULTS = (datetime(2000, 1, 1), datetime(2001, 2, 2))  # nbgrader's times have no zone, they are UTC


@dataclass(frozen=True)
class HandInTime:
    """What a timestamp says.

    Args:
        when: in UTC without a zone, as nbgrader keeps it; None if nothing says it.
        warning: what is wrong with the file, or "".
    """

    when: datetime | None = None
    warning: str = ""


UNREADABLE = HandInTime(None, f"{TIMESTAMP} holds no date and time that can be read; it says nothing about being late")


def hand_in_time(directory: Path) -> HandInTime:
    """The time in a submission's timestamp.txt. Never raises.

    Args:
        directory: submitted/STUDENT/NAME.
    """
    path = directory / TIMESTAMP
    if is_link(directory) or not os.path.lexists(path):
        return HandInTime()
    try:
        return parse_time(plain_file(path, MAX_TIMESTAMP).decode("utf-8").strip())
    except (OSError, NotPlainFile, UnicodeDecodeError):
        return UNREADABLE


def parse_time(text: str) -> HandInTime:
    """Reads nbgrader's form of a time, `2026-01-31 10:00:00 UTC`, and what dateutil takes besides. Never raises.

    A zone of three letters such as PST is no name that can be looked up: as with nbgrader the time counts as UTC.
    """
    *words, zone = text.split(" ") if text.count(" ") == 2 else [text, ""]
    try:
        first, second = (dateutil.parser.parse(" ".join(words), default=default) for default in DEFAULTS)
        if first != second:
            return UNREADABLE
        moment, known = (first, True) if first.tzinfo or not zone else _in_zone(first, zone)
        moment = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except Exception:  # dateutil raises what it likes for words it did not expect
        return UNREADABLE
    note = f"{TIMESTAMP} names the time zone {shown(zone)!r}, which is none that is known; its time was taken as UTC"
    return HandInTime(moment, "" if known else note)


def _in_zone(moment: datetime, zone: str) -> tuple[datetime, bool]:
    """A time with the zone that a word names, and whether it names one: `UTC`, `Asia/Taipei`, `+0800`."""
    digits = zone[1:].replace(":", "")
    if zone[0] in "+-" and digits.isascii() and digits.isdigit() and len(digits) == 4:
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        return moment.replace(tzinfo=timezone(-offset if zone[0] == "-" else offset)), True
    try:
        return moment.replace(tzinfo=ZoneInfo(zone)), True
    except (ValueError, OSError, KeyError):  # a path, a directory of the zones, or no zone
        return moment, False
