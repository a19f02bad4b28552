"""Makes one ePub of the built site, `_build/book.epub`, in the order of `_toc.yml`: `make epub`.

A page becomes a document of XHTML: its text, tables, code and figures; formulas as MathML; answers unfolded. What needs
a script is left out; the figures that stand in for it stay. Readers choose their own type and colours.
"""

import datetime
import json
import mimetypes
import os
import re
import sys
import zipfile
from dataclasses import dataclass, field
from html import escape
from pathlib import Path, PurePosixPath
from urllib.parse import urldefrag

import yaml
from bs4 import BeautifulSoup, Comment, Tag

ROOT = Path(__file__).resolve().parent.parent
STYLE = Path(__file__).with_name("epub.css")
LEFT_OUT = (  # of a page
    "script, noscript, template, form, button, input, label, progress, .headerlink, .live-note, .live-data, "
    ".onlyprint, .only-dark, .quiz, .run-chapter, .katex-html, .katex-mathml annotation, "
    ".map-links, .map-keys, .map-follow, details.hide > summary, [hidden], svg > script"
)
ATTRIBUTES = re.compile(r"data-.*|loading|decoding|fetchpriority|tabindex|onsubmit|target|start-offset|scope")
SVG_NAMES = {  # HTML's parser makes all names small, SVG's are not
    name.lower(): name
    for name in (
        *("viewBox", "preserveAspectRatio", "linearGradient", "clipPath", "textLength", "lengthAdjust"),
        *("markerWidth", "markerHeight", "markerUnits", "refX", "refY", "gradientUnits", "gradientTransform"),
    )
}
MEDIA = re.compile(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
DOCUMENT = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"
      lang="{language}" xml:lang="{language}">
<head><meta charset="utf-8"/><title>{title}</title><link rel="stylesheet" href="epub.css"/></head>
<body>{body}</body>
</html>
"""
CONTAINER = """<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="book/content.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""


@dataclass
class Chapter:
    """A page of the book: its name in the site, its article, the files it shows by their name in the ePub."""

    name: str
    article: Tag
    title: str
    pictures: dict[str, Path] = field(default_factory=dict)

    @property
    def file(self) -> str:
        return f"{PurePosixPath(self.name).name}.xhtml"

    def properties(self) -> str:
        """What a reader must be able to show of it, as the package says it."""
        return " ".join(name for name, tag in (("mathml", "math"), ("svg", "svg")) if self.article.find(tag))


def toc() -> dict:
    return yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))


def settings() -> dict:
    return yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))


def page_names() -> list[str]:
    contents = toc()
    return [contents["root"], *(chapter["file"] for part in contents["parts"] for chapter in part["chapters"])]


# ------------------------------------------------------------------------------------------------ from HTML to XHTML


def chapter_of(html: Path, name: str, address: str) -> Chapter:
    """A page of the built site, with what a book cannot have taken out."""
    page = BeautifulSoup((html / f"{name}.html").read_text("utf-8"), "html.parser")
    article = page.select_one("article.bd-article")
    assert article is not None, name
    for thing in [*article.select(LEFT_OUT), *article.find_all(string=lambda text: isinstance(text, Comment))]:
        thing.extract()
    for live in article.select(".live"):
        live.insert(0, BeautifulSoup(there(f"{address}{name}.html"), "html.parser"))
    for fold in article.select("details"):
        if fold.summary:
            fold["open"] = "open"
        else:  # code that a page folds
            fold.name = "div"
    for formula in article.select(".katex-mathml"):
        formula.unwrap()
    title = article.find("h1")
    chapter = Chapter(name, article, " ".join(title.get_text().split()) if title else name)
    for tag in article.find_all(True):
        mend(tag)
    for picture in article.select("img"):
        source = (html / name).parent.joinpath(str(picture["src"])).resolve()
        chapter.pictures[source.name] = source
        picture["src"] = f"pictures/{source.name}"
    return chapter


def there(page: str) -> str:
    """What a book says where a page, at an address, has something to play with."""
    texts = ROOT / "book" / f"notebooks.{settings()['sphinx']['config']['language']}.json"
    return f'<p><a href="{page}">{escape(json.loads(texts.read_text("utf-8"))["live"])}</a></p>'


def mend(tag: Tag) -> None:
    """Makes a tag's names and attributes those of XHTML."""
    for name in list(tag.attrs):
        if ATTRIBUTES.fullmatch(name):
            del tag[name]
        elif name in SVG_NAMES:
            tag[SVG_NAMES[name]] = tag.attrs.pop(name)
    tag.name = SVG_NAMES.get(tag.name, tag.name)
    if tag.name == "img":
        tag.attrs.pop("style", None)  # how wide it is on a phone
    if tag.name == "svg":
        tag["xmlns"] = "http://www.w3.org/2000/svg"
    if tag.name == "style":
        tag.string = MEDIA.sub("", tag.get_text())


def drawing(text: str) -> str:
    """An SVG without what a book may not have: a definition from elsewhere, a path that goes nowhere, an id twice."""
    text = re.sub(r"<!DOCTYPE[^>]*>", "", text)
    text = re.sub(r"<path(?![^>]*\sd=)", '<path d="M0 0"', text)  # the letter for a space
    return re.sub(r'(<image [^>]*?)\sid="[^"]*"', r"\1", text)


def link(chapters: list[Chapter], address: str) -> None:
    """Turns links between pages to their documents; what is not in the book is looked up on the site at `address`."""
    files = {PurePosixPath(chapter.name).name: chapter.file for chapter in chapters}
    ids = {chapter.file: {str(tag["id"]) for tag in chapter.article.find_all(id=True)} for chapter in chapters}
    for chapter in chapters:
        for anchor in chapter.article.find_all("a", href=True):
            target, part = urldefrag(str(anchor["href"]))
            if re.match(r"[a-z]+:", target):
                continue
            page = PurePosixPath(target)
            file = files.get(page.stem) if page.suffix == ".html" else chapter.file if not target else None
            if file is None:
                anchor["href"] = f"{address}{PurePosixPath(os.path.normpath(f'book/{target}'))}"
            else:
                anchor["href"] = f"{file}#{part}" if part in ids[file] else file


def document(title: str, body: str) -> str:
    return DOCUMENT.format(title=escape(title), body=body, language=settings()["sphinx"]["config"]["language"])


# --------------------------------------------------------------------------------------------- what holds it together


def navigation(chapters: list[Chapter]) -> str:
    """The table of contents: parts, chapters, their sections."""
    by_name = {chapter.name: chapter for chapter in chapters}

    def entry(name: str) -> str:
        chapter = by_name[name]
        sections = [(tag.find_parent("section"), tag.get_text()) for tag in chapter.article.find_all("h2")]
        items = [f'<li><a href="{chapter.file}#{at["id"]}">{escape(text)}</a></li>' for at, text in sections if at]
        inner = f"<ol>{''.join(items)}</ol>" if items else ""
        return f'<li><a href="{chapter.file}">{escape(chapter.title)}</a>{inner}</li>'

    def group(part: dict) -> str:
        entries = "".join(entry(one["file"]) for one in part["chapters"])
        return f"<li><span>{escape(part['caption'])}</span><ol>{entries}</ol></li>"

    title, parts = settings()["title"], "".join(group(part) for part in toc()["parts"])
    entries = f"<h1>{escape(title)}</h1><ol>{entry(toc()['root'])}{parts}</ol>"
    return document(title, f'<nav epub:type="toc" id="toc">{entries}</nav>')


def package(chapters: list[Chapter], pictures: dict[str, Path], modified: str) -> str:
    about = settings()
    items = [
        f'<item id="p{number}" href="{chapter.file}" media-type="application/xhtml+xml"'
        + (f' properties="{chapter.properties()}"' if chapter.properties() else "")
        + "/>"
        for number, chapter in enumerate(chapters)
    ]
    items += [
        f'<item id="i{number}" href="pictures/{name}" media-type="{mimetypes.guess_type(name)[0]}"'
        + (' properties="cover-image"' if name == "card.png" else "")
        + "/>"
        for number, name in enumerate(sorted(pictures))
    ]
    spine = "".join(f'<itemref idref="p{number}"/>' for number in range(len(chapters)))
    return f"""<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="address">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="address">{escape(about["repository"]["url"])}</dc:identifier>
<dc:title>{escape(about["title"])}</dc:title>
<dc:language>{about["sphinx"]["config"]["language"]}</dc:language>
<dc:creator>{escape(about["author"])}</dc:creator>
<meta property="dcterms:modified">{modified}</meta>
</metadata>
<manifest>
<item id="toc" href="toc.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="style" href="epub.css" media-type="text/css"/>
{"".join(items)}
</manifest>
<spine><itemref idref="toc"/>{spine}</spine>
</package>
"""


def write_epub(html: Path, target: Path, address: str) -> int:
    """Writes the site of `html` as an ePub, and returns how many pages it has.

    Args:
        html: the built site.
        target: the file to write.
        address: of the published site, with a slash at its end; where links lead to what is not in the book.
    """
    chapters = [chapter_of(html, name, address) for name in page_names()]
    link(chapters, address)
    pictures = {"card.png": html / "_static" / "card.png"}
    for chapter in chapters:
        pictures |= chapter.pictures
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or (html / "index.html").stat().st_mtime)
    modified = datetime.datetime.fromtimestamp(epoch, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)  # first, and as it is
        book.writestr("META-INF/container.xml", CONTAINER)
        book.writestr("book/content.opf", package(chapters, pictures, modified))
        book.writestr("book/toc.xhtml", navigation(chapters))
        book.write(STYLE, "book/epub.css")
        for chapter in chapters:
            book.writestr(f"book/{chapter.file}", document(chapter.title, chapter.article.decode_contents()))
        for name, path in sorted(pictures.items()):
            body = drawing(path.read_text("utf-8")).encode() if path.suffix == ".svg" else path.read_bytes()
            book.writestr(f"book/pictures/{name}", body)
    return len(chapters)


def main() -> None:
    html, target = ROOT / "_build" / "html", ROOT / "_build" / "book.epub"
    if not (html / "index.html").is_file():
        sys.exit("The site must be built first. Run: make book")
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    from site_address import site_address

    count = write_epub(html, target, site_address(settings()["repository"]["url"]))
    print(f"{target.relative_to(ROOT)}: {count} documents, {target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
