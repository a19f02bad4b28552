"""One contender of the benchmark, alone in its process: builds its UNet, then runs one forward pass a request.

Run as a script by `bench.py`, possibly by the interpreter of another virtual environment, so nothing of this package
is imported before the contender is known. A request is one line of JSON on stdin, the answer one line on stdout:

    {"do": "build"}               -> {"build_s", "device", "backend", "version", "parameters"} or {"absent": why}
    {"do": "prepare", "batch": 2} -> {"first_s"}  inputs made, one pass run (compilation is in it), one more to warm up
    {"do": "forward"}             -> {"ms"}       one pass, from NumPy arrays to a NumPy array
    {"do": "memory"}              -> {"peak_mb", "memory_of"}
"""

import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

MIB = 2**20


class KerasContender:
    """A Keras model of three inputs, through `predict_on_batch`: compiled, and waiting for the result."""

    def __init__(self, spec):
        import keras

        self.keras, self.spec = keras, spec
        self.model: Any = None
        self.inputs: Any = None
        keras.config.set_dtype_policy(spec["dtype"])
        keras.utils.set_random_seed(0)
        self.model_class, self.options, self.version = self.find_model()

    def find_model(self):
        raise NotImplementedError

    def build(self):
        sides = self.spec["picture"], self.spec["picture"], self.spec["tokens"]
        self.model = self.model_class(*sides, download_weights=False, **self.options)
        return self.model.count_params()

    def prepare(self, batch):
        import numpy as np

        rng = np.random.default_rng(0)
        shapes = [(batch, *tensor.shape[1:]) for tensor in self.model.inputs]
        self.inputs = [rng.normal(size=shape).astype("float32") for shape in shapes]

    def forward(self):
        return self.model.predict_on_batch(self.inputs)

    @property
    def backend(self):
        return self.keras.backend.backend()

    def device(self):
        return _device(self.backend)

    def memory(self):
        return _device_peak(self.backend)


class ReferenceContender(KerasContender):
    """This package's UNet."""

    def find_model(self):
        from autograder.reference import TINY, DiffusionModelV2

        options = {"config": TINY} if self.spec["size"] == "tiny" else {}
        return DiffusionModelV2, options, f"keras {self.keras.__version__}"


class KerasCVContender(KerasContender):
    """KerasCV's, as it comes: it has one size only."""

    def __init__(self, spec):
        if spec["size"] != "full":
            raise ImportError("KerasCV's model has the full size only")
        import keras_cv  # missing: known before TensorFlow has been imported

        self.keras_cv = keras_cv
        super().__init__(spec)

    def find_model(self):
        from keras_cv.src.models.stable_diffusion.diffusion_model import DiffusionModelV2

        return DiffusionModelV2, {}, f"keras-cv {self.keras_cv.__version__}"


class DiffusersContender:
    """diffusers' `UNet2DConditionModel` with Stable Diffusion 2's numbers, eager and in inference mode."""

    backend = "torch"

    def __init__(self, spec):
        import diffusers  # which brings PyTorch

        torch = sys.modules["torch"]
        torch.manual_seed(0)
        self.torch, self.spec, self.version = torch, spec, f"diffusers {diffusers.__version__}"
        self.where = "cuda" if torch.cuda.is_available() else "cpu"
        self.dtype = getattr(torch, spec["dtype"])
        self.model_class: Any = diffusers.UNet2DConditionModel
        self.model: Any = None
        self.inputs: Any = None

    def build(self):
        channels, head_size = self.spec["channels"], self.spec["head_size"]
        model = self.model_class(
            sample_size=self.spec["picture"] // 8,
            block_out_channels=tuple(channels),
            attention_head_dim=[width // head_size for width in channels],
            cross_attention_dim=self.spec["context_dim"],
            use_linear_projection=True,
        )
        self.model = model.to(self.where, self.dtype).eval()
        return sum(weight.numel() for weight in model.parameters())

    def prepare(self, batch):
        torch, side = self.torch, self.spec["picture"] // 8
        options = {"device": self.where, "dtype": self.dtype}
        latent = torch.randn(batch, 4, side, side, **options)
        context = torch.randn(batch, self.spec["tokens"], self.spec["context_dim"], **options)
        self.inputs = latent, torch.full((batch,), 500, device=self.where), context

    def forward(self):
        with self.torch.inference_mode():
            return self.model(*self.inputs).sample.float().cpu().numpy()

    def device(self):
        return _device("torch")

    def memory(self):
        return _device_peak("torch")


def _device(backend):
    """What the backend computes on, in words. The backend's module is there already; nothing is imported for it."""
    module = sys.modules[backend]
    if backend == "jax" and module.devices()[0].platform != "cpu":
        return module.devices()[0].device_kind
    if backend == "torch" and module.cuda.is_available():
        return module.cuda.get_device_name()
    if backend == "tensorflow" and module.config.list_physical_devices("GPU"):
        return module.config.experimental.get_device_details(module.config.list_physical_devices("GPU")[0])[
            "device_name"
        ]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"CPU {platform.machine()}, {cores} cores"


def _device_peak(backend):
    """The most bytes ever in use on the accelerator, or None on a CPU."""
    module = sys.modules[backend]
    if backend == "jax" and module.devices()[0].platform != "cpu":
        return (module.devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
    if backend == "torch" and module.cuda.is_available():
        return module.cuda.max_memory_allocated()
    if backend == "tensorflow" and module.config.list_physical_devices("GPU"):
        return module.config.experimental.get_memory_info("GPU:0")["peak"]
    return None


def _process_peak():
    """The most bytes this process has ever held, from the kernel; `ru_maxrss` would start at the parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


CONTENDERS = {"reference": ReferenceContender, "keras-cv": KerasCVContender, "diffusers": DiffusersContender}


def answer(contender, request):
    """Does what one request asks and returns the answer, timings included."""
    start = time.perf_counter()
    if request["do"] == "build":
        parameters = contender.build()
        seconds = time.perf_counter() - start
        about = {"device": contender.device(), "backend": contender.backend, "version": contender.version}
        return {"build_s": seconds, "parameters": parameters} | about
    if request["do"] == "prepare":
        contender.prepare(request["batch"])
        start = time.perf_counter()
        contender.forward()
        seconds = time.perf_counter() - start
        contender.forward()
        return {"first_s": seconds}
    if request["do"] == "forward":
        contender.forward()
        return {"ms": 1000 * (time.perf_counter() - start)}
    if request["do"] == "memory":
        on_device = contender.memory()
        peak, owner = (_process_peak(), "process") if on_device is None else (on_device, "device")
        return {"peak_mb": peak / MIB, "memory_of": owner}
    raise ValueError(f"`do` must be build, prepare, forward or memory. Received: {request}")


def main():
    """Answers requests until stdin closes. Whatever libraries print goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    spec = json.loads(sys.argv[1])
    contender = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if contender is None:
                contender = CONTENDERS[spec["contender"]](spec)
        except ImportError as error:
            print(json.dumps({"absent": str(error)}), file=answers)
            continue
        print(json.dumps(answer(contender, request)), file=answers)


if __name__ == "__main__":
    main()
