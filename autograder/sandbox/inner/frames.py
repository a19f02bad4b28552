"""How a sitting reports: a stream of frames, each a JSON header and the bytes it announces.

The reader trusts nothing: a submission can write to its own stream what it likes, and in pieces as small as it likes.
"""

import json
import struct
from collections.abc import Iterator
from typing import Any

from autograder.sitting.bounded_json import bounded_json

MAX_VALUES = 30_000  # texts, lists, objects and commas of a header: each takes memory, whatever it holds
MAX_BLOBS = 1_000  # of a frame
MAX_FRAMES = 10_000  # two a cell, of some thousand cells
LENGTH = struct.Struct(">I")


class BadFrame(ValueError):
    """The stream is not a stream of frames, or too long."""


def encoded(words: Any) -> bytes:
    """JSON as it stands in a header: text in UTF-8, also halves of surrogate pairs."""
    return json.dumps(words, default=str, ensure_ascii=False).encode("utf-8", "surrogatepass")


def pack(header: dict[str, Any], blobs: dict[str, bytes] | None = None) -> bytes:
    """A frame: `header`, and named byte strings."""
    blobs = blobs or {}
    text = encoded({**header, "blobs": {name: len(blob) for name, blob in blobs.items()}})
    return b"".join([LENGTH.pack(len(text)), text, *blobs.values()])


class Frames:
    """Puts frames together again from the pieces in which they arrive; looks at each byte once.

    Args:
        limit: bytes in all; more is a `BadFrame`.
        headers: bytes of all headers together; one may have half of them. A header takes up to 12 times its size.
    """

    def __init__(self, limit: int, headers: int):
        self._left, self._headers_left, self._header_limit = limit, headers, headers // 2
        self._frames_left = MAX_FRAMES
        self._part, self._missing = bytearray(), LENGTH.size  # what is being read, and the bytes it still lacks
        self._header: dict[str, Any] | None = None
        self._reads_header = False
        self._sizes: list[tuple[str, int]] = []  # of blobs still to come, the next one last
        self._blobs: dict[str, bytearray] = {}

    def feed(self, piece: bytes) -> Iterator[tuple[dict[str, Any], dict[str, bytearray]]]:
        """Takes a piece of the stream; yields the headers and blobs that are now complete.

        Raises:
            BadFrame: if it is not what `pack` makes.
        """
        self._left -= len(piece)
        if self._left < 0:
            raise BadFrame("it is more than a submission may hand back")
        rest = memoryview(piece)
        while True:
            taken = min(len(rest), self._missing)
            self._part += rest[:taken]
            self._missing -= taken
            rest = rest[taken:]
            if self._missing:
                return
            part, self._part = self._part, bytearray()
            if self._next(part):
                assert self._header is not None
                yield self._header, self._blobs
                self._header, self._blobs = None, {}

    def _next(self, part: bytearray) -> bool:
        """Takes a part that is complete, and says whether the frame is."""
        if self._header is not None:
            self._blobs[self._sizes.pop()[0]] = part
        elif self._reads_header:
            self._reads_header = False
            self._header, sizes = _header(part)
            if sum(sizes.values()) > self._left + len(part):
                raise BadFrame("a frame announces more than may be handed back")
            self._sizes = [*reversed(sizes.items())]
        else:
            (self._missing,) = LENGTH.unpack(part)
            self._headers_left -= self._missing
            self._frames_left -= 1
            if self._missing > self._header_limit or min(self._headers_left, self._frames_left) < 0:
                raise BadFrame("its headers are too long or too many")
            self._reads_header = True
            return False
        self._missing = self._sizes[-1][1] if self._sizes else LENGTH.size
        return not self._sizes


def _header(text: bytearray) -> tuple[dict[str, Any], dict[str, int]]:
    try:
        header = bounded_json(text, MAX_VALUES)
        sizes = header.pop("blobs")
        proper = len(sizes) <= MAX_BLOBS and all(type(size) is int and size >= 0 for size in sizes.values())
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError) as error:
        raise BadFrame("a header is not JSON of the agreed form") from error
    if not proper:
        raise BadFrame("a header announces blobs that are none")
    return header, sizes
