"""Makes a learner's pictures anew from their pixels: what a browser gets to decode was encoded by us."""

import base64
import binascii
import io
import warnings
from dataclasses import dataclass
from typing import Any

PICTURE_TYPES = ("image/png", "image/jpeg")
MAX_PIXELS = 4_000_000  # a figure of 20 x 20 cm at 250 dots an inch
MAX_ENCODED = 8_000_000  # characters of base64 that are looked at
MAX_PICTURE_BYTES = 2_000_000


@dataclass(frozen=True)
class Picture:
    """An encoded picture of our own making: `kind` is its MIME type."""

    kind: str
    content: bytes


def clean_picture(encoded: str) -> Picture | None:
    """Decodes a base64 PNG or JPEG and encodes its pixels again; None if it is none, or too big.

    Only the first frame stays, and nothing that is not a pixel: no text, colour profile or trailing bytes.
    """
    from PIL import Image

    if len(encoded) > MAX_ENCODED:
        return None
    try:
        content = base64.b64decode("".join(encoded.split()), validate=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own warning of a decompression bomb; the limit is ours
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    return None
                alpha = "A" in picture.getbands() or "transparency" in picture.info
                pixels = picture.convert("RGBA" if alpha else "RGB")
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, binascii.Error, Image.DecompressionBombError):
        return None
    except Exception:  # a decoder can fail in ways of its own
        return None
    return _encoded(pixels)


def _encoded(pixels: Any) -> Picture | None:
    from PIL import Image

    plain = Image.frombytes(pixels.mode, pixels.size, pixels.tobytes())  # without the first one's metadata
    for kind in PICTURE_TYPES:  # a PNG that is too big gets another chance as a JPEG
        buffer = io.BytesIO()
        (plain if kind == "image/png" else plain.convert("RGB")).save(buffer, kind.removeprefix("image/"))
        if buffer.tell() <= MAX_PICTURE_BYTES:
            return Picture(kind, buffer.getvalue())
    return None
