"""Puts together what is published: `make pages` fills `_build/pages`.

book/ ...    the site of _build/html
exercises/   the notebooks that learners open
book.pdf     the site as one file, of `make pdf`
book.epub    and of `make epub`
wheels/      the package, for a place that cannot reach the repository:
             pip install --no-deps https://OWNER.github.io/NAME/wheels/sd_unet_course-VERSION-py3-none-any.whl
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ["autograder", "pyproject.toml", "README.md", "LICENSE", "LICENSE-text"]
BOOKS = ("book.pdf", "book.epub")
NOT_PUBLISHED = shutil.ignore_patterns(".inputs", ".buildinfo*", "*.part")


def assemble(html: Path, target: Path) -> Path:
    """Fills `target` anew from the built site. Returns the wheel's path in it."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(html, target, ignore=NOT_PUBLISHED)
    for notebook in sorted((ROOT / "exercises").glob("*/*.ipynb")):
        place = target / notebook.relative_to(ROOT)
        place.parent.mkdir(parents=True)
        shutil.copy(notebook, place)
    for book in BOOKS:
        shutil.copy(html.parent / book, target)
    return build_wheel(target / "wheels")


def build_wheel(target: Path) -> Path:
    """Builds the wheel in a copy: setuptools leaves a folder behind, whose old files would get into the next wheel."""
    with tempfile.TemporaryDirectory() as place:
        for name in PACKAGE:
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, Path(place, name))
        uv = Path(sys.executable).with_name("uv")
        options = ["--wheel", "--quiet", "--no-build-isolation", "--python", sys.executable, "--out-dir", target]
        subprocess.run([uv, "build", *options, place], check=True)
    (target / ".gitignore").unlink(missing_ok=True)  # uv's own, which would hide the wheel
    (wheel,) = target.glob("*.whl")
    return wheel


def main() -> None:
    html, target = ROOT / "_build" / "html", ROOT / "_build" / "pages"
    if not (html / "index.html").is_file():
        sys.exit("The site must be built first. Run: make book")
    for book in BOOKS:
        if not (html.parent / book).is_file():
            sys.exit(f"The site must be one file as well. Run: make {book.partition('.')[2]}")
    wheel = assemble(html, target)
    files = sum(path.is_file() for path in target.rglob("*"))
    print(f"{target.relative_to(ROOT)}: {files} files, {wheel.name} among them")


if __name__ == "__main__":
    main()
