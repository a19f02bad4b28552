"""Runs the tests of the reference and of `draw` on JAX and on PyTorch, in environments with nothing else of ours.

    python tests/reference/other_backends.py [jax] [torch]

The environments, `.venv-jax` and `.venv-torch` at the repository's root, are made once and kept.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = [
    "tests/reference",
    "tests/adapters/test_flat_adam.py",
    "tests/drawing/test_draw.py",
    "tests/small_model/test_programs.py",
]
BACKENDS = {"jax": "jax==0.7.2", "torch": "torch==2.13.0"}
PACKAGES = ["keras==3.15.1", "numpy==2.4.6", "h5py==3.14.0", "safetensors==0.8.0", "tokenizers==0.23.3", "pytest"]


def environment(backend):
    """The Python of the backend's environment, which is made if it is not there."""
    python = ROOT / f".venv-{backend}" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", python.parents[1]], check=True)
        # The resolver of this environment, if it is there, is many times faster than pip
        uv = Path(sys.executable).with_name("uv")
        pip = [uv, "pip", "install", "--python", python] if uv.exists() else [python, "-m", "pip", "install"]
        subprocess.run([*pip, "--quiet", BACKENDS[backend], *PACKAGES], check=True)
    return python


def main(backends):
    failed = []
    for backend in backends or BACKENDS:
        print(f"{', '.join(TESTS)} on {backend}", flush=True)
        command = [environment(backend), "-m", "pytest", *TESTS, "-q", "-p", "no:cacheprovider"]
        if subprocess.run(command, cwd=ROOT, env=os.environ | {"KERAS_BACKEND": backend}).returncode:
            failed.append(backend)
    if failed:
        raise SystemExit(f"failed on {', '.join(failed)}")


if __name__ == "__main__":
    main(sys.argv[1:])
