"""The command line, thin: `autograder exercises | grade | doctor | bench | sample` and `classroom.commands`'."""

import os
import platform
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import autograder

try:
    import typer
    from rich.console import Console
except ImportError:  # installed as a learner does, without the extra

    def main() -> None:
        """Says what is missing."""
        sys.exit("The command line needs its extra packages: pip install 'sd-unet-course[cli]'")

else:
    from autograder.classroom import commands
    from autograder.classroom.commands import CourseOption, JsonOption, stop, wide
    from autograder.scales import Scale

    if TYPE_CHECKING:
        from autograder.classroom.report import Result

    GUIDE = "the page for instructors, under Packages"

    app = typer.Typer(help="Stable Diffusion's UNet, block by block: the classroom.", add_completion=False)
    around = (commands.init, commands.collect, commands.preflight, commands.report, commands.feedback, commands.export)
    for command in around:
        app.command()(command)
    app.command()(commands.similar)

    class Device(StrEnum):
        """Where the expected outputs are computed."""

        auto = "auto"
        cpu = "cpu"
        gpu = "gpu"

    class Model(StrEnum):
        """What draws."""

        small = "small"
        sd2 = "sd2"

    class Sampler(StrEnum):
        """How the steps are made."""

        dpm = "dpm"
        ddim = "ddim"

    def _version(asked: bool) -> None:
        if asked:
            print(f"sd-unet-course {autograder.__version__}, Python {platform.python_version()}, {platform.platform()}")
            raise typer.Exit

    @app.callback()
    def _commands(
        version: Annotated[
            bool, typer.Option("--version", help="Print the version and stop.", callback=_version, is_eager=True)
        ] = False,
    ) -> None:
        """What all commands share."""

    @app.command()
    def exercises(
        check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if a notebook is outdated.")] = False,
        course: CourseOption = Path(),
    ) -> None:
        """Makes exercises/ from solutions/."""
        from autograder.notebooks import (
            exercise_names,
            points_line,
            points_of,
            source_notebook,
            stale_exercises,
            write_exercises,
        )

        if not (names := exercise_names(course)):
            stop(
                f"The course directory must have solutions/NN-name/NN-name.py. Received: {course.resolve()}. "
                "`autograder init DIR` makes a class directory, with the course's exercises"
            )
        try:
            if not check:
                changed = write_exercises(course.resolve())
                print("\n".join(f"wrote {path}" for path in changed) or f"{len(names)} exercises, all up to date")
                print(points_line({name: points_of(source_notebook(course, name)) for name in names}))
                return
            stale = stale_exercises(course.resolve())
        except (ValueError, OSError, RuntimeError) as error:
            stop(str(error), status=1)
        if stale:
            files = "\n".join(f"  {path}" for path in stale)
            stop(f"Not what solutions/ gives:\n{files}\nRun: make exercises (and delete what has no source)", status=1)
        print(f"{len(names)} exercises, all up to date")

    @app.command()
    def grade(
        name: Annotated[str, typer.Argument(help="The exercise, for example 03-resblock.")],
        course: CourseOption = Path(),
        jobs: Annotated[int | None, typer.Option(min=1, help="Submissions at once. [default: one a core]")] = None,
        student: Annotated[list[str] | None, typer.Option(help="Only this student; may be repeated.")] = None,
        scale: Annotated[Scale, typer.Option(help="The size of the papers.")] = Scale.tiny,
        device: Annotated[Device, typer.Option(help="Where expected outputs are computed.")] = Device.auto,
        seed: Annotated[int | None, typer.Option(min=0, help="Of the papers. [default: as before]")] = None,
        json: JsonOption = None,
        regrade: Annotated[bool, typer.Option("--regrade", help="Forget earlier results.")] = False,
        dask: Annotated[str | None, typer.Option(help="Run them by this Dask scheduler: tcp://HOST:8786.")] = None,
        unsandboxed: Annotated[
            bool, typer.Option("--unsandboxed", help="Run submissions with your own rights: only for people you trust.")
        ] = False,
    ) -> None:
        """Grades submitted/*/NAME into the gradebook; stopped, it goes on. Exit status 1: something was not graded."""
        from autograder.classroom.grading import Options
        from autograder.classroom.report import NOT_SCORED, write_report

        options = Options(scale.value, device.value, seed, jobs, student, unsandboxed or None, regrade, dask)
        results = _grade(course, name, options)
        if json:
            write_report(results, json)
        raise typer.Exit(1 if any(result.status in NOT_SCORED for result in results) else 0)

    def _grade(course: Path, name: str, options) -> "list[Result]":
        """Runs the grading with a progress bar and prints the table."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        from autograder.classroom.class_report import class_report, first_lines
        from autograder.classroom.course import Course, CourseError
        from autograder.classroom.grading import grade as run
        from autograder.classroom.report import NOT_SCORED, absent_packages, summary, table
        from autograder.classroom.roster import roster
        from autograder.notebooks import SourceError

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
        )
        console = Console(stderr=True)
        try:
            place = Course.at(course)
            place.check_exercise(name)
            total = len(roster(place, name, options.students))
            with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
                bar = progress.add_task(name, total=total, rate="")

                def on_result(result: "Result") -> None:
                    progress.advance(bar)
                    speed = progress.tasks[bar].speed or 0
                    progress.update(bar, rate=f"{60 * speed:.0f} a minute" if speed else "")

                results = run(place, name, options, on_result)
        except (CourseError, SourceError, OSError, RuntimeError) as error:
            stop(str(error))
        except KeyboardInterrupt:
            stop("Stopped. The same command goes on from here.", status=130)
        wide().print(table(results))
        Console().print(", ".join(f"{count} {status}" for status, count in summary(results).items()))
        for package, count in absent_packages(results).items():
            text = f"{package} is not there while a notebook is graded ({count} asked for it). How to add it: {GUIDE}"
            Console(highlight=False).print(text, markup=False, soft_wrap=True)
        if any(result.status not in NOT_SCORED for result in results):
            Console(highlight=False).print(
                "\n".join(first_lines(class_report(place, name))), markup=False, soft_wrap=True
            )
        return results

    @app.command()
    def doctor() -> None:
        """Tries what keeps submissions in on this machine. Exit status 1: there is no sandbox."""
        from rich.table import Table

        from autograder.sandbox.probe import findings, probe

        found = probe()
        shown = Table("what", "holds", "how, or why not")
        for what, holds, how in findings(found):
            shown.add_row(what, "yes" if holds else "no", how)
        wide().print(shown)
        steps = {
            "groups": "Submissions run in a sandbox, with control groups.",
            "watchdog": "Submissions run in a sandbox; a watchdog stands in for control groups.",
            "none": "No sandbox: grading refuses, unless --unsandboxed says that you trust everyone.",
        }
        print(steps[found.level])
        raise typer.Exit(1 if found.level == "none" else 0)

    @app.command()
    def bench(
        size: Annotated[str, typer.Option(help="full (512x512, SD2's width) or tiny.")] = "full",
        runs: Annotated[int, typer.Option(min=1, help="Timed passes of each model.")] = 5,
        dtype: Annotated[list[str] | None, typer.Option(help="[default: float32, bfloat16]; may be repeated.")] = None,
        batch: Annotated[list[int] | None, typer.Option(help="[default: 1]; may be repeated.")] = None,
        python: Annotated[
            list[str] | None, typer.Option(help="keras-cv=PATH or diffusers=PATH: the interpreter that has it.")
        ] = None,
        json: JsonOption = None,
    ) -> None:
        """Times the reference UNet, beside KerasCV's and diffusers' where they are installed."""
        from rich.table import Table

        from autograder.reference.bench import HEADINGS, BenchOptions, run_bench, table, write_json

        paths = {f"{key.replace('-', '_')}_python": path for key, _, path in (p.partition("=") for p in python or [])}
        try:
            dtypes, batches = tuple(dtype or ("float32", "bfloat16")), tuple(batch or (1,))
            options = BenchOptions(size=size, runs=runs, dtypes=dtypes, batches=batches, **paths)  # type: ignore[arg-type]
        except (ValueError, TypeError) as error:
            stop(str(error))
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        rows = run_bench(options, say=lambda text: Console(stderr=True).print(text, markup=False))
        measured = [row for row in rows if row["status"] == "measured"]
        shown = Table(*HEADINGS)
        for cells in table(measured):
            shown.add_row(*cells)
        wide().print(shown)
        for row in rows:
            if row not in measured:
                print(f"{row['contender']}, {row['dtype']}: {row['status']} ({row['reason']})")
        if json:
            write_json(rows, json)
        raise typer.Exit(1 if any(row["status"] == "failed" for row in rows) else 0)

    @app.command()
    def sample(
        prompt: Annotated[str, typer.Argument(help="For example: 'a red house left of a green tree by day'.")],
        output: Annotated[Path, typer.Option("-o", "--output", help="The PNG to write.", dir_okay=False)],
        model: Annotated[Model, typer.Option(help="small: ours. sd2: Stable Diffusion 2.1-base.")] = Model.small,
        seed: Annotated[int, typer.Option(min=0, help="Of the noise.")] = 0,
        scale: Annotated[float | None, typer.Option(help="Guidance; 1 is without. [default: 4; sd2: 7.5]")] = None,
        steps: Annotated[int, typer.Option(min=1, max=999, help="Steps from noise to the picture.")] = 25,
        weights: Annotated[
            Path | None, typer.Option(help="small: folder of your training. sd2: folder as diffusers stores it.")
        ] = None,
        negative: Annotated[str, typer.Option(help="sd2: what the picture should not show.")] = "",
        size: Annotated[int, typer.Option(help="sd2: side of the picture in pixels, a multiple of 64.")] = 512,
        sampler: Annotated[Sampler, typer.Option(help="sd2: second order, or the one of the course.")] = Sampler.dpm,
        start_from: Annotated[
            Path | None, typer.Option(help="sd2: a picture to change.", exists=True, dir_okay=False)
        ] = None,
        strength: Annotated[float, typer.Option(min=0, max=1, help="sd2: how much of it is drawn anew.")] = 0.75,
    ) -> None:
        """Draws a prompt with the small trained model or with Stable Diffusion 2; the file says how it was drawn."""
        from rich.progress import Progress

        from autograder.sitting.quiet import quiet

        scale = {Model.small: 4.0, Model.sd2: 7.5}[model] if scale is None else scale
        about = {"prompt": prompt, "seed": seed, "scale": scale, "steps": steps}
        if model is Model.sd2:
            about |= {"model": "Stable Diffusion 2", "negative prompt": negative, "sampler": sampler.value}
        try:
            with Progress(console=Console(stderr=True)) as progress:
                bar = progress.add_task("loading", total=None)

                def on_step(step: int, total: int) -> None:
                    progress.update(bar, description="drawing", total=total, completed=step)

                with quiet():
                    from autograder.small_model.model import FOLDER, sample_prompts, write_png

                if model is Model.small:
                    picture = sample_prompts([prompt], seed, steps, scale, on_step, weights or FOLDER)[0]
                else:
                    how = {"steps": steps, "guidance": scale, "sampler": sampler.value, "strength": strength}
                    picture = _draw_sd2(prompt, negative, seed, on_step, (weights, size, start_from), how)
            write_png(output, picture, about)
        except (ValueError, OSError) as error:
            stop(str(error))
        print(f"wrote {output}")

    def _draw_sd2(prompt: str, negative: str, seed: int, on_step, source, how):
        """A picture by Stable Diffusion 2; `source` is the folder of weights, the size, the picture to start from."""
        import numpy as np
        from PIL import Image

        from autograder.reference import load_stable_diffusion, text_to_picture

        folder, size, start_from = source
        if start_from:
            with Image.open(start_from) as picture:
                how["start_from"] = np.asarray(picture.convert("RGB").resize((size, size)))
        networks = load_stable_diffusion(size, size, folder, with_encoder=bool(start_from))
        return text_to_picture(prompt, networks, negative, seed, on_step, **how)

    def main() -> None:
        """The entry point."""
        import autograder.classroom.startup  # noqa: F401 - before any other import of ours

        try:
            app()
        except ModuleNotFoundError as error:
            if str(error.name).split(".")[0] == "autograder":
                raise
            extra = {"tokenizers": "sd2", "distributed": "dask", "psycopg": "postgresql"}.get(
                str(error.name), "instructor"
            )
            sys.exit(f"This command needs {error.name}: pip install 'sd-unet-course[{extra}]'")


if __name__ == "__main__":
    main()
