"""Prints the built site as one PDF, `_build/book.pdf`, in the order of `_toc.yml`: `make pdf`.

The browser that the tests use prints each page, so formulas, figures and code look as they do on the site; answers of
the self-tests are unfolded.
"""

import shutil
import sys
from io import BytesIO
from pathlib import Path

import yaml
from playwright.sync_api import Browser, sync_playwright
from pypdf import PdfWriter

ROOT = Path(__file__).resolve().parent.parent
MARGIN = {"top": "18mm", "bottom": "18mm", "left": "15mm", "right": "15mm"}
SCALE = 0.8  # so that the longest lines of code fit the sheet
UNFOLD = "document.querySelectorAll('details').forEach(fold => { fold.open = true })"


def pages() -> list[str]:
    """The site's pages, in the order of the table of contents."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"], *(chapter["file"] for part in toc["parts"] for chapter in part["chapters"])]


def write_pdf(html: Path, target: Path, browser: Browser) -> int:
    """Prints all pages of the site in `html` into `target`. Returns how many sheets that are."""
    book, tab = PdfWriter(), browser.new_page()
    for name in pages():
        tab.goto((html / f"{name}.html").as_uri(), wait_until="load")
        tab.evaluate(UNFOLD)
        sheets = tab.pdf(format="A4", margin=MARGIN, scale=SCALE, print_background=True)
        book.append(BytesIO(sheets), outline_item=tab.title().partition(" — ")[0])
    tab.close()
    book.write(target)
    return len(book.pages)


def main() -> None:
    html, target = ROOT / "_build" / "html", ROOT / "_build" / "book.pdf"
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not html.is_dir():
        sys.exit("The site must be built first. Run: make book")
    if program is None:
        sys.exit("A PDF is printed by chromium, which is not installed. Run, as root: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        print(f"{target.relative_to(ROOT)}: {write_pdf(html, target, browser)} sheets")
        browser.close()


if __name__ == "__main__":
    main()
