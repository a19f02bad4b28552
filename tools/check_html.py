"""Reads every page of the built site with the Nu HTML checker, as `make check-html` does: no error is let through.

It needs Java (`apt-get install default-jre-headless`); the checker itself comes from npm, see web_tools.py.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import web_tools

HTML = web_tools.ROOT / "_build" / "html"


def errors(pages: list[Path], checker: Path) -> list[str]:
    """What the checker finds wrong, a line each: the page, the line in it, what it says, the place.

    Args:
        pages: HTML files.
        checker: the folder of vnu-jar.
    """
    command = ["java", "-Xss16m", "-jar", checker / "build" / "dist" / "vnu.jar", "--errors-only", "--format", "json"]
    run = subprocess.run([*command, *pages], capture_output=True, text=True)
    found = json.loads(run.stderr)["messages"]
    return [
        f"{Path(one.get('url', '')).name}:{one.get('lastLine')}: {one['message']} {one.get('extract', '')!r}"
        for one in found
        if one["type"] != "info"
    ]


def site_pages(html: Path = HTML) -> list[Path]:
    """The site's pages: not what a theme left in `_static`."""
    return [path for path in sorted(html.rglob("*.html")) if "_static" not in path.relative_to(html).parts]


def main() -> None:
    if not (HTML / "index.html").is_file():
        sys.exit("The site must be built first. Run: make book")
    if shutil.which("java") is None:
        sys.exit("The Nu HTML checker runs on Java, which is not installed. Run: apt-get install default-jre-headless")
    found = errors(site_pages(), web_tools.installed("vnu-jar"))
    print("\n".join([*found, f"{len(site_pages())} pages, {len(found)} errors"]))
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
