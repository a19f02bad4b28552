"""A report on a class as CSV, as JSON, and as one page that needs nothing else: no network, no script."""

import csv
import io
import itertools
import json
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from autograder.classroom.class_report import ClassReport
from autograder.classroom.export import safe_cell

BINS = 10  # bars of the plot of scores


def as_csv(report: ClassReport) -> str:
    """What went wrong, a line for each student and kind. No text can start a formula."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["question", "what", "named", "students with it", "student"])
    for group in [*report.mistakes, *report.alike]:
        for student in group.students:
            row = [group.question, group.what, "yes" if group.named else "no", len(group.students), student]
            writer.writerow([safe_cell(cell) for cell in row])
    return file.getvalue()


def as_json(report: ClassReport) -> str:
    """Everything in the report."""
    return json.dumps(report.as_json(), indent=2, ensure_ascii=False) + "\n"


def as_page(report: ClassReport) -> str:
    """The report as a page of HTML. Whatever a submission said is text in it."""
    place = Path(__file__).parent
    environment = Environment(loader=FileSystemLoader(place), autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    return environment.get_template("report_page.html").render(report=report, bars=histogram(report)) + "\n"


def histogram(report: ClassReport) -> list[tuple[str, int]]:
    """How many students have how many points: the ranges in words, and the counts. Full points stand alone."""
    most = report.max_score or 1.0
    counts = [0] * (BINS + 1)
    for score in report.scores.values():
        counts[BINS if score >= most else int(BINS * score / most)] += 1
    edges = [most * i / BINS for i in range(BINS + 1)]
    ranges = [f"{low:g} to {high:g}" for low, high in itertools.pairwise(edges)] + [f"{most:g}"]
    return list(zip(ranges, counts, strict=True))
