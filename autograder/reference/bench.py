"""How fast the reference is, beside KerasCV's and diffusers' UNets where they are installed.

Every contender lives in a process of its own (`bench_worker.py`), builds once and then runs one pass a request, so the
passes of all contenders alternate: A B C A B C. Timings on a shared machine drift; a ratio is therefore taken within
each round, and its median reported.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.reference.config import SD2, TINY

WORKER = Path(__file__).with_name("bench_worker.py")
SIZES = {"full": (SD2, 512, 77), "tiny": (TINY, 64, 7)}  # config, side of the picture, tokens of the context
MEASURED = ("build_s", "first_s", "forward_ms", "forward_ms_min", "peak_mb", "memory_of", "parameters")
ABOUT = ("device", "backend", "version")
RATIOS = ("times_keras_cv", "times_diffusers", "build_times_keras_cv", "build_times_diffusers")


@dataclass(frozen=True)
class BenchOptions:
    """What to measure.

    Args:
        size: "full" (SD2 at 512x512, 77 tokens) or "tiny" (for tests).
        picture: side of the picture in pixels, a multiple of 64; None for the size's own.
        runs: forward passes of each contender, after two to warm up.
        builds: processes of each contender that build the model; the median is reported, the last one runs.
        dtypes: Keras dtype policies of the reference: "float32", "bfloat16", "mixed_bfloat16", "float16".
        baseline_dtypes: dtypes of KerasCV and diffusers. Ratios are always to their first.
        batches: pictures in one pass.
        contenders: which of "reference", "keras-cv", "diffusers".
        keras_cv_python, diffusers_python: interpreters that have them; None for the one that runs now.
    """

    size: str = "full"
    picture: int | None = None
    runs: int = 5
    builds: int = 1
    dtypes: tuple[str, ...] = ("float32", "bfloat16")
    baseline_dtypes: tuple[str, ...] = ("float32",)
    batches: tuple[int, ...] = (1,)
    contenders: tuple[str, ...] = ("reference", "keras-cv", "diffusers")
    keras_cv_python: str | None = None
    diffusers_python: str | None = None

    def __post_init__(self) -> None:
        if self.size not in SIZES:
            raise ValueError(f"`size` must be one of {list(SIZES)}. Received: size={self.size!r}")
        unknown = set(self.contenders) - {"reference", "keras-cv", "diffusers"}
        if unknown:
            raise ValueError(f"Contenders are reference, keras-cv and diffusers. Received: {sorted(unknown)}")
        if self.runs < 1 or self.builds < 1 or not self.batches or min(self.batches) < 1:
            raise ValueError(
                "`runs`, `builds` and every batch must be at least 1. Received: "
                f"runs={self.runs}, builds={self.builds}, batches={self.batches}"
            )

    def specs(self) -> list[dict]:
        """One for each process: what the worker is told, and the interpreter that runs it."""
        config, picture, tokens = SIZES[self.size]
        model = {"size": self.size, "picture": self.picture or picture, "tokens": tokens}
        model |= {"channels": config.channels, "head_size": config.head_size, "context_dim": config.context_dim}
        pythons = {"keras-cv": self.keras_cv_python, "diffusers": self.diffusers_python}
        return [
            model | {"contender": name, "dtype": dtype, "python": pythons.get(name) or sys.executable}
            for name in self.contenders
            for dtype in (self.dtypes if name == "reference" else self.baseline_dtypes)
        ]


class Worker:
    """A contender's process. Once it is absent or has failed, it answers nothing more and `status` says why."""

    def __init__(self, spec: dict) -> None:
        self.spec = spec
        self.about: dict = {}
        self.status = "measured"
        self.reason: str | None = None
        self.process: Any = None
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - open as long as the process; `stop` closes it
        try:
            self.process = subprocess.Popen(
                [spec["python"], "-P", str(WORKER), json.dumps(spec)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.log,
                text=True,
                env=_environment(),
            )
        except OSError as error:
            self.status, self.reason = "absent", str(error)

    def ask(self, do, **more):
        """The worker's answer, or None if there is none (any more)."""
        if self.status != "measured":
            return None
        try:
            self.process.stdin.write(json.dumps({"do": do} | more) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.status, self.reason = "failed", self._last_words()
            return None
        reply = json.loads(line)
        if "absent" in reply:
            self.status, self.reason = "absent", reply["absent"]
            return None
        return reply

    def _last_words(self):
        code = self.process.wait()
        self.log.seek(0)
        lines = [line for line in self.log.read().splitlines() if line.strip()]
        return f"exit status {code}: {lines[-1] if lines else 'nothing on stderr'}"

    def stop(self):
        if self.process is not None:
            with contextlib.suppress(BrokenPipeError):  # a worker that died left what was sent to it unread
                self.process.stdin.close()
            self.process.wait()
            self.process.stdout.close()
        self.log.close()


def _environment():
    package_parent = str(WORKER.parents[2])
    path = os.pathsep.join(filter(None, [package_parent, os.environ.get("PYTHONPATH")]))
    # JAX would take most of the device for the first process, and TensorFlow all of it.
    room = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_FORCE_GPU_ALLOW_GROWTH": "true", "TF_CPP_MIN_LOG_LEVEL": "3"}
    return os.environ | room | {"PYTHONPATH": path}


def run_bench(options: BenchOptions, say=lambda text: None) -> list[dict]:
    """Measures every contender and returns one row for each contender, dtype and batch.

    Args:
        options: what to measure.
        say: called with a line of text before each stage, for a terminal.

    Returns:
        Rows ready for JSON, all with the same keys: `contender`, `dtype`, `batch`, `size`, `picture`, `status`
        ("measured", "absent" or "failed"), `reason` (why not measured, else null), `device`, `backend`, `version`,
        `parameters`, `build_s`, `first_s` (the first pass: compilation), `forward_ms` (median), `forward_ms_min`,
        `runs_ms` (all), `peak_mb`, `memory_of` ("process" or "device"), and how many times as fast the row is as a
        baseline of the same batch in the baseline's first dtype: `times_keras_cv`, `times_diffusers`,
        `build_times_keras_cv`, `build_times_diffusers`. What was not measured is null.
    """
    workers, builds = _build(options, say)
    try:
        rows = [row for batch in sorted(set(options.batches)) for row in _measure(workers, batch, options.runs, say)]
    finally:
        for worker in workers:
            worker.stop()
    for row, build_s in zip(rows, builds * len(set(options.batches)), strict=True):
        row["build_s"] = statistics.median(build_s) if build_s else None
    return _with_ratios(rows, options.baseline_dtypes[0])


def _build(options, say):
    specs = options.specs()
    builds: list[list[float]] = [[] for _ in specs]
    workers: list[Worker] = []
    for last in [False] * (options.builds - 1) + [True]:
        for spec, seconds in zip(specs, builds, strict=True):
            say(f"building {spec['contender']} {spec['dtype']}")
            worker = Worker(spec)
            reply = worker.ask("build")
            if reply is not None:
                seconds.append(reply["build_s"])
                worker.about = reply
            if last:
                workers.append(worker)
            else:
                worker.stop()
    return workers, builds


def _measure(workers, batch, runs, say):
    say(f"batch {batch}: first passes")
    first = [worker.ask("prepare", batch=batch) or {} for worker in workers]
    passes: list[list[float]] = [[] for _ in workers]
    for run in range(runs):
        say(f"batch {batch}: round {run + 1} of {runs}")
        for worker, times in zip(workers, passes, strict=True):
            reply = worker.ask("forward")
            if reply is not None:
                times.append(reply["ms"])
    rows = []
    for worker, start, times in zip(workers, first, passes, strict=True):
        memory = worker.ask("memory") or {}
        row = {"contender": worker.spec["contender"], "dtype": worker.spec["dtype"], "batch": batch}
        row |= {"size": worker.spec["size"], "picture": worker.spec["picture"]}
        row |= {"status": worker.status, "reason": worker.reason} | dict.fromkeys(ABOUT + MEASURED + RATIOS)
        if worker.status == "measured":
            row |= {key: worker.about[key] for key in (*ABOUT, "parameters")} | start | memory
            row |= {"forward_ms": statistics.median(times), "forward_ms_min": min(times)}
        rows.append(row | {"runs_ms": times})
    return rows


def _with_ratios(rows, baseline_dtype):
    """Fills in how many times as fast each row is as the baselines: of the rounds' ratios, the median."""
    for name in ("keras_cv", "diffusers"):
        key = (name.replace("_", "-"), baseline_dtype)
        baselines = {row["batch"]: row for row in rows if (row["contender"], row["dtype"]) == key}
        for row in rows:
            baseline = baselines.get(row["batch"])
            if baseline is None or {row["status"], baseline["status"]} != {"measured"}:
                continue
            pairs = zip(baseline["runs_ms"], row["runs_ms"], strict=True)
            row[f"times_{name}"] = statistics.median(theirs / ours for theirs, ours in pairs)
            row[f"build_times_{name}"] = baseline["build_s"] / row["build_s"]
    return rows


HEADINGS = (
    "contender",
    "dtype",
    "batch",
    "device",
    "backend",
    "build s",
    "forward ms",
    "peak MB",
    "x KerasCV",
    "x diffusers",
)


def table(rows) -> list[tuple[str, ...]]:
    """The rows as text under `HEADINGS`; a contender that was not measured says why in place of its device."""

    def number(value, digits):
        return "-" if value is None else f"{value:,.{digits}f}"

    lines: list[tuple[str, ...]] = []
    for row in rows:
        device = row["device"] or f"{row['status']}: {row['reason']}"
        who = row["contender"], row["dtype"], str(row["batch"]), device, row["backend"] or "-"
        costs = number(row["build_s"], 1), number(row["forward_ms"], 0), number(row["peak_mb"], 0)
        lines.append((*who, *costs, number(row["times_keras_cv"], 2), number(row["times_diffusers"], 2)))
    return lines


def write_json(rows, path) -> None:
    """Writes the rows of `run_bench` to a file."""
    Path(path).write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def main(arguments=None) -> int:
    """`python -m autograder.reference.bench`: the benchmark without the command line's own dependencies."""
    defaults = BenchOptions()
    parser = argparse.ArgumentParser(prog="python -m autograder.reference.bench", description=__doc__)
    parser.add_argument("--size", choices=list(SIZES), default=defaults.size)
    parser.add_argument("--picture", type=int, help="side of the picture in pixels, a multiple of 64")
    parser.add_argument("--runs", type=int, default=defaults.runs)
    parser.add_argument("--builds", type=int, default=defaults.builds)
    parser.add_argument("--dtypes", nargs="+", default=defaults.dtypes)
    parser.add_argument("--baseline-dtypes", nargs="+", default=defaults.baseline_dtypes)
    parser.add_argument("--batches", nargs="+", type=int, default=defaults.batches)
    parser.add_argument("--contenders", nargs="+", default=defaults.contenders)
    parser.add_argument("--keras-cv-python", help="the interpreter of an environment that has keras-cv")
    parser.add_argument("--diffusers-python", help="the interpreter of an environment that has diffusers")
    parser.add_argument("--json", help="file to write the rows to")
    asked = vars(parser.parse_args(arguments))
    path = asked.pop("json")
    asked = {key: tuple(value) if isinstance(value, list) else value for key, value in asked.items()}
    rows = run_bench(BenchOptions(**asked), say=lambda text: print(text, file=sys.stderr, flush=True))
    if path:
        write_json(rows, path)
    lines = [HEADINGS, *table(rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    return 1 if any(row["status"] == "failed" for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
