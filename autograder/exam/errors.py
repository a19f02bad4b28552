"""What an exception of the learner's code usually means: the likely cause, in one sentence."""

import re

from autograder.exam.comparing import written_shapes
from autograder.sitting.paper import LearnerError

NOT_WRITTEN = "NotImplementedError"
UNKNOWN = "Your code raised the error above before it gave a result."
# A pattern of the exception's text, and what it means; both of Python's and of Keras' own words. The first that fits.
CAUSES = [
    (
        r"unexpected keyword argument '(\w+)'",
        "`{0}=` is given by its name, and the signature that is called has no argument of this name.",
    ),
    (r"not a layer made of it", "The check makes layers of the class itself, of several sizes."),
    (r"forgot to call `super\(\)", "`__init__` must begin with `super().__init__(**kwargs)`: Keras needs it."),
    (
        r"cannot add new elements of state",
        "A layer or weight is made inside `call`. Make it once, in `__init__` or `build`, and only use it in `call`.",
    ),
    (
        r"expects 1 input\(s\), but it received \d|'(?:list|tuple)' object has no attribute",
        "A list of tensors is used as if it were one: take it apart first, one name for each tensor.",
    ),
    (
        r"'NoneType'",
        "Something is None there that should be a tensor or a layer: is a `return` missing, or an assignment?",
    ),
    (
        r"Tensor'? object has no attribute '(\w+)'",
        "A tensor has no `{0}` of its own here: use the function of `keras.ops`, which every backend has.",
    ),
    (
        r"name '(\w+)' is not defined",
        "Nothing is called `{0}` when that line runs: is it misspelled, or made in a cell that has not run?",
    ),
    (r"unsupported operand type\(s\) for \^", "`^` is no power in Python: a power is written `**`."),
    (r"local variable '(\w+)'", "`{0}` is used before that function has given it a value."),
    (
        r"'float' object cannot be interpreted as an integer|Tshape' of float",
        "Whole numbers are needed there: `/` gives a float, even where the division comes out even; `//` does not.",
    ),
    (
        r"expected to be a (?:double|float) tensor but is a (?:double|float) tensor",
        "Numbers of float64, NumPy's own kind, meet float32: make them float32, or plain numbers with `float(...)`.",
    ),
    (
        r"index \d+ is out of bounds|list index out of range",
        "An index goes past the end: the last one is one less than the length, and behind it there is no next one.",
    ),
    (
        r"[Aa]ttempt to convert a value",
        "Something that is no tensor is given to an operation: perhaps a layer that was not called.",
    ),
]
ATTRIBUTE = re.compile(r"'(\w+)' object has no attribute '(\w+)'")
ARGUMENTS = re.compile(r"takes .*positional argument|too many positional arguments|missing .*required .*argument")
MISSING = re.compile(r"missing (?:a|\d+) required .*?arguments?: (.+)")


def error_finding(error: LearnerError) -> str:
    """What an exception means for the answer."""
    if error.kind == NOT_WRITTEN:
        return "A part of the answer is still to be written."
    if error.stage == "output":
        return "A tensor was expected."
    if ARGUMENTS.search(error.message):
        return _arguments(error)
    for pattern, cause in CAUSES:
        found = re.search(pattern, error.message)
        if found:
            return cause.format(*found.groups())
    attribute = ATTRIBUTE.search(error.message)
    if attribute:
        return _attribute(attribute[1], attribute[2], error.line)
    shapes = list(dict.fromkeys(written_shapes(error.message)))
    if error.line and len(shapes) == 2:
        return f"That line joins tensors whose shapes do not fit, {shapes[0]} and {shapes[1]}: print both before it."
    return UNKNOWN


def _arguments(error: LearnerError) -> str:
    """Too few or too many arguments: of the learner's signature, or of what the learner's own line calls."""
    missing = MISSING.search(error.message)
    if error.line and missing:
        return f"That line calls something without an argument that it needs: {missing[1].rstrip('.')}."
    if error.line:
        return (
            "That line calls something with too few or too many arguments. A Keras layer of several inputs takes them "
            "as one list."
        )
    part = "`__init__`" if error.stage == "construct" else "The signature"
    return f"{part} takes other arguments than it is given: keep the one from the exercise's text."


def _attribute(owner: str, name: str, line: str) -> str:
    """Something was read that is not there: of the learner's own layer, or of another object."""
    if f"self.{name}" in line:
        return f"`self.{name}` was never made: make it in `__init__` or `build`, under the same name."
    return f"A {owner} has no `{name}`: is it something else than you took it for, or is the name misspelled?"
