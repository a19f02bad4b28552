"""What is kept of an exception that a learner's code raised: its text, and the learner's own lines that led to it."""

import ast
import linecache
import re
import sysconfig
import traceback
from pathlib import Path
from typing import Any, NamedTuple

from autograder.sitting.paper import LearnerError

OURS = str(Path(__file__).resolve().parent.parent)
LIBRARIES = tuple({sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")})
MESSAGE_LIMIT = 600  # characters of an exception's text that are kept
LINE_LIMIT = 300  # of a line
MAX_CALLS = 4  # lines of the learner's own
NO_MESSAGE = "(no message)"
STUB_TEXT = "write your answer here"  # of the NotImplementedError that a stub raises
WRAPPINGS = (
    re.compile(r"\x1b\[[0-9;]*m"),
    re.compile(r"^Exception encountered when calling .*\.\n+", re.MULTILINE),
    re.compile(r"(?:^|\n)\s*Arguments received by .*", re.DOTALL),
    re.compile(r"\s*Inputs received: \[.*", re.DOTALL),
    re.compile(r"\{\{(?:function_)?node [^}]*\}\}"),
    re.compile(r"\[Op:\w+\](?: name:)?"),
)


class Frame(NamedTuple):
    """A line of the learner's own code that was running: where it stands, and its text."""

    file: str
    number: int
    function: str
    line: str


def told(stage: str, error: BaseException) -> LearnerError:
    """What is kept of an exception. Its text is the learner's code, too, and may fail in turn."""
    try:
        frames = learner_frames(error)
        calls = tuple((frame.function, frame.line) for frame in frames)
        line = frames[-1].line if frames else ""
        below = isinstance(error, NotImplementedError) and code_below(error)
        return LearnerError(stage, type(error).__name__, plain_message(error), line, calls, below)
    except KeyboardInterrupt:
        raise
    except BaseException as second:
        return LearnerError(stage, type(error).__name__, f"(it cannot be shown: {type(second).__name__})")


def wrapped(output: Any) -> LearnerError | None:
    """What is said of a list or tuple around one tensor or number, returned in the place of that itself."""
    if not isinstance(output, (list, tuple)) or len(output) != 1:
        return None
    kind, held = type(output).__name__, "number" if isinstance(output[0], (int, float)) else "tensor"
    return LearnerError("output", kind, f"a {kind} with one {held} in it was returned, not the {held} itself")


def plain_message(error: BaseException) -> str:
    """An exception's text without what Keras and TensorFlow wrap around it: colours, node names, the arguments.

    Notes added to it, such as how far a flow had come, stand at the end.
    """
    text = str(error)
    for wrapping in WRAPPINGS:
        text = wrapping.sub("", text)
    text = " ".join(text.split()) or NO_MESSAGE
    text = text if len(text) <= MESSAGE_LIMIT else text[:MESSAGE_LIMIT] + " ..."
    return " ".join([text, *(str(note)[:MESSAGE_LIMIT] for note in getattr(error, "__notes__", [])[:3])])


def learner_line(error: BaseException) -> str:
    """The last line of the learner's own code in `error`'s traceback; "" if there is none."""
    frames = learner_frames(error)
    return frames[-1].line if frames else ""


def learner_frames(error: BaseException) -> list[Frame]:
    """The lines of the learner's own code that led to `error`, from the first call on: not ours, not a library's.

    Of many, such as a function that calls itself, the last `MAX_CALLS` different ones.
    """
    found: list[Frame] = []
    for frame, number in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        if not is_learners(code.co_filename):
            continue
        line = linecache.getline(code.co_filename, number).strip()[:LINE_LIMIT]
        name = getattr(code, "co_qualname", code.co_name).rpartition("<locals>.")[2]
        if line and (not found or found[-1].line != line):
            found = [*found, Frame(code.co_filename, number, name, line)][-MAX_CALLS:]
    return found


def is_learners(file: str) -> bool:
    """Whether a file of code is the learner's own: not ours, not a library's."""
    return not (file.startswith((OURS, *LIBRARIES, "<frozen")) or "site-packages" in file)


def code_below(error: BaseException) -> bool:
    """Whether code stands below the learner's line that raised `error`, in the same block: it can never run."""
    frames = learner_frames(error)
    if not frames:
        return False
    text = "".join(linecache.getlines(frames[-1].file))
    try:
        blocks = [block for node in ast.walk(ast.parse(text)) for block in _blocks(node)]
    except (SyntaxError, ValueError, RecursionError):  # a cell with magics, say
        return False
    lines = [[statement.lineno for statement in block] for block in blocks]
    return any(frames[-1].number in block[:-1] for block in lines)


def _blocks(node: ast.AST) -> list[list[ast.stmt]]:
    """The blocks of statements that belong to a node: the body of a function, of a class, both arms of an `if`."""
    return [block for name in ("body", "orelse") if isinstance(block := getattr(node, name, None), list)]
