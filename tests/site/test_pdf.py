"""`make pdf` prints the whole site into one file."""

import runpy

from pypdf import PdfReader


def test_pdf_holds_every_page_in_order_with_answers_unfolded(site, browser, root, tmp_path):
    pdf = runpy.run_path(str(root / "tools" / "pdf.py"))
    count = pdf["write_pdf"](site, tmp_path / "book.pdf", browser)
    book = PdfReader(tmp_path / "book.pdf")
    assert len(book.pages) == count
    starts = [book.get_destination_page_number(entry) for entry in book.outline]
    assert len(starts) == len(pdf["pages"]()) == len(list(site.glob("book/*.html")))
    assert starts == sorted(set(starts))
    chapter = "".join(page.extract_text() for page in book.pages[starts[3] : starts[4]])
    assert "ResBlock" in book.outline[3].title
    assert "Its time would only move each channel" in " ".join(chapter.split())  # an answer of the self-test
