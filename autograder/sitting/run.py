"""Runs a learner's object on a paper and writes down what it gave."""

import math
import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from autograder.adapters.keras_parts import built_by_running
from autograder.sitting.calls import CALLS
from autograder.sitting.exceptions import told, wrapped
from autograder.sitting.keras_settings import current
from autograder.sitting.models import grouped, make_model
from autograder.sitting.paper import BASE, Answer, CaseAnswer, CasePaper, LearnerError, Paper, Weight, weight_values
from autograder.sitting.remarks import remarks_on
from autograder.sitting.stand_ins import counting_uses
from autograder.sitting.trace import noting

KEPT_NUMBERS = 4_000_000  # weights of a layer whose values are kept, twice: 32 MB


class _Stop(Exception):
    """Ends a case with an error that is already written down."""

    def __init__(self, error: LearnerError):
        self.error = error


def sit(paper: Paper, learner_object: Any, base_only: bool = False, device: str = "cpu:0") -> Answer:
    """Runs `learner_object` on every case of `paper`, on the CPU, and never raises for what the object does.

    A learner's object always runs on the CPU; expected outputs may be computed on another `device`.

    A layer is constructed and called once per case, to build it; then it runs once with every weight at A. In the
    first case it runs on: once for each weight with that one at B, and once for each size that several weights have,
    with all of them at B. What these runs give tells which weight does what, whatever it is called (see
    `autograder.exam.comparing`). With `base_only` every case stops after the first run. A flow is called once, and
    the model that it makes is run in the same way.
    """
    with keras.device(device):
        cases = enumerate(paper.cases)
        answers = [_sit_case(paper, c, learner_object, base_only or i > 0) for i, c in cases]
    # The settings as the object left them: it may set them, too.
    return Answer(paper.question, answers, current(), remarks_on(learner_object))


def _sit_case(paper: Paper, case: CasePaper, learner_object: Any, base_only: bool) -> CaseAnswer:
    answer = CaseAnswer()
    try:
        if case.kind == "layer":
            _run_layer(paper, case, learner_object, answer, base_only)
        elif case.kind in CALLS:
            _first_run(answer, lambda: _call_with_unet(case, learner_object), base_only)
        elif case.kind in ("flow", "model"):
            _run_model(paper, case, learner_object, answer, base_only)
        else:
            _first_run(answer, lambda: _call_function(case, learner_object), base_only)
    except _Stop as stop:
        answer.error = stop.error
    return answer


def _first_run(answer: CaseAnswer, forward: Any, base_only: bool) -> None:
    """The first run of a case; unless `base_only`, with notes of what its operations give, also where it fails."""
    with noting(not base_only) as answer.notes:
        answer.runs[BASE] = _attempt("call", forward)


def _call_function(case: CasePaper, function: Any) -> list[np.ndarray]:
    inputs = {name: ops.convert_to_tensor(array) for name, array in case.inputs.items()}
    return _as_arrays(_not_wrapped(function(*grouped(inputs), *case.arguments)))


def _call_with_unet(case: CasePaper, function: Any) -> list[np.ndarray]:
    inputs = [ops.convert_to_tensor(array) for array in case.inputs.values()]
    return _as_arrays(_not_wrapped(CALLS[case.kind](function, inputs, *case.arguments)))


def _run_layer(paper: Paper, case: CasePaper, layer_class: Any, answer: CaseAnswer, base_only: bool) -> None:
    layer = _attempt("construct", lambda: _made_of(layer_class, case.arguments, paper.name))
    argument, named = _call_of(case, ops.convert_to_tensor)

    def forward() -> list[np.ndarray]:
        return _as_arrays(_not_wrapped(layer(argument, **named)))

    def build() -> None:
        with built_by_running(layer):
            forward()

    _attempt("call", build)
    _trace(paper, layer, forward, answer, base_only)


def _call_of(case: CasePaper, tensor: Callable[[np.ndarray], Any]) -> tuple[Any, dict[str, Any]]:
    """What a layer is called on: its argument, and what it is given by name. `tensor` makes them of the arrays."""
    inputs = {name: tensor(array) for name, array in case.inputs.items()}
    first, *others = inputs
    named = {name: inputs[name] for name in others} if case.by_name else {}
    return inputs[first] if named or not others else list(inputs.values()), named


def trouble_with_symbols(paper: Paper, layer_class: Any) -> LearnerError | None:
    """Why a layer that runs on arrays does not run on `keras.Input` tensors, as in a model; None if it does."""
    case = paper.cases[0]
    argument, named = _call_of(case, lambda array: keras.Input(array.shape[1:]))
    try:
        _attempt("call", lambda: layer_class(*case.arguments)(argument, **named))
    except _Stop as stop:
        return stop.error
    return None


def _made_of(layer_class: Any, arguments: tuple, name: str) -> Any:
    """A layer of the learner's class. What is asked of their objects here may run code of theirs, too."""
    if isinstance(layer_class, keras.layers.Layer):
        raise TypeError(f"the class {name} itself is to be given, not a layer made of it")
    layer = layer_class(*arguments)
    if not isinstance(layer, keras.layers.Layer):
        raise TypeError(f"{name}(...) must make a keras.layers.Layer. Received: {type(layer).__name__}")
    return layer


def _run_model(paper: Paper, case: CasePaper, function: Any, answer: CaseAnswer, base_only: bool) -> None:
    model = _attempt("call", lambda: make_model(paper.name, case, function))
    inputs = [ops.convert_to_tensor(array) for array in case.inputs.values()]
    argument = inputs if len(inputs) > 1 else inputs[0]

    def forward() -> list[np.ndarray]:
        with counting_uses():
            return _as_arrays(model(argument))

    _trace(paper, model, forward, answer, base_only)


def _trace(paper: Paper, layer: Any, forward: Any, answer: CaseAnswer, base_only: bool) -> None:
    """Runs `forward` with every weight of `layer` at A; unless `base_only`, with each at B, and with each size at B."""
    variables, answer.weights = _attempt("weights", lambda: _real_weights(layer))
    values = _Values(paper.keys, variables)

    now: dict[int, bool] = {}  # which weights are at B
    steady = False  # whether a run leaves them as they are

    def assign(changed: set[int]) -> None:
        for index, variable in enumerate(variables):
            if steady and now.get(index) == (index in changed):
                continue
            _attempt("weights", lambda v=variable, i=index: v.assign(values.of(i, i in changed)))
            now[index] = index in changed

    def run(changed: set[int]) -> list[np.ndarray]:
        assign(changed)
        return _attempt("call", forward)

    assign(set())
    before = [] if base_only else [ops.convert_to_numpy(variable.value) + 0 for variable in variables]
    _first_run(answer, forward, base_only)
    if base_only:
        return
    steady = all(np.array_equal(a, ops.convert_to_numpy(v.value)) for a, v in zip(before, variables, strict=True))
    for index in range(len(variables)):
        answer.runs[f"single.{index}"] = run({index})
    by_size: dict[int, set[int]] = {}
    for index, weight in enumerate(answer.weights):
        by_size.setdefault(weight.size, set()).add(index)
    for size, indices in by_size.items():
        if len(indices) > 1:  # one alone is its single run
            answer.runs[f"size.{size}"] = run(indices)


class _Values:
    """What weights are set to, at A and at B. Kept for a small layer: its runs take less time than drawing this."""

    def __init__(self, keys: tuple[int, int], variables: list[Any]):
        self._keys, self._variables = keys, variables
        self._keeps = sum(math.prod(variable.shape) for variable in variables) <= KEPT_NUMBERS
        self._kept: dict[tuple[int, bool], Any] = {}

    def of(self, index: int, changed: bool) -> Any:
        """The value of a weight: B if it is `changed`, else A."""
        if (index, changed) in self._kept:
            return self._kept[index, changed]
        variable = self._variables[index]
        value = weight_values(self._keys[changed], tuple(variable.shape), variable.trainable)
        if self._keeps:
            value = self._kept[index, changed] = ops.convert_to_tensor(value, dtype=variable.dtype)
        return value


def _real_weights(layer: Any) -> tuple[list[Any], list[Weight]]:
    """The weights that hold real numbers (not a generator's state), and what is written down of each."""
    variables = [v for v in layer.weights if keras.backend.standardize_dtype(v.dtype).startswith(("float", "bfloat"))]
    return variables, [Weight(v.path, tuple(v.shape)) for v in variables]


def _not_wrapped(output: Any) -> Any:
    """What a layer or function returned, unless that is a list or tuple around one tensor or number."""
    if error := wrapped(output):
        raise _Stop(error)
    return output


def _as_arrays(output: Any) -> list[np.ndarray]:
    if output is None:
        raise _Stop(LearnerError("output", "NoneType", "nothing was returned (None): is a `return` missing?"))
    outputs = output if isinstance(output, (list, tuple)) else [output]
    try:
        return [np.array(ops.convert_to_numpy(item)) for item in outputs]
    except Exception as error:
        kinds = ", ".join(type(item).__name__ for item in outputs)
        raise _Stop(LearnerError("output", type(error).__name__, f"not a tensor was returned: {kinds}")) from error


def _attempt(stage: str, action: Any) -> Any:
    """Runs `action`; whatever the learner's code raises, `SystemExit` included, becomes the case's error."""
    try:
        return action()
    except (_Stop, KeyboardInterrupt):
        raise
    except BaseException as error:  # the learner's code may raise anything, SystemExit too
        raise _Stop(told(stage, error)) from error


def interactive_shell() -> Any:
    """The running IPython shell, or None; without importing IPython where it is not in use."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None
