"""Whether two answers compute the same.

Two layers agree when a one-to-one matching of their weights makes all runs agree; see `weights_match`.
"""

import math
import re
from collections import Counter

import numpy as np

from autograder.questions.catalogue import PART_FAILED, RAISED, WEIGHTS
from autograder.sitting.exceptions import NO_MESSAGE
from autograder.sitting.paper import BASE, Answer, CaseAnswer, LearnerError

SHAPE_PATTERN = re.compile(r"[\[(]\s*(?:None|\d+)(?:\s*,\s*(?:None|\d+))*\s*,?\s*[\])]")  # None: any batch
LAYER_NAME = re.compile(r"layer ['\"](\w+?)(?:_\d+)?['\"]")
LAYERS = {"conv2d": "Conv", "dense": "Dense", "group_normalization": "Norm", "layer_normalization": "Norm"}
OF_NO_TENSOR = ("AttributeError", "ImportError", "NameError", "SyntaxError", "TypeError", "UnboundLocalError")
MISSING_ARGUMENT = re.compile(r"missing \d+ required")
BATCH = re.compile(r"^\d+,")
LIST_WHOLE = re.compile(r"values\[0\]\.shape")  # a list is made one tensor: no part of a base does that
RESHAPES = [  # how many numbers there are, and the shape, or how many numbers it has
    re.compile(
        r"tensor with (?P<size>\d+) values, but the requested shape (?:has|requires a multiple of) (?P<shape>\d+)"
    ),
    re.compile(r"(?:array of size |\(size )(?P<size>\d+)\)? into shape \((?P<shape>[^)]*)\)"),  # NumPy, JAX
    re.compile(r"shape '\[(?P<shape>[^\]]*)\]' is invalid for input of size (?P<size>\d+)"),  # PyTorch
]
OF_NAMES = ("ImportError", "IndentationError", "ModuleNotFoundError", "NameError", "SyntaxError", "UnboundLocalError")
NO_ATTRIBUTE = re.compile(r"'(\w+)' object has no attribute")
PLAIN = ("NoneType", "bool", "dict", "float", "int", "list", "ndarray", "set", "str", "tuple")  # what parts are given
HOW_FAR = re.compile(r"\(after [\w ,]+\)")  # what the sitting notes of a flow that failed


def agree(answer: Answer, other: Answer, tolerance: float) -> bool:
    """Whether two answers to the same paper compute the same on every case.

    Errors that complain of no shapes count as the same if another case gives the same values.
    """
    alike = [_case_agrees(mine, theirs, tolerance) for mine, theirs in zip(answer.cases, other.cases, strict=True)]
    some = any(same and case.error is None for same, case in zip(alike, answer.cases, strict=True))
    failed = [some and both_fail(mine, theirs) for mine, theirs in zip(answer.cases, other.cases, strict=True)]
    return all(same or fails for same, fails in zip(alike, failed, strict=True))


def both_fail(mine: CaseAnswer, theirs: CaseAnswer) -> bool:
    """Whether both ended in an error, a part of a base and a learner's code that complains of no shapes; or both gave
    what is refused for the same reason.
    """
    if mine.error is None or theirs.error is None:
        return False
    if mine.error.stage == theirs.error.stage == "output":
        return mine.error.message == theirs.error.message
    if theirs.error.kind != PART_FAILED:
        return False
    if mine.error.kind == "AssertionError" or mine.error.message == NO_MESSAGE:
        return False  # it says nothing of what went wrong
    stages = ("construct", theirs.error.stage)  # what a layer's constructor does, a base does when it is called
    if mine.error.stage not in stages or _shapes(mine.error.message):
        return False
    if not _shapes(theirs.error.message):  # the part was given no tensor: an argument was missing, or a number wrong
        raised = theirs.error.message.partition(RAISED)[2].strip()
        return mine.error.message == raised or MISSING_ARGUMENT.search(mine.error.message) is not None
    reshapes = _reshape(mine.error.message), _reshape(theirs.error.message)
    if reshapes[0] and reshapes[1] and reshapes[0][0] != reshapes[1][0]:
        return False  # of tensors that are not of one size
    return mine.error.kind not in OF_NO_TENSOR


def _case_agrees(mine: CaseAnswer, theirs: CaseAnswer, tolerance: float) -> bool:
    if not outputs_agree(mine, theirs, tolerance):
        return False
    return mine.error is not None or weights_match(mine, theirs, tolerance)


def outputs_agree(mine: CaseAnswer, theirs: CaseAnswer, tolerance: float) -> bool:
    """Whether the first runs of a case agree, or ended in the same error."""
    if mine.error or theirs.error:
        return mine.error is not None and theirs.error is not None and _same_error(mine.error, theirs.error)
    return close(mine.runs[BASE], theirs.runs[BASE], tolerance)


def _same_error(mine: LearnerError, theirs: LearnerError) -> bool:
    """Two errors are the same mistake if they are of one class, complain of the same shapes, at least one, and came up
    after the same blocks of a flow. What a part of a base raises (`theirs`) has no class, see `_part_failed`.
    """
    if mine.stage != theirs.stage:
        return False
    if mine.stage == "output":  # refused for what came out, in words of the course's own
        return mine.message == theirs.message
    if HOW_FAR.findall(mine.message) != HOW_FAR.findall(theirs.message):
        return False
    if theirs.kind == PART_FAILED:
        told = mine.kind != "AssertionError" and not LIST_WHOLE.search(mine.message)
        return told and _part_failed(mine.message, theirs.message)
    shapes = _shapes(mine.message), _shapes(theirs.message)
    return mine.kind == theirs.kind and shapes[0] == shapes[1] != []


def can_be_of_a_part(error: LearnerError) -> bool:
    """Whether a part of a base could fail so: else no change of a base need be tried to explain it."""
    if error.kind == "AttributeError":
        owner = NO_ATTRIBUTE.search(error.message)
        return owner is None or owner[1] in PLAIN
    return error.kind not in ("AssertionError", *OF_NAMES) and not LIST_WHOLE.search(error.message)


def complains_alike(mine: LearnerError, theirs: LearnerError) -> bool:
    """Whether two errors are of one kind, whatever the sizes that they tell and wherever they came up."""
    part, _, raised = theirs.message.partition(RAISED)
    layer = LAYER_NAME.search(mine.message)
    if raised and layer and layer[1] in LAYERS:
        return LAYERS[layer[1]] in part
    return _without_sizes(mine.message) == _without_sizes(raised or theirs.message)


def _without_sizes(message: str) -> str:
    return re.sub(r"\d+", "", SHAPE_PATTERN.sub("", HOW_FAR.sub("", message))).strip()


def _part_failed(message: str, part: str) -> bool:
    """Whether a learner's exception complains of what a part of a base could not do.

    Either both raised the same words, as a flow's blocks do, whatever the batch; or neither could bring so many numbers
    into a shape of so many; or all that the part was given must be named, and nothing else that has the axes of a
    tensor, but its own weights. A Keras layer's exception often names the layer, too. In a flow the batch is open, and
    some exceptions leave it out; a product names the rows that it makes of a tensor. Vectors beside tensors are let
    off: TensorFlow writes theirs like an index.
    """
    part, _, raised = part.partition(RAISED)
    if _any_batch(message).strip() == _any_batch(raised).strip() != "":
        return True
    if reshape := _reshape(message):
        return reshape == _reshape(raised)
    given, _, weights = part.partition(WEIGHTS)
    mine, inputs, kernels = _shapes(message), _shapes(given), _shapes(weights)
    layer = LAYER_NAME.search(message)
    if layer and LAYERS.get(layer[1], "") not in part:
        return False
    if any(shape.startswith(",") for shape in mine):  # the batch is open somewhere: it counts nowhere
        mine, inputs, kernels = ([BATCH.sub(",", shape) for shape in shapes] for shapes in (mine, inputs, kernels))
    ways = (_without_batch, _without_any, *([_rows] if kernels else []))  # only with a kernel is it a product of rows
    written = (inputs, *([leave(shape) for shape in inputs] for leave in ways))
    tensors = [shape for shape in inputs if "," in shape]
    return any(shapes != [] and _complains_of(mine, shapes, kernels) for shapes in (*written, tensors))


def _reshape(message: str) -> tuple[int, int] | None:
    """Of an exception about a reshape: how many numbers there were, and of how many the known axes are made."""
    found = next((match for pattern in RESHAPES if (match := pattern.search(message))), None)
    if found is None:
        return None
    return int(found["size"]), math.prod(map(int, re.findall(r"(?<!-)\b\d+", found["shape"])))


def _complains_of(mine: list[str], inputs: list[str], kernels: list[str]) -> bool:
    tensors = (shape for shape in mine if shape.count(",") > 1)
    return not Counter(inputs) - Counter(mine) and all(s in [*inputs, *kernels] for s in tensors)


def _without_batch(shape: str) -> str:
    return BATCH.sub(",", shape)


def _without_any(shape: str) -> str:
    return BATCH.sub("", shape)


def _rows(shape: str) -> str:
    """A tensor as a product with a kernel sees it: `2,3,28` as `6,28`."""
    *axes, features = (int(axis) for axis in shape.split(",") if axis)
    return f"{math.prod(axes)},{features}"


def _any_batch(message: str) -> str:
    """A message with the batch of each shape left open."""
    return SHAPE_PATTERN.sub(lambda shape: re.sub(r"^(\W+)\w+,", r"\1None,", shape[0]), message)


def _shapes(message: str) -> list[str]:
    """The shapes in a text, without the batch where it is open."""
    return sorted(re.sub(r"[^\d,]", "", shape).rstrip(",") for shape in written_shapes(message))


def written_shapes(message: str) -> list[str]:
    """The shapes in a text as they stand there. One axis is `(5,)` or `[5]`; `(5)` is none, nor is `In[0]`."""
    found = ((message[: match.start()], match[0]) for match in SHAPE_PATTERN.finditer(message))
    return [shape for before, shape in found if "," in shape or (shape[0] == "[" and not before[-1:].isalnum())]


def relative_error(received: np.ndarray, expected: np.ndarray) -> float:
    """The L2 norm of the difference over that of `expected`; infinite for another shape, NaN or infinity.

    Where `expected` is infinite, as a known mistake may be, the same infinities in the same places agree.
    """
    if received.shape != expected.shape or received.dtype.kind not in "fiub":
        return float("inf")
    if not np.isfinite(expected).all():
        infinite = np.isinf(expected)
        if not np.array_equal(received[infinite], expected[infinite]):
            return float("inf")
        received, expected = received[~infinite], expected[~infinite]
    difference = np.linalg.norm(received.astype("float64") - expected.astype("float64"))
    scale = np.linalg.norm(expected.astype("float64"))
    error = difference / scale if scale else difference
    return float(error) if np.isfinite(error) else float("inf")


def comparable(received: np.ndarray, expected: np.ndarray) -> bool:
    """Whether the dtype holds numbers, and not half of the digits that are asked for."""
    halved = received.dtype == np.float16 and expected.dtype != np.float16
    return received.dtype.kind in "fiub" and not halved


def close(received: list[np.ndarray], expected: list[np.ndarray], tolerance: float) -> bool:
    """Whether every output is within `tolerance` (relative L2) of the expected one."""
    if len(received) != len(expected):
        return False
    pairs = list(zip(received, expected, strict=True))
    return all(comparable(r, e) and relative_error(r, e) <= tolerance for r, e in pairs)


def weights_match(mine: CaseAnswer, theirs: CaseAnswer, tolerance: float) -> bool:
    """Whether the weights of two layers can be matched one to one.

    Changing a weight alone must change the output as changing its partner does (`single` runs), and changing all
    weights of one size together likewise (`size` runs): the first tells which weight does what, the second that they
    work together as they should. Weights without effect are left out on both sides. A case in which the right
    object's weights were not told apart has nothing to match.
    """
    return not theirs.traced or pair_weights(mine, theirs, tolerance) is not None


def pair_weights(mine: CaseAnswer, theirs: CaseAnswer, tolerance: float) -> dict[int, int] | None:
    """The matching behind `weights_match`: my weight's index to theirs, or None if there is none."""
    left = _effective(mine, tolerance)
    pairs: dict[int, int] = {}
    for index in _effective(theirs, tolerance):
        size, expected = theirs.weights[index].size, theirs.runs[f"single.{index}"]
        partner = next(
            (i for i in left if mine.weights[i].size == size and close(mine.runs[f"single.{i}"], expected, tolerance)),
            None,
        )
        if partner is None:
            return None
        left.remove(partner)
        pairs[partner] = index
    sizes = [theirs.weights[index].size for index in pairs.values()]
    sizes = [size for size in set(sizes) if sizes.count(size) > 1]
    together = all(close(mine.runs[f"size.{s}"], theirs.runs[f"size.{s}"], tolerance) for s in sizes)
    return pairs if together and not left else None


def _effective(case: CaseAnswer, tolerance: float) -> list[int]:
    """The weights that change the output when they alone change."""
    base = case.runs[BASE]
    return [i for i in range(len(case.weights)) if not close(case.runs[f"single.{i}"], base, tolerance / 10)]
