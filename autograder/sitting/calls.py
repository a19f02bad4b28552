"""How a learner's function is called that gets more than inputs and arguments, by the kind of its case."""

from collections.abc import Callable
from typing import Any

from autograder.sitting import pipeline_stand_ins as pipeline
from autograder.sitting import sampling_stand_ins as sampling

CALLS: dict[str, Callable[..., Any]] = {
    "sampling": sampling.call_loop,
    "training": sampling.call_loss,
    "start": pipeline.call_start,
    "pipeline": pipeline.call_pipeline,
}
# The same with networks that take and give NumPy arrays: for the bases of mistakes.
CALLS_IN_NUMPY: dict[str, Callable[..., Any]] = {
    "sampling": sampling.call_loop_in_numpy,
    "training": sampling.call_loss_in_numpy,
    "start": pipeline.call_start,
    "pipeline": pipeline.call_pipeline_in_numpy,
}
