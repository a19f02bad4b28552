"""What search engines, link previews and lost readers find."""

import re
import struct
from xml.etree import ElementTree

import pytest
import yaml
from bs4 import BeautifulSoup
from docutils import nodes
from site_address import CARD, CARD_SIZE, LONGEST, describe, site_address


@pytest.fixture(scope="module")
def home(root):
    return site_address(yaml.safe_load((root / "_config.yml").read_text())["repository"]["url"])


@pytest.fixture(scope="module")
def pages(site):
    return {
        f"book/{path.name}": BeautifulSoup(path.read_text("utf-8"), "html.parser") for path in site.glob("book/*.html")
    }


def meta(page, name):
    tags = page.select(f'meta[name="{name}"], meta[property="{name}"]')
    assert len(tags) == 1, name
    return tags[0]["content"]


@pytest.mark.parametrize(
    ("repository", "site"),
    [
        ("https://github.com/owner/name", "https://owner.github.io/name/"),
        ("https://github.com/Owner/Na.me.git", "https://owner.github.io/Na.me/"),
        ("https://github.com/owner/name/", "https://owner.github.io/name/"),
        ("https://github.com/Owner/owner.github.io", "https://owner.github.io/"),
    ],
)
def test_site_address_is_where_pages_serves_the_repository(repository, site):
    assert site_address(repository) == site


@pytest.mark.parametrize(
    "repository", ["https://gitlab.com/owner/name", "github.com/owner/name", "", "https://github.com/a"]
)
def test_site_address_of_no_repository_is_refused(repository):
    with pytest.raises(ValueError, match="Received: "):
        site_address(repository)


def test_every_page_says_where_it_lives_and_what_it_is_about(pages, home):
    descriptions = []
    for name, page in pages.items():
        assert [link["href"] for link in page.select('link[rel="canonical"]')] == [home + name]
        assert meta(page, "og:url") == home + name
        assert meta(page, "og:title") in page.title.get_text()
        description = meta(page, "description")
        assert 30 <= len(description) <= LONGEST, name
        assert meta(page, "og:description") == description
        descriptions.append(description)
    assert len(set(descriptions)) == len(descriptions)


def test_link_preview_has_a_picture_of_the_size_it_says(pages, site, home):
    for page in pages.values():
        assert meta(page, "og:image") == home + CARD
        assert (meta(page, "og:image:width"), meta(page, "og:image:height")) == tuple(map(str, CARD_SIZE))
    start = (site / CARD).read_bytes()[:24]
    assert start.startswith(b"\x89PNG")
    assert struct.unpack(">II", start[16:24]) == CARD_SIZE


def test_sitemap_names_every_page_once(pages, site, home):
    names = [tag.text for tag in ElementTree.parse(site / "sitemap.xml").iter() if tag.tag.endswith("}loc")]
    assert sorted(names) == sorted(home + name for name in pages)


def test_favicon_is_there(pages, site):
    for page in pages.values():
        (icon,) = page.select('link[rel="icon"]')
        assert (site / "book" / icon["href"]).resolve().is_file()


def test_way_in_is_a_whole_page_that_leads_to_the_first(site, home, visit):
    page = BeautifulSoup((site / "index.html").read_text("utf-8"), "html.parser")
    assert page.contents[0] == "html"  # its doctype
    assert page.title.get_text()
    assert page.select_one('link[rel="canonical"]')["href"] == home + "book/index.html"
    opened = visit("index.html")
    opened.page.wait_for_url("**/book/index.html")
    assert opened.troubles == []


def test_page_for_lost_readers_works_at_any_depth(site, home):
    text = (site / "404.html").read_text("utf-8")
    page = BeautifulSoup(text, "html.parser")
    links = [link["href"] for link in page.select("a")]
    assert links
    assert all(link.startswith(home) for link in links)  # nothing relative
    assert all((site / link.removeprefix(home)).exists() for link in links)
    assert not page.select("script, img, link:not([href^='data:'])")
    assert not re.search(r"url\(|@import", text)


@pytest.mark.parametrize("path", ["404.html", "book/index.html"])
def test_console_is_quiet(visit, path):
    opened = visit(path)
    opened.page.wait_for_load_state("networkidle")
    assert opened.troubles == []
    assert opened.foreign() == []


def document(*parts):
    made = nodes.document(None, None)
    made += nodes.section("", nodes.title("", "T"), *parts)
    return made


def prose(text):
    return document(nodes.paragraph("", text))


def test_description_ends_with_a_sentence_or_a_word():
    assert describe(prose("Short and whole.")) == "Short and whole."
    first = "A sentence that is long enough to stand for a page. "
    assert describe(prose(first + "word " * 60)) == first.strip()
    cut = describe(prose("word " * 60))
    assert cut.endswith("word…")
    assert len(cut) <= LONGEST


def test_description_passes_over_what_is_no_prose():
    note = nodes.note("", nodes.paragraph("", "A note."))
    assert describe(document(note, nodes.paragraph("", "The prose."))) == "The prose."
    assert describe(document(note)) == ""
