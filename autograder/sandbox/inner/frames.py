"""How a sitting reports: a stream of frames, each a JSON header and the bytes it announces.

The reader trusts nothing: a submission can write to its own stream what it likes.
"""

import json
import struct
from collections.abc import Iterator
from typing import Any

HEADER_LIMIT = 2**26  # bytes


class BadFrame(ValueError):
    """The stream is not a stream of frames, or too long."""


def pack(header: dict[str, Any], blobs: dict[str, bytes] | None = None) -> bytes:
    """A frame: `header`, and named byte strings."""
    blobs = blobs or {}
    text = json.dumps({**header, "blobs": {name: len(blob) for name, blob in blobs.items()}}, default=str).encode()
    return b"".join([struct.pack(">I", len(text)), text, *blobs.values()])


class Frames:
    """Puts frames together again from the pieces in which they arrive.

    Args:
        limit: bytes in all; more is a `BadFrame`.
    """

    def __init__(self, limit: int):
        self._limit, self._total, self._buffer = limit, 0, bytearray()

    def feed(self, piece: bytes) -> Iterator[tuple[dict[str, Any], dict[str, bytes]]]:
        """Takes a piece of the stream; yields the headers and blobs that are now complete.

        Raises:
            BadFrame: if it is not what `pack` makes.
        """
        self._total += len(piece)
        if self._total > self._limit:
            raise BadFrame(f"a submission may hand back {self._limit:,} bytes")
        self._buffer += piece
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> tuple[dict[str, Any], dict[str, bytes]] | None:
        if len(self._buffer) < 4:
            return None
        (length,) = struct.unpack(">I", self._buffer[:4])
        if length > HEADER_LIMIT:
            raise BadFrame("a header is too long")
        if len(self._buffer) < 4 + length:
            return None
        header, sizes = self._header(bytes(self._buffer[4 : 4 + length]))
        end = 4 + length + sum(sizes.values())
        if end > self._limit:
            raise BadFrame("a frame announces more than may be handed back")
        if len(self._buffer) < end:
            return None
        blobs, start = {}, 4 + length
        for name, size in sizes.items():
            blobs[name] = bytes(self._buffer[start : start + size])
            start += size
        del self._buffer[:end]
        return header, blobs

    @staticmethod
    def _header(text: bytes) -> tuple[dict[str, Any], dict[str, int]]:
        try:
            header = json.loads(text)
            sizes = header.pop("blobs")
            proper = all(type(size) is int and size >= 0 for size in sizes.values())
        except (ValueError, AttributeError, TypeError, KeyError, RecursionError) as error:
            raise BadFrame("a header is not JSON of the agreed form") from error
        if not proper:
            raise BadFrame("a header announces a size that is none")
        return header, sizes
