"""The benchmark end to end at the tiny size, in subprocesses, and its arithmetic."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.reference import bench
from autograder.reference.bench import BenchOptions, run_bench

ROOT = Path(__file__).parents[2]
FIELDS = {
    *("contender", "dtype", "batch", "size", "picture", "status", "reason", "device", "backend", "version"),
    *("parameters", "build_s", "first_s", "forward_ms", "forward_ms_min", "runs_ms", "peak_mb", "memory_of"),
    *("times_keras_cv", "times_diffusers", "build_times_keras_cv", "build_times_diffusers"),
}
TINY_PARAMETERS = 21_611_332


def measured(contender, dtype="float32", batch=1, build_s=1.0, runs_ms=(1.0,), status="measured"):
    row = dict.fromkeys(FIELDS) | {"contender": contender, "dtype": dtype, "batch": batch, "status": status}
    return row | {"build_s": build_s, "runs_ms": list(runs_ms)}


def test_bench_command_writes_measured_and_absent_rows(tmp_path):
    path = tmp_path / "rows.json"
    command = [sys.executable, "-m", "autograder.reference.bench", "--size", "tiny", "--runs", "2", "--json", str(path)]
    options = ["--dtypes", "float32", "--contenders", "reference", "keras-cv", "diffusers"]
    nowhere = ["--diffusers-python", str(tmp_path / "no-such-python")]
    run = subprocess.run(command + options + nowhere, capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert run.returncode == 0, run.stderr  # an absent contender is no failure

    rows = json.loads(path.read_text(encoding="utf-8"))
    assert [row["contender"] for row in rows] == ["reference", "keras-cv", "diffusers"]
    assert all(set(row) == FIELDS for row in rows)
    reference, *absent = rows
    assert reference["status"] == "measured"
    assert reference["reason"] is None
    assert reference["parameters"] == TINY_PARAMETERS
    assert len(reference["runs_ms"]) == 2
    assert 0 < reference["forward_ms_min"] <= reference["forward_ms"] <= max(reference["runs_ms"])
    assert reference["build_s"] > 0
    assert reference["first_s"] > 0
    assert reference["peak_mb"] > 4 * TINY_PARAMETERS / 2**20  # float32 weights alone
    for row in absent:
        assert row["status"] == "absent"
        assert row["reason"]
        assert row["forward_ms"] is row["build_s"] is row["times_keras_cv"] is None
    assert "absent" in run.stdout


def test_bench_worker_that_dies_is_failed_with_its_last_words(tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho out of luck >&2\nexit 3\n")
    python.chmod(0o755)
    options = BenchOptions(size="tiny", runs=1, contenders=("diffusers",), diffusers_python=str(python))
    (row,) = run_bench(options)
    assert row["status"] == "failed"
    assert "3" in row["reason"]
    assert "out of luck" in row["reason"]
    assert set(row) == FIELDS


def test_bench_ratio_is_the_median_over_rounds():
    ours = measured("reference", runs_ms=(10.0, 50.0, 10.0), build_s=2.0)  # the second round met a busy machine,
    theirs = measured("keras-cv", runs_ms=(20.0, 150.0, 15.0), build_s=9.0)  # and so did theirs
    bench._with_ratios([ours, theirs], "float32")
    assert ours["times_keras_cv"] == pytest.approx(2.0)  # of 2, 3 and 1.5
    assert ours["build_times_keras_cv"] == pytest.approx(4.5)
    assert theirs["times_keras_cv"] == pytest.approx(1.0)
    assert ours["times_diffusers"] is None


def test_bench_ratio_takes_the_same_batch_and_the_first_baseline_dtype():
    ours = [measured("reference", "bfloat16", batch, runs_ms=(10.0,)) for batch in (1, 2)]
    theirs = [measured("diffusers", "float32", batch, runs_ms=(30.0 * batch,)) for batch in (1, 2)]
    other = measured("diffusers", "bfloat16", 1, runs_ms=(20.0,))
    bench._with_ratios([*ours, *theirs, other], "float32")
    assert [row["times_diffusers"] for row in ours] == [pytest.approx(3.0), pytest.approx(6.0)]
    assert other["times_diffusers"] == pytest.approx(1.5)


@pytest.mark.parametrize("status", ["absent", "failed"])
def test_bench_ratio_is_null_without_a_measured_baseline(status):
    ours, theirs = measured("reference"), measured("keras-cv", status=status, build_s=None, runs_ms=())
    bench._with_ratios([ours, theirs], "float32")
    assert ours["times_keras_cv"] is ours["build_times_keras_cv"] is None


def test_bench_table_has_a_cell_for_each_heading_and_says_why_a_contender_is_absent():
    absent = measured("keras-cv", status="absent", build_s=None, runs_ms=()) | {"reason": "no keras_cv here"}
    (line,) = bench.table([absent])
    assert len(line) == len(bench.HEADINGS)
    assert any("no keras_cv here" in cell for cell in line)


@pytest.mark.parametrize(
    "wrong", [{"size": "huge"}, {"runs": 0}, {"builds": 0}, {"batches": ()}, {"batches": (0,)}, {"contenders": ("x",)}]
)
def test_bench_options_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="Received: "):
        BenchOptions(**wrong)
