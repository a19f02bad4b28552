"""Makes the frozen tensors of the tests again, with KerasCV 0.9.0 and diffusers 0.42.1 in throwaway environments.

    python tests/reference/make_fixtures.py [--keras-cv-python PATH] [--keras2-python PATH] [--diffusers-python PATH]

Without the paths, three virtual environments are made in a temporary folder and removed afterwards (about 4 GB, some
minutes). Before anything is stored, the files that KerasCV and diffusers really wrote are loaded into the reference and
its outputs compared with theirs. What is stored, in `fixtures/`: the outputs, the layout of the files, no weights.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
FIXTURES = HERE / "fixtures"
sys.path.insert(0, str(HERE.parents[1]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# name: (script, option, packages). KerasCV on Keras 2.15 wrote the published weights' layout. Beside each script stands
# one of the parts around the UNet, `..._parts.py`, which writes into a folder `parts`.
ENVIRONMENTS = {
    "keras_cv": ("fixtures_keras_cv.py", "keras_cv_python", ["keras-cv==0.9.0", "keras==3.15.1", "tensorflow==2.21.0"]),
    "keras2": (
        "fixtures_keras_cv.py",
        "keras2_python",
        ["keras-cv==0.9.0", "keras==2.15.0", "tensorflow-cpu==2.15.1", "tensorflow-metadata==1.15.0", "numpy==1.26.4"],
    ),
    "diffusers": (
        "fixtures_diffusers.py",
        "diffusers_python",
        [
            "diffusers==0.42.1",
            "torch==2.13.0",
            "transformers==5.23.0",
            "numpy==2.4.6",
            "open-clip-torch==3.3.0",
        ],
    ),
}
DIFFUSERS_FILE = "diffusion_pytorch_model.safetensors"


def make_environment(folder, packages):
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "setuptools<80", *packages], check=True)
    return python


def run_all(work, options):
    """Runs each script in its environment; returns the folder of its results by name."""
    folders = {}
    for name, (script, option, packages) in ENVIRONMENTS.items():
        folders[name] = work / name
        folders[name].mkdir()
        python = getattr(options, option) or make_environment(work / f"venv-{name}", packages)
        print(f"{name}: running {script} with {python}", flush=True)
        environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run([python, HERE / script, folders[name]], check=True, env=environment)
        (folders[name] / "parts").mkdir()
        parts = script.replace(".py", "_parts.py")
        subprocess.run([python, HERE / parts, folders[name] / "parts"], check=True, env=environment)
    return folders


def check_loads(folders, outputs):
    """The files as they were really written load into the reference, and it computes what their writers computed."""
    from autograder.reference import TINY, DiffusionModelV2
    from tests.reference import helpers, seeded

    files = {
        "keras_cv": (folders["keras_cv"] / "weights.h5", TINY, 1e-5),
        "keras2": (folders["keras2"] / "weights.h5", TINY, 1e-5),
        "diffusers": (folders["diffusers"] / DIFFUSERS_FILE, TINY.diffusers(), 1e-4),
    }
    for name, (file, numerics, tolerance) in files.items():
        for case, (_, height, width, tokens) in seeded.UNET_CASES.items():
            model = DiffusionModelV2(8 * height, 8 * width, tokens, download_weights=file, config=numerics)
            inputs = seeded.unet_inputs(case)
            given = outputs[name].get(f"timestep_embedding/{case}")
            inputs["timestep_embedding"] = inputs["timestep_embedding"] if given is None else given
            error = helpers.relative_error(
                helpers.call(model, helpers.model_inputs(inputs)), outputs[name][f"unet/{case}"]
            )
            print(f"{file.parent.name}/{file.name} loaded, {case}: relative error {error:.2g} (at most {tolerance:g})")
            if not error <= tolerance:
                raise SystemExit("The loaded model does not compute what the file's writer computed.")


def check_part_loads(folders, outputs):
    """Likewise the files of text encoder and autoencoder."""
    from tests.reference import helpers, parts

    files = {name: {part: folders[name] / "parts" / f"{part}.h5" for part in parts.PARTS} for name in folders}
    vae = folders["diffusers"] / "parts" / "vae" / DIFFUSERS_FILE
    files["diffusers"] = {
        "text": folders["diffusers"] / "parts" / "text" / "model.safetensors",
        "encoder": vae,
        "decoder": vae,
    }
    for name, kept in files.items():
        source = "diffusers" if name == "diffusers" else "keras_cv"
        for part, file in kept.items():
            for case in parts.cases(part):
                model = parts.built(part, source, case, download_weights=file)
                error = helpers.relative_error(helpers.call(model, parts.model_input(part, case)), outputs[name][case])
                print(f"{name}/{file.name} loaded, {case}: relative error {error:.2g}")
                if not error <= parts.SOURCES[source]:
                    raise SystemExit("The loaded model does not compute what the file's writer computed.")


def store(folders, outputs, part_outputs):
    from safetensors.numpy import load_file, save_file

    from tests.reference import helpers

    read = {
        file: [json.loads((folders[name] / file).read_text()) for name in ("keras_cv", "keras2")]
        for file in ("sd2.json", "parts/sd2.json")
    }
    if any(one != other for one, other in read.values()):
        raise SystemExit("KerasCV's models differ between Keras 2 and Keras 3.")
    FIXTURES.mkdir(exist_ok=True)
    outputs = outputs | {f"{name}_parts": some for name, some in part_outputs.items()}
    for name in ("keras_cv", "diffusers", "keras_cv_parts", "diffusers_parts"):
        file = FIXTURES / f"{name}.safetensors"
        if file.exists():
            old = load_file(file)
            errors = [helpers.relative_error(array, old[key]) for key, array in outputs[name].items() if key in old]
            print(f"{file.name}: new tensors differ from the stored ones by at most {max(errors):.2g}")
        save_file(outputs[name], file)
    write_json(FIXTURES / "keras_cv_file.json", json.loads((folders["keras2"] / "file.json").read_text()))
    write_json(FIXTURES / "keras_cv_sd2.json", read["sd2.json"][0])
    write_json(FIXTURES / "diffusers_file.json", json.loads((folders["diffusers"] / "file.json").read_text()))
    write_json(FIXTURES / "keras_cv_parts_file.json", json.loads((folders["keras2"] / "parts/file.json").read_text()))
    write_json(FIXTURES / "keras_cv_parts_sd2.json", read["parts/sd2.json"][0])
    write_json(FIXTURES / "diffusers_parts.json", json.loads((folders["diffusers"] / "parts/file.json").read_text()))


def write_json(path, value):
    """One layer, or one name, a line."""
    items = value.items()
    lines = [
        f"{json.dumps(key)}: [\n  " + ",\n  ".join(json.dumps(row) for row in item) + "\n]"
        if key == "layers"
        else f"{json.dumps(key)}: {json.dumps(item)}"
        for key, item in items
    ]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for _, option, _ in ENVIRONMENTS.values():
        parser.add_argument(f"--{option.replace('_', '-')}", type=Path, help="a Python that has these packages already")
    options = parser.parse_args()
    import numpy as np

    with tempfile.TemporaryDirectory() as work:
        folders = run_all(Path(work), options)
        outputs, part_outputs = (
            {
                name: {key: np.ascontiguousarray(x) for key, x in np.load(folder / file).items()}
                for name, folder in folders.items()
            }
            for file in ("outputs.npz", "parts/outputs.npz")
        )
        check_loads(folders, outputs)
        check_part_loads(folders, part_outputs)
        store(folders, outputs, part_outputs)


if __name__ == "__main__":
    main()
