"""Prints the built site as one PDF, `_build/book.pdf`, in the order of `_toc.yml`: `make pdf`.

The browser that the tests use prints each page, so formulas, figures and code look as they do on the site; answers of
the self-tests are unfolded.
"""

import sys
from io import BytesIO
from pathlib import Path

import yaml
from playwright.sync_api import Error, sync_playwright
from pypdf import PdfWriter

ROOT = Path(__file__).resolve().parent.parent
HTML = ROOT / "_build" / "html"
MARGIN = {"top": "18mm", "bottom": "18mm", "left": "15mm", "right": "15mm"}
UNFOLD = "document.querySelectorAll('details').forEach(fold => { fold.open = true })"


def pages() -> list[str]:
    """The site's pages, in the order of the table of contents."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"], *(chapter["file"] for part in toc["parts"] for chapter in part["chapters"])]


def write_pdf(target: Path) -> int:
    """Prints all pages into `target`. Returns how many sheets that are."""
    book = PdfWriter()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        tab = browser.new_page()
        for name in pages():
            tab.goto((HTML / f"{name}.html").as_uri(), wait_until="load")
            tab.evaluate(UNFOLD)
            sheets = tab.pdf(format="A4", margin=MARGIN, print_background=True)
            title = tab.title().partition(" — ")[0]
            book.append(BytesIO(sheets), outline_item=title)
        browser.close()
    book.write(target)
    return len(book.pages)


if __name__ == "__main__":
    if not HTML.is_dir():
        sys.exit("The site must be built first. Run: make book")
    try:
        count = write_pdf(ROOT / "_build" / "book.pdf")
    except Error as error:
        sys.exit(f"chromium must be installed (/usr/bin/chromium). Received: {error}")
    print(f"_build/book.pdf: {count} sheets")
