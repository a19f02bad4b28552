"""Makes a learner's pictures anew from their pixels: what a browser gets to decode was encoded by us."""

import base64
import binascii
import io
import time
from dataclasses import dataclass

from autograder.classroom.picture_process import DECODER, Pixels

PICTURE_TYPES = ("image/png", "image/jpeg")
MAX_ENCODED = 8_000_000  # characters of base64 that are looked at
MAX_PICTURE_BYTES = 2_000_000
PICTURE_SECONDS = 2.0  # for decoding one; a figure takes some hundredths
ALL_SECONDS = 2.5  # for all of a submission's; those that come after it are left out
SPACE = b" \t\r\n\v\f"


@dataclass(frozen=True)
class Picture:
    """An encoded picture of our own making: `kind` is its MIME type."""

    kind: str
    content: bytes


class PictureBudget:
    """The time that a submission's pictures have together.

    Args:
        seconds: by the clock.
    """

    def __init__(self, seconds: float = ALL_SECONDS):
        self._left = seconds

    def clean(self, encoded: object) -> Picture | None:
        """`clean_picture`, as long as there is time."""
        if self._left <= 0:
            return None
        picture, seconds = _cleaned(encoded, min(self._left, PICTURE_SECONDS))
        self._left -= seconds
        return picture


def clean_picture(encoded: object, seconds: float = PICTURE_SECONDS) -> Picture | None:
    """Decodes a base64 PNG or JPEG and encodes its pixels again; None if it is none, too big or too slow.

    Only the first frame stays, and nothing that is not a pixel: no text, colour profile or trailing bytes.

    Args:
        encoded: a text, or a list of its parts; anything else is no picture.
        seconds: that decoding may take.
    """
    return _cleaned(encoded, seconds)[0]


def _cleaned(encoded: object, seconds: float) -> tuple[Picture | None, float]:
    """`clean_picture`, and the seconds that it took, without those of waiting for others."""
    given = encoded if isinstance(encoded, list) else [encoded]
    parts = [part for part in given if isinstance(part, str)]
    if len(parts) < len(given) or sum(map(len, parts)) > MAX_ENCODED:
        return None, 0.0
    try:
        content = base64.b64decode("".join(parts).encode("ascii").translate(None, SPACE), validate=True)
    except (ValueError, binascii.Error):
        return None, 0.0
    pixels, taken = DECODER.decode(content, seconds)
    start = time.monotonic()
    picture = _encoded(pixels) if pixels else None
    return picture, taken + time.monotonic() - start


def _encoded(pixels: Pixels) -> Picture | None:
    from PIL import Image

    plain = Image.frombytes(pixels.mode, pixels.size, pixels.content)
    for kind in PICTURE_TYPES:  # a PNG that is too big gets another chance as a JPEG
        buffer = io.BytesIO()
        (plain if kind == "image/png" else plain.convert("RGB")).save(buffer, kind.removeprefix("image/"))
        if buffer.tell() <= MAX_PICTURE_BYTES:
            return Picture(kind, buffer.getvalue())
    return None
