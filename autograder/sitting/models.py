"""Makes a Keras model of what a learner's flow, or their `build_unet`, wires together."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

from autograder.sitting.paper import CasePaper
from autograder.sitting.stand_in_layer import how_far, recording_calls
from autograder.sitting.stand_ins import make_blocks

EAGER_ONLY = (
    "it works on numbers only: on arrays it runs, but it is called on keras.Input tensors, which have a shape and no "
    "values yet. Keras layers and keras.ops work on both"
)
DICT_OF_INPUTS = "{name} must return a model of a list of inputs. Received: a model of a dict of inputs"
LISTS_INSIDE = "a list with lists inside it"


class EagerOnly(TypeError):
    """The code runs on arrays, but not on `keras.Input` tensors."""


def make_model(name: str, case: CasePaper, function: Any) -> keras.Model:
    """Calls a learner's function once and makes a model of the paper's inputs.

    Args:
        name: what the function is called.
        case: a paper of kind "flow" (`function(*inputs, *arguments, blocks)` gives tensors) or "model"
            (`function(*arguments, blocks)` gives a `keras.Model`).
        function: the learner's.

    Raises:
        TypeError: if it returns something else, or runs on arrays only.
        Exception: whatever the function raises, with a note of the blocks that it had called until then.
    """
    blocks = make_blocks(**(case.widths or {}))
    if case.kind == "model":
        with _noting_how_far():
            made = function(*case.arguments, blocks)
        if not isinstance(made, keras.Model):
            raise TypeError(f"{name} must return a keras.Model. Received: {_kind(made)}")
        if isinstance(getattr(made, "input", None), dict):  # Keras would take what it is called on in the keys' order
            raise TypeError(DICT_OF_INPUTS.format(name=name))
        return made
    inputs = {name: keras.Input(array.shape[1:]) for name, array in case.inputs.items()}
    try:
        with _noting_how_far():
            made = function(*grouped(inputs), *case.arguments, blocks)
    except Exception as error:
        if _symbols_are_the_trouble(error) and _runs_on_arrays(case, function, blocks):
            raise EagerOnly(EAGER_ONLY).with_traceback(error.__traceback__) from None
        raise
    return keras.Model(list(inputs.values()), tensors_of(name, made))


@contextmanager
def _noting_how_far() -> Iterator[None]:
    with recording_calls() as called:
        try:
            yield
        except Exception as error:
            if called:
                error.add_note(how_far(called))
            raise


def grouped(inputs: dict[str, Any]) -> list[Any]:
    """Inputs as a flow is given them: those called `outputs[0]`, `outputs[1]`, ... as one list."""
    groups: dict[str, Any] = {}
    for name, tensor in inputs.items():
        group, bracket, _ = name.partition("[")
        if bracket:
            groups.setdefault(group, []).append(tensor)
        else:
            groups[group] = tensor
    return list(groups.values())


def tensors_of(name: str, made: Any) -> list[Any]:
    """What a flow returned, as a flat list: it may be a tensor, or a tensor and a list of tensors."""
    if made is None:
        raise TypeError("nothing was returned (None): is a `return` missing?")
    pair = isinstance(made, (list, tuple)) and len(made) == 2 and isinstance(made[1], (list, tuple)) and made[1]
    tensors = [made[0], *made[1]] if pair else [made]
    if not all(isinstance(tensor, keras.KerasTensor) for tensor in tensors):
        expected = "a tensor made from its inputs, or a tensor and a list of tensors"
        raise TypeError(f"{name} must return {expected}. Received: {_kind(made)}")
    return tensors


def _kind(made: Any) -> str:
    """What something is, in words: `a list of 12 tensors`."""
    if isinstance(made, keras.KerasTensor):
        return "a tensor"
    if isinstance(made, (list, tuple)):
        kind = type(made).__name__
        if not made:
            return f"an empty {kind}"
        if all(isinstance(part, keras.KerasTensor) for part in made):
            return f"a {kind} of {len(made)} tensors"
        if isinstance(made, list) and any(isinstance(part, (list, tuple)) for part in made):
            return LISTS_INSIDE
        return f"a {kind} of {', '.join(_kind(part) for part in made[:3])}{', ...' if len(made) > 3 else ''}"
    return type(made).__name__


def _symbols_are_the_trouble(error: BaseException) -> bool:
    return any(word in str(error) for word in ("KerasTensor", "symbolic"))


def _runs_on_arrays(case: CasePaper, function: Any, blocks: Any) -> bool:
    inputs = {name: ops.convert_to_tensor(array) for name, array in case.inputs.items()}
    try:
        function(*grouped(inputs), *case.arguments, blocks)
    except Exception:
        return False
    return True
