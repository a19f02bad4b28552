"""JSON from a stranger: refused before it is built if it holds more values than it may.

Text takes a few bytes of memory a byte. Objects take more: an empty one is three bytes of JSON and 72 of memory.
"""

import itertools
import json
import re
from typing import Any

# A text, whatever stands in it, or what begins another value. Possessive: no pattern to go back into.
VALUE = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{,]', re.DOTALL)


def bounded_json(content: str | bytes | bytearray, most: int) -> Any:
    """The value of a JSON text, as `json.loads` gives it.

    Args:
        content: in UTF-8, where it is bytes; halves of surrogate pairs are let through.
        most: how many texts, lists, objects and commas it may hold together.

    Raises:
        ValueError: if it holds more, or is not JSON.
        RecursionError: if it is nested too deeply.
    """
    text = content if isinstance(content, str) else content.decode("utf-8", "surrogatepass")
    if any(True for _ in itertools.islice(VALUE.finditer(text), most, None)):
        raise ValueError(f"the JSON must hold at most {most:,} values. Received: more")
    return json.loads(text)
