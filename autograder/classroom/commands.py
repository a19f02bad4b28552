"""The commands around grading: `init | collect | preflight | report | feedback | export | similar`; thin."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

CourseOption = Annotated[Path, typer.Option("--course", help="The course directory.", file_okay=False)]
JsonOption = Annotated[Path | None, typer.Option("--json", help="Also write the results to this file.")]


def collect(
    downloads: Annotated[list[Path], typer.Argument(help="Folders, zip files or notebooks, as they came.")],
    roster: Annotated[Path | None, typer.Option(help="The class list, CSV. [default: the gradebook's]")] = None,
    course: CourseOption = Path(),
    zone: Annotated[str | None, typer.Option(help="Of times in zip files: Asia/Taipei. [default: local]")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing.")] = False,
) -> None:
    """Puts what an LMS or a form gave at its place, submitted/*/*. Exit status 1: something was put nowhere."""
    from zoneinfo import ZoneInfo

    from autograder.classroom.class_list import ClassList
    from autograder.classroom.collect import collect as run
    from autograder.classroom.collect import lines, table
    from autograder.classroom.course import Course

    try:
        place = Course.at(course)
        students = ClassList.read(roster) if roster else ClassList.enrolled(place)
        result = run(place, downloads, students, ZoneInfo(zone) if zone else None, dry_run)
    except (ValueError, OSError, KeyError) as error:
        stop(str(error))
    wide().print(table(result))
    Console(highlight=False).print("\n".join(lines(result)), markup=False, soft_wrap=True)
    raise typer.Exit(1 if result.unknown else 0)


def init(
    directory: Annotated[Path, typer.Argument(help="The class directory, new or with submissions.", file_okay=False)],
    sources: Annotated[
        Path | None, typer.Option(help="A copy of the course's repository. [default: the one this runs from]")
    ] = None,
) -> None:
    """Makes a class directory: settings, exercises, a place for submissions, and a README of next steps."""
    from autograder.classroom.class_directory import make_class_directory
    from autograder.classroom.course import CHECKOUT

    try:
        names = make_class_directory(directory, sources or CHECKOUT)
    except (ValueError, OSError, RuntimeError) as error:
        stop(str(error))
    text = f"made {directory}, with {len(names)} exercises. What comes next: {directory / 'README.md'}"
    Console(highlight=False).print(text, markup=False, soft_wrap=True)


def export(
    names: Annotated[list[str] | None, typer.Argument(help="Exercises. [default: all in the gradebook]")] = None,
    format: Annotated[str, typer.Option(help="canvas, moodle or csv.")] = "csv",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="[default: standard output]")] = None,
    roster: Annotated[Path | None, typer.Option(help="The class list, CSV. [default: the gradebook's]")] = None,
    course: CourseOption = Path(),
) -> None:
    """Writes the gradebook's points, late penalties taken off, for Canvas, for Moodle or as a table."""
    from autograder.classroom.class_list import ClassList
    from autograder.classroom.course import Course
    from autograder.classroom.export import Format, read_scores
    from autograder.classroom.export import export as text_of

    try:
        scores = read_scores(Course.at(course), names or (), ClassList.read(roster) if roster else None)
        text = text_of(scores, Format(format))
        if output:
            output.write_text(text, encoding="utf-8", newline="")
        else:
            sys.stdout.write(text)
    except (ValueError, OSError) as error:
        stop(str(error))
    if scores.waiting:
        told = ", ".join(f"{student} {name}" for student, name in scores.waiting)
        Console(stderr=True).print(f"Not final, to be graded by hand: {told}", markup=False, soft_wrap=True)


def report(
    name: Annotated[str, typer.Argument(help="The exercise, for example 03-resblock.")],
    course: CourseOption = Path(),
    csv: Annotated[Path | None, typer.Option("--csv", help="Also write what went wrong to this file.")] = None,
    json: JsonOption = None,
    html: Annotated[Path | None, typer.Option("--html", help="Also write a page to this file.")] = None,
) -> None:
    """Says what a class got right and wrong in an exercise that was graded, and what to look at."""
    from autograder.classroom.class_report import class_report, on_terminal
    from autograder.classroom.course import Course
    from autograder.classroom.report_page import as_csv, as_json, as_page
    from autograder.whole_files import write_whole

    try:
        found = class_report(Course.at(course), name)
        for path, text_of in ((csv, as_csv), (json, as_json), (html, as_page)):
            if path:
                write_whole(path, text_of(found))
    except (ValueError, OSError) as error:
        stop(str(error))
    for part in on_terminal(found):
        Console(highlight=False).print(part)


def similar(
    name: Annotated[str, typer.Argument(help="The exercise, for example 03-resblock.")],
    course: CourseOption = Path(),
    pairs: Annotated[int, typer.Option(min=1, help="How many pairs to show at most.")] = 20,
    many: Annotated[
        int | None,
        typer.Option(min=2, help="What more students than this write is left out. [default: a tenth, 3 to 12]"),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write a page with all passages to this file.")
    ] = None,
) -> None:
    """Shows submissions that are alike beyond starter code and what many write. To look at, not a verdict."""
    from autograder.classroom.course import Course
    from autograder.classroom.similarity import as_page, class_similarity, on_terminal
    from autograder.whole_files import GRADER_ONLY, write_whole

    try:
        found = class_similarity(Course.at(course), name, pairs, many)
        if html:
            write_whole(html, as_page(found), GRADER_ONLY)
    except (ValueError, OSError, RuntimeError) as error:
        stop(str(error))
    for part in on_terminal(found):
        Console(highlight=False).print(part)


def feedback(
    name: Annotated[str, typer.Argument(help="The exercise, for example 03-resblock.")],
    course: CourseOption = Path(),
    student: Annotated[list[str] | None, typer.Option(help="Only this student; may be repeated.")] = None,
    zip: Annotated[bool, typer.Option("--zip", help="Also write the pages to a zip file, for the LMS.")] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The zip file. [default: feedback/NAME.zip]", dir_okay=False)
    ] = None,
) -> None:
    """Makes a page for each learner, and a zip file of them, named as Moodle and Canvas take them back."""
    from autograder.classroom.course import Course
    from autograder.classroom.returning import feedback_zip, make_feedback
    from autograder.whole_files import GRADER_ONLY, write_whole

    try:
        made = make_feedback(Course.at(course), name, student)
        file = output or (course / "feedback" / f"{name}.zip" if zip else None)
        if file:
            write_whole(file, feedback_zip(made), GRADER_ONLY)
    except (ValueError, OSError) as error:
        stop(str(error))
    lines = [f"{len(made.pages)} pages made, in feedback/*/{name}"]
    if file:
        lines.append(f"wrote {file}")
        if made.other:
            lines.append(f"Not from an LMS, called by their ids there: {', '.join(made.other)}")
    Console(highlight=False).print("\n".join(lines), markup=False, soft_wrap=True)


def wide() -> Console:
    """Where tables go; a file or a pipe has no width to fit into."""
    console = Console()
    return console if console.is_terminal else Console(width=140)


def preflight(
    notebook: Annotated[Path, typer.Argument(help="An exercise, as it is to be handed in.")],
    course: CourseOption = Path(),
    run: Annotated[bool, typer.Option(help="Run it from top to bottom, with your own rights.")] = True,
    repair: Annotated[Path | None, typer.Option(help="Write the repaired notebook to this new file.")] = None,
) -> None:
    """Says what would be graded in a notebook. Exit status 1: something is not right, or would be repaired."""
    from autograder.classroom.course import Course
    from autograder.classroom.preflight import preflight as look
    from autograder.classroom.preflight import repaired_text, table
    from autograder.whole_files import write_whole

    try:
        if repair and repair.exists():
            raise FileExistsError(f"--repair must name a new file. Received: {repair}, which is there")
        found = look(Course.at(course), notebook, run)
        if repair:
            write_whole(repair, repaired_text(found))
    except (ValueError, OSError) as error:
        stop(str(error))
    console = Console(highlight=False)
    console.print(table(found))
    lines = [f"Repaired: {sentence}" for sentence in found.repairs]
    if run:
        lines.append(f"{found.exercise}: {found.points:g} of {sum(check.points for check in found.checks):g} points")
    console.print(
        "\n".join([*lines, "Ready to hand in." if found.ready else "Not everything is right yet."]), markup=False
    )
    raise typer.Exit(0 if found.ready else 1)


def stop(text: str, status: int = 2) -> NoReturn:
    Console(stderr=True, highlight=False).print(text, markup=False, soft_wrap=True)
    raise typer.Exit(status)
