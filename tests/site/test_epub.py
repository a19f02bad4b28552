"""`make epub` makes a book that a reader can open: its structure, every link and picture, formulas, answers."""

import posixpath
import zipfile
from urllib.parse import urldefrag
from xml.etree import ElementTree

import epub
import pytest

XHTML, MATHML = "{http://www.w3.org/1999/xhtml}", "{http://www.w3.org/1998/Math/MathML}"
OPF, SVG = "{http://www.idpf.org/2007/opf}", "{http://www.w3.org/2000/svg}"
ADDRESS = "https://owner.github.io/name/"


@pytest.fixture(scope="module")
def book(site, tmp_path_factory):
    path = tmp_path_factory.mktemp("epub") / "book.epub"
    assert epub.write_epub(site, path, ADDRESS) == len(epub.page_names())
    with zipfile.ZipFile(path) as file:
        yield file


@pytest.fixture(scope="module")
def documents(book):
    """Every document of XHTML, parsed, by its name."""
    return {name: ElementTree.fromstring(book.read(name)) for name in book.namelist() if name.endswith(".xhtml")}


def test_epub_says_what_it_is_and_what_is_in_it(book):
    first = book.infolist()[0]
    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
    assert book.read("mimetype") == b"application/epub+zip"
    package = ElementTree.fromstring(book.read("book/content.opf"))
    items = {item.get("id"): item.get("href") for item in package.iter(f"{OPF}item")}
    named = {f"book/{href}" for href in items.values()}
    assert len(named) == len(items)
    assert named == set(book.namelist()) - {"mimetype", "META-INF/container.xml", "book/content.opf"}
    spine = [items[entry.get("idref")] for entry in package.iter(f"{OPF}itemref")]
    assert spine == ["toc.xhtml", *(f"{name.rpartition('/')[2]}.xhtml" for name in epub.page_names())]


def test_every_link_and_picture_of_the_epub_is_there(book, documents):
    ids = {name: {tag.get("id") for tag in page.iter() if tag.get("id")} for name, page in documents.items()}
    links = 0
    for name, page in documents.items():
        for tag in page.iter(f"{XHTML}img"):
            assert posixpath.join("book", tag.get("src")) in book.namelist(), name
            assert tag.get("alt") is not None, name
        for tag in page.iter(f"{XHTML}a"):
            target, part = urldefrag(tag.get("href", ""))
            if ":" not in target and (target or part):
                links += 1
                file = posixpath.join("book", target) if target else name
                assert not part or part in ids[file], (name, tag.get("href"))
        assert not [id for id in ids[name] if [tag.get("id") for tag in page.iter()].count(id) > 1], name
    assert links > 300
    contents = [tag.get("href") for tag in documents["book/toc.xhtml"].iter(f"{XHTML}a")]
    assert {urldefrag(href)[0] for href in contents} == {posixpath.basename(name) for name in documents} - {"toc.xhtml"}
    assert len(contents) > 100  # sections, too


def test_chapter_of_the_epub_has_all_that_needs_no_script(documents):
    page = documents["book/03-resblock.xhtml"]
    text = " ".join("".join(page.itertext()).split())
    assert "Its time would only move each channel" in text  # an answer
    assert all(fold.get("open") for fold in page.iter(f"{XHTML}details"))
    assert "def change_over_time(channels, timesteps):" in text
    assert len(list(page.iter(f"{MATHML}math"))) > 20
    assert next(iter(page.iter(f"{SVG}svg"))).get("viewBox")
    for name, other in documents.items():
        for tag in ("script", "form", "input", "button", "canvas", "noscript"):
            assert list(other.iter(f"{XHTML}{tag}")) == [], (name, tag)
    (live,) = [tag for tag in page.iter(f"{XHTML}a") if tag.get("href") == f"{ADDRESS}book/03-resblock.html"]
    assert "on the site" in live.text
    stills = [tag.get("src") for tag in documents["book/play.xhtml"].iter(f"{XHTML}img")]
    assert "pictures/still-whole.png" in stills


def test_drawings_of_the_epub_are_whole(book):
    drawings = [name for name in book.namelist() if name.endswith(".svg")]
    assert len(drawings) > 20
    for name in drawings:
        text = book.read(name).decode()
        assert "<!DOCTYPE" not in text, name
        root = ElementTree.fromstring(text)
        there = {tag.get("id") for tag in root.iter()}
        used = [tag.get("{http://www.w3.org/1999/xlink}href") for tag in root.iter(f"{SVG}use")]
        assert all(href[1:] in there for href in used), name
        assert all(tag.get("d") for tag in root.iter(f"{SVG}path")), name
