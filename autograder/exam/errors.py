"""What an exception of the learner's code usually means: the likely cause, in one sentence."""

import re

from autograder.exam.comparing import written_shapes
from autograder.sitting.exceptions import STUB_TEXT
from autograder.sitting.models import LISTS_INSIDE
from autograder.sitting.paper import Answer, LearnerError
from autograder.sitting.remarks import COMPILED, INSIDE, NAMED, NO_CALL, OUTSIDE

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
        r"expects 1 input\(s\), but it received \d|'(?:list|tuple)' object has no attribute"
        r"|not supported between instances of '(?:list|tuple)' and 'int'"
        r"|can only concatenate (?:list|tuple)|can't multiply sequence|operand type\(s\) for .*'(?:list|tuple)'",
        "A list of tensors is used as if it were one: take it apart first, one name for each tensor.",
    ),
    (
        r"values\[0\]\.shape = (\S+) != values\[1\]\.shape = (\[[^\]]*\])",
        "A list stands where one tensor belongs, and its tensors, {0} and {1}, do not make one: take it apart first, "
        "one name for each tensor.",
    ),
    (
        r"No module named '(jax|jaxlib|torch|tensorflow|flax)\b",
        "The backend `{0}` is not installed here, and nothing in an answer needs one by name: `keras.ops` has the same "
        "functions for every backend.",
    ),
    (
        r"No module named '([\w.]+)'",
        "There is no `{0}` here: is the name misspelled? What an answer needs, `keras` and `numpy` have.",
    ),
    (
        r"^([\w.]+) is not there while",
        "The package `{0}` is not there while a notebook is graded: write that part without it. The last cell names "
        "those that are.",
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
        LISTS_INSIDE,
        "A list was put into the list as one thing, beside the tensors: what is in it has to be added one by one.",
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
        return _not_implemented(error)
    if error.kind == "AssertionError":
        return _assertion(error)
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
        return _shapes_that_do_not_fit(error, *shapes)
    return UNKNOWN


# What is odd about a layer's `call`, see `autograder.sitting.remarks`; `{0}` is the name that comes with it.
REMARKS = {
    NAMED: "The class has no `call`, which is what Keras runs when the layer is called; it has `{0}`. Name it `call`.",
    INSIDE: "`call` stands inside `{0}`, one indentation too deep, so the class itself has none: move it to the left.",
    OUTSIDE: "`call` stands outside of the class, so the class has none: move it to the right, under its `__init__`.",
    NO_CALL: "The class has no `call`: Keras runs it when the layer is called.",
    COMPILED: "`call` is compiled by `@tf.function`: traced while the layer is built, it goes on with the weights of "
    "that moment, whatever they become. Take the decorator off; a model is compiled as a whole, by `model.compile`.",
}


def remark_finding(answer: Answer) -> str:
    """What is odd about the learner's layer class, if that is the cause of what went wrong; else ""."""
    error = answer.cases[0].error
    for remark in answer.remarks:
        word, _, name = remark.partition(" ")
        if word == COMPILED or (error is not None and error.kind == NOT_WRITTEN):
            return REMARKS[word].format(name)
    return ""


def _not_implemented(error: LearnerError) -> str:
    if error.below:
        return f"`{error.line}` still stands above your code, and nothing below it runs: delete that line."
    if error.message == STUB_TEXT:
        return "A part of the answer is still to be written."
    return f"Something that is called there is not implemented ({NOT_WRITTEN})."


def _assertion(error: LearnerError) -> str:
    if error.line.startswith("assert"):
        return "That is an assertion of your own, and what it claims does not hold here: look at what it compares."
    return "Something that this line calls asserts what does not hold here: look at what the line hands over."


def _shapes_that_do_not_fit(error: LearnerError, one: str, other: str) -> str:
    """What joins them may be right by itself, a `td_dot`, say: then the line that called it is to blame."""
    if len(error.calls) > 1:
        caller = error.calls[-2][1]
        return (
            f"The shapes of two tensors do not fit, {one} and {other}. They come from your line `{caller}`: print the "
            "shapes before it."
        )
    return f"That line joins tensors whose shapes do not fit, {one} and {other}: print both before it."


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
