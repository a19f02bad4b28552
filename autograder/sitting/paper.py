"""What goes into a sitting and what comes out of it: plain data, arrays and words only."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograder.sitting.settings import COURSE, Settings

BASE = "base"  # the run with every weight at its A value


@dataclass(frozen=True)
class CasePaper:
    """One call of the learner's object.

    Args:
        kind: "function" (call it on inputs and arguments), "layer" (construct it with the arguments, call it on the
            inputs), "sampling", "training", "start" or "pipeline" (call it on inputs and more, see `calls`), "flow"
            (call it on symbolic inputs, arguments and blocks, run the model of what it gives) or "model" (call it on
            arguments and blocks, run the model it gives on the inputs).
        arguments: positional arguments, after the inputs of a function or of a layer's constructor.
        inputs: the input arrays by name, in order. A layer with several gets them as one list, unless `by_name`.
        by_name: a layer's inputs after the first are given as keyword arguments, each under its name.
        widths: of the blocks that a flow or a model is given: the arguments of `stand_ins.make_blocks`.
    """

    kind: str
    arguments: tuple[Any, ...]
    inputs: dict[str, np.ndarray]
    by_name: bool = False
    widths: dict[str, Any] | None = None


@dataclass(frozen=True)
class Paper:
    """One question as a sitting sees it.

    Args:
        question: the question's id, for example "resblock-same".
        name: what the learner's object is called, for example "ResBlock".
        cases: the calls to make.
        keys: two numbers from which the weights A and B are drawn (see `weight_values`).
    """

    question: str
    name: str
    cases: tuple[CasePaper, ...]
    keys: tuple[int, int]

    def call_text(self, case: CasePaper) -> str:
        """How the learner's object is called, as code with shapes: `ResBlock(64)([x (2, 4, 6, 64), ...])`."""
        lists = [name.partition("[")[0] for name in case.inputs if "[" in name]
        shapes = {name.partition("[")[0]: str(array.shape) for name, array in case.inputs.items()}
        shapes |= {name: f"[{lists.count(name)} feature maps]" for name in lists}
        inputs = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        arguments = ", ".join(repr(argument) for argument in case.arguments)
        if case.by_name:
            (first, array), *others = case.inputs.items()
            named = "".join(f", {name}={name} {other.shape}" for name, other in others)
            return f"{self.name}({arguments})({first} {array.shape}{named})"
        if case.kind == "layer":
            return f"{self.name}({arguments})({f'[{inputs}]' if len(case.inputs) > 1 else inputs})"
        if case.kind == "model":
            return f"{self.name}({arguments}, blocks)([{inputs}])"
        if case.kind == "sampling":
            steps, scale = case.arguments
            return f"{self.name}(unet, {inputs}, {steps} timesteps, alpha_bars, {scale}, embed)"
        if case.kind == "training":
            return f"{self.name}(predict, {inputs}, alpha_bars, embed)"
        if case.kind == "start":
            strength, steps = case.arguments
            return f"{self.name}({inputs}, {strength}, {steps} timesteps, alpha_bars)"
        if case.kind == "pipeline":
            prompt, negative_prompt, steps, scale = case.arguments
            return f"{self.name}({prompt!r}, {negative_prompt!r}, {inputs}, {steps} timesteps, {scale}, networks)"
        blocks = "blocks" if case.kind == "flow" else ""
        return f"{self.name}({', '.join(part for part in (inputs, arguments, blocks) if part)})"


def weight_values(key: int, shape: tuple[int, ...], trained: bool = True) -> np.ndarray:
    """The values that a weight of `shape` takes in a run, drawn from `key` and the weight's size alone.

    Names and creation order are the learner's own, so weights are told apart by what changing them does, and no array
    needs to be agreed on by shape: a kernel `(C, N, D)` of an EinsumDense, `(1, 1, C, N·D)` of a 1x1 convolution and
    `(C, N·D)` of a Dense hold the same numbers in the same order, and so compute the same.

    The spread is `size ** -1/4`: for a square kernel `1 / sqrt(fan_in)`, which keeps a signal's variance. What is not
    `trained` is a statistic that a layer keeps, such as a variance, and is never negative.
    """
    size = int(np.prod(shape, dtype=np.int64))
    values = np.random.default_rng([key, size]).standard_normal(size, dtype=np.float32)
    values = values if trained else np.abs(values)
    return (values * np.float32(size**-0.25)).reshape(shape)


@dataclass(frozen=True)
class Weight:
    """A weight as the learner made it: its path in their layer and its shape."""

    path: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True)
class LearnerError:
    """An exception of the learner's code: where it came up, and the learner's own line if there is one.

    Args:
        stage: "missing", "construct", "call", "weights" or "output".
        kind: name of the exception's class.
        message: its text, shortened to what can be read.
        line: the last line of the learner's own code in the traceback, or "".
        calls: the learner's own lines that led there, from the first call on, each with the function it stands in.
        below: whether code of the learner's stands below the `raise NotImplementedError` that ended it.
    """

    stage: str
    kind: str
    message: str
    line: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    below: bool = False


@dataclass(frozen=True)
class Note:
    """What one operation gave on the way: shape, a few numbers (see `autograder.sitting.trace`), the learner's line."""

    shape: tuple[int, ...]
    numbers: tuple[float, ...]
    line: str = ""


@dataclass
class CaseAnswer:
    """What one case gave: the outputs of every run, or the error that ended it; of the first run also its notes.

    Runs are called `base`, `single.I` (weight number I set to B, the others to A) and `size.N` (all weights of size N
    set to B, where there are several). Each holds the list of the object's outputs.
    """

    runs: dict[str, list[np.ndarray]] = field(default_factory=dict)
    weights: list[Weight] = field(default_factory=list)
    error: LearnerError | None = None
    notes: list[Note] = field(default_factory=list)

    @property
    def traced(self) -> bool:
        """Whether the weights were told apart in this case, by changing one at a time."""
        return any(run.startswith("single.") for run in self.runs)


@dataclass
class Answer:
    """The answer sheet of one question: a `CaseAnswer` for each case of the paper, the settings they came under, and
    what is odd about the object (see `autograder.sitting.remarks`).
    """

    question: str
    cases: list[CaseAnswer]
    settings: Settings = COURSE
    remarks: tuple[str, ...] = ()
