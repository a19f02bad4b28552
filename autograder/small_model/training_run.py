"""A training run in stages that goes on where it was stopped: the loop, its checkpoints, its learning rate.

Any Keras backend will do. On a CPU choose PyTorch (`KERAS_BACKEND=torch`), which starts at once where TensorFlow traces
the step for minutes, and `--bfloat16` if the processor computes in it.
"""

import contextlib
import functools
import json
import operator
import os
import platform
import sys
import time
from pathlib import Path

import keras
from safetensors.numpy import load_file

from autograder.adapters.backend import make_adam, plain_attention
from autograder.adapters.backend import name as backend_name
from autograder.small_model import checkpoints
from autograder.small_model.team import ALONE

CHECKPOINT_SECONDS = 300
CHUNK = 50  # steps between looks at the clock
SETTINGS = ("batch", "steps", "rate")
WEIGHTS, FACTS = "weights.safetensors", "weights.json"
AVERAGE_KEPT = 0.95  # of the averaged weights at each chunk: they reach about 20 chunks, 1000 steps, back


def add_options(parser, diffusion):
    """Adds what every training run can be told; `diffusion` is the stage's batch size, steps and learning rate."""
    batch, steps, rate = diffusion
    parser.add_argument("--out", type=Path, default=Path("training"), help="folder of checkpoints and results")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=steps, help="steps of the diffusion stage")
    parser.add_argument("--batch", type=int, default=batch, help="batch size of the diffusion stage")
    parser.add_argument("--rate", type=float, default=rate, help="its learning rate")
    parser.add_argument("--other-steps", type=int, help="steps of the other stages, if not their own")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after so long; a later run goes on")
    parser.add_argument("--bfloat16", action="store_true", help="compute the UNet in bfloat16")
    parser.add_argument("--processes", type=int, default=1, help="train in so many at once (PyTorch only)")
    parser.add_argument("--ship-now", action="store_true", help="train no further: write the weights as they are now")
    parser.add_argument("--begin-with", type=Path, metavar="FOLDER", help="weights of an earlier run, to be trained on")


class Run:
    """One training run: its options, its folder and its clock.

    Args:
        options: what `add_options` parses.
        stages: dict of batch size, steps and learning rate by name; those of "diffusion" are options.
        command: the module that runs it, to be written down.
        team: this process among those that train together.
    """

    def __init__(self, options, stages, command, team=ALONE):
        self.options, self.out, self.stages, self.command = options, options.out, stages, command
        self.team = team
        self.steps: dict[str, int] = {}  # that each stage has had
        self.deadline = time.monotonic() + 60 * options.minutes
        self.out.mkdir(parents=True, exist_ok=True)

    def do(self, train_all):
        """Trains and says whether it is finished; the exit status of a command.

        Args:
            train_all: called with the run, trains its stages and returns whether all are finished.
        """
        keras.utils.set_random_seed(self.options.seed)
        with plain_attention():
            finished = train_all(self)
        if self.team.leads:
            end = "Training is finished." if finished else "Time is up: run the same command again to go on."
            print(end, flush=True)
        return 0

    def settings(self, stage):
        """Batch size, steps and learning rate of a stage."""
        batch, steps, rate = self.stages[stage]
        if stage == "diffusion":
            return self.options.batch, self.options.steps, self.options.rate
        return batch, self.options.other_steps or steps, rate

    def seed(self, stage):
        """The seed of a stage's batches."""
        return [self.options.seed, list(self.stages).index(stage)]

    def train(self, stage, model, batches, prepare=None, parts=None, averaged=True):
        """Trains `model` to the end of its stage, or until the time is up.

        Args:
            stage: its name.
            model: a training model that returns losses.
            batches: called with the first batch's number and how many, gives them.
            prepare: called before the first step, not when the run goes on.
            parts: dict of the networks in `model` by the names under which `ship` writes them.
            averaged: whether the model is left with the averaged weights or with the last ones. Networks without
                normalisation need the last: an average of kernels is shorter than each of them, and what no layer
                normalises fades from layer to layer.

        Returns:
            Whether the stage is finished.
        """
        batch_size, steps, rate = self.settings(stage)
        batches = self.team.own(batches)
        model({name: array[:2] for name, array in batches(0, 1)[0][0].items()})  # builds it
        optimizer = make_optimizer(steps, rate, self.team)
        optimizer.build(model.trainable_variables)
        model.compile(optimizer, loss=mean_loss, jit_compile=backend_name() == "jax")
        average = Average(model.trainable_variables)
        step, seconds, curve = self.restore(stage, model, average)
        if step == 0 and prepare is not None:
            prepare()
        if step == 0 and self.options.begin_with is not None:
            step, seconds, curve = self.begin(stage, model, parts or {})
            average = Average(model.trainable_variables)
        self.team.spread(model.seed_generator)
        saved = time.monotonic()
        while step < steps and not self.options.ship_now and not self.team.any(time.monotonic() >= self.deadline):
            begun, chunk = time.monotonic(), min(CHUNK, steps - step)
            loss = model.fit(batches(step, chunk), shuffle=False, verbose=0).history["loss"][0]
            average.update(-(-step // CHUNK) + 1)
            step, seconds = step + chunk, seconds + time.monotonic() - begun
            curve.append([step, round(float(loss), 6)])
            rate_now = chunk * batch_size * self.team.size / (time.monotonic() - begun)
            if self.team.leads:
                print(f"{stage} {step}/{steps} loss {loss:.4f} {rate_now:.0f} pictures/s", flush=True)
            if time.monotonic() - saved > CHECKPOINT_SECONDS:
                self.save(stage, model, average, (step, seconds, curve))
                saved = time.monotonic()
        if not self.options.ship_now or not self.checkpoint(stage).exists():
            self.save(stage, model, average, (step, seconds, curve))
        if averaged:
            average.put_in_place()
        self.steps[stage] = step
        return step >= steps or self.options.ship_now

    def begin(self, stage, model, parts):
        """Fills `parts` with the weights that `ship` wrote of an earlier run.

        Returns:
            Steps, seconds and loss curve of that run's stage, which this one goes on from: with weights rounded to
            half precision, and with Adam's moments at zero. Nothing done, if it had no such stage.
        """
        folder = self.options.begin_with
        stages = json.loads((folder / FACTS).read_text())["stages"]
        if stage not in stages:
            return 0, 0, []
        for name, part in parts.items():
            checkpoints.load_named_weights(name, part, checkpoints.file_with(name, folder))
        facts = stages[stage]
        model.optimizer.iterations.assign(facts["step"])
        return facts["step"], facts["seconds"], facts["curve"]

    def checkpoint(self, stage):
        """The file of a stage's training state."""
        return self.out / f"{stage}.checkpoint.safetensors"

    def save(self, stage, model, average, progress):
        if not self.team.leads:
            return  # its weights are the same
        step, seconds, curve = progress
        state = checkpoints.state_of([*model.variables, *model.optimizer.variables])
        state |= {f"average:{i:04d}": array for i, array in enumerate(average.arrays)}
        device = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {backend_name()}"
        facts = {"step": step, "seconds": round(seconds), "curve": curve, "device": device}
        checkpoints.write_arrays(self.checkpoint(stage), state, {"facts": json.dumps(facts)})

    def restore(self, stage, model, average):
        path = self.checkpoint(stage)
        if not path.exists():
            return 0, 0, []
        arrays = load_file(path)
        averages = {name: arrays.pop(name) for name in sorted(arrays) if name.startswith("average:")}
        checkpoints.restore_state([*model.variables, *model.optimizer.variables], arrays)
        average.arrays = list(averages.values())
        facts = json.loads(checkpoints.read_metadata(path)["facts"])
        return facts["step"], facts["seconds"], facts["curve"]


class Average:
    """A moving average of variables over a run's chunks, kept in NumPy."""

    def __init__(self, variables):
        self.variables = variables
        self.arrays = [keras.ops.convert_to_numpy(v.value) for v in variables]

    def update(self, chunks):
        """Mixes the variables' present values in; `chunks` have been trained, and the first ones are soon forgotten."""
        kept = min(AVERAGE_KEPT, 1 - 2 / (chunks + 1))
        for i, variable in enumerate(self.variables):
            now = keras.ops.convert_to_numpy(variable.value)
            self.arrays[i] = kept * self.arrays[i] + (1 - kept) * now

    def put_in_place(self):
        """Gives the variables their averaged values."""
        for variable, array in zip(self.variables, self.arrays, strict=True):
            variable.assign(array)


def mean_loss(_, losses):
    return keras.ops.mean(losses)


class WarmUpHoldDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Up to `rate` over the first steps, level, and down over the last fifth of `steps`.

    Until that last fifth the rate does not depend on `steps`, so that a run can be made longer, or shorter, from any
    checkpoint before it, and is then the same run as one that was meant to be so long.
    """

    def __init__(self, rate, steps, warm=200, last=0.05):
        self.rate, self.steps, self.warm, self.last = rate, steps, min(warm, max(1, steps // 10)), last

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        up = (step + 1) / self.warm
        down = self.last + (1 - self.last) * (self.steps - step) / max(1, self.steps // 5)
        return self.rate * keras.ops.clip(keras.ops.minimum(up, down), 0.0, 1.0)

    def get_config(self):
        return {"rate": self.rate, "steps": self.steps, "warm": self.warm, "last": self.last}


def make_optimizer(steps, rate, team=ALONE):
    """Adam with gradients clipped and the rate of `WarmUpHoldDecay`, of all that a team learns."""
    return make_adam(WarmUpHoldDecay(rate, steps), 1.0, team.mean if team.size > 1 else None)


@contextlib.contextmanager
def precision(bfloat16):
    """A context in which layers are made to compute in bfloat16, their weights kept in float32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if bfloat16 else "float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def stage_facts(path, points=60):
    """Steps, seconds, device and loss curve of a stage, the curve thinned to about `points`."""
    facts = json.loads(checkpoints.read_metadata(path)["facts"])
    thin = max(1, len(facts["curve"]) // points)
    return facts | {"curve": facts["curve"][thin - 1 :: thin]}


def ship(run, arrays, files):
    """Writes what the package needs, and `weights.json` with how it was trained, into the run's folder.

    Args:
        run: the training run.
        arrays: variables by name that come along in "weights.safetensors".
        files: for each file the dict of its networks by name, the UNet as "unet" in "weights.safetensors".
    """
    if not run.team.leads:
        return
    measured = {name: keras.ops.convert_to_numpy(w.value).astype("float32") for name, w in arrays.items()}
    for file, networks in files.items():
        named = [checkpoints.named_weights(name, network) for name, network in networks.items()]
        own = [measured] if file == WEIGHTS else []
        checkpoints.write_arrays(run.out / file, functools.reduce(operator.or_, [*own, *named]))
    parts: dict = functools.reduce(operator.or_, files.values(), {})
    trained = [stage for stage in run.stages if run.steps.get(stage)]
    facts = {"command": " ".join(["python -m", run.command, *sys.argv[1:]]), "seed": run.options.seed}
    if "unet" in parts:
        config = parts["unet"].unet_config
        facts["config"] = {name: getattr(config, name) for name in config.__dataclass_fields__}
        facts["predicts"] = "v; cosine schedule; the model that is loaded returns eps"
    facts |= {
        "settings": {
            stage: dict(zip(("batch", "steps", "rate"), run.settings(stage), strict=True)) for stage in trained
        },
        "parameters": {name: part.count_params() for name, part in parts.items()},
        "stages": {stage: stage_facts(run.checkpoint(stage)) for stage in trained},
    }
    (run.out / FACTS).write_text(json.dumps(facts, indent=1) + "\n")
