"""Every page through the Nu HTML checker: no errors. `make check-html` fetches it; it needs Java."""

import shutil

import check_html
import pytest
import web_tools


@pytest.fixture(scope="module")
def checker():
    if shutil.which("java") is None:
        pytest.skip("no Java for the Nu HTML checker (apt-get install default-jre-headless)")
    place = web_tools.package("vnu-jar")
    if place is None:
        pytest.skip("no Nu HTML checker (make check-html fetches it)")
    return place


def test_pages_have_no_error_that_the_nu_checker_finds(checker, site, root):
    pages = check_html.site_pages(site)
    assert len(pages) == len(list(root.glob("book/*.md"))) + 4  # the way in, index, search, 404
    assert check_html.errors(pages, checker) == []


def test_error_is_told_with_its_page_and_its_line(checker, tmp_path):
    page = tmp_path / "wrong.html"
    page.write_text('<!DOCTYPE html><html lang="en"><head><title>A</title></head>\n<p><div></p></html>')
    (*_, last) = check_html.errors([page], checker)
    assert last.startswith("wrong.html:2: ")
