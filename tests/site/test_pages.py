"""The built pages, read as files."""

import re
from copy import copy
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup

from autograder.questions import exercises

CHAPTER = "book/03-resblock.html"
THEME_PAGES = {"genindex.html", "search.html", "index.html", "404.html"}


@pytest.fixture(scope="module")
def pages(site):
    paths = [path for path in site.rglob("*.html") if "_static" not in path.parts]
    return {path.relative_to(site).as_posix(): BeautifulSoup(path.read_text("utf-8"), "html.parser") for path in paths}


@pytest.fixture(scope="module")
def chapter(pages):
    return pages[CHAPTER]


def test_site_has_a_page_for_every_entry_of_the_contents(pages, root):
    contents = yaml.safe_load((root / "_toc.yml").read_text())
    files = [contents["root"], *(chapter["file"] for part in contents["parts"] for chapter in part["chapters"])]
    assert {f"{file}.html" for file in files} == set(pages) - THEME_PAGES


def test_chapters_have_the_names_of_the_exercises(pages, root):
    for exercise in (path.name for path in (root / "solutions").iterdir() if path.is_dir()):
        assert f"book/{exercise}.html" in pages


def test_internal_links_resolve(pages, site):
    broken = []
    ids = {name: {tag["id"] for tag in page.find_all(id=True)} for name, page in pages.items()}
    for name, page in pages.items():
        for tag in page.find_all(["a", "link", "img", "script"]):
            target = urlsplit(tag.get("href") or tag.get("src") or "")
            if target.scheme or target.netloc or not (target.path or target.fragment):
                continue
            path = (site / name).parent / unquote(target.path) if target.path else site / name
            if not path.exists():
                broken.append(f"{name}: {target.geturl()} (no file)")
            elif target.fragment and path.suffix == ".html":
                found = ids[path.resolve().relative_to(site.resolve()).as_posix()]
                if unquote(target.fragment) not in found:
                    broken.append(f"{name}: {target.geturl()} (no such place)")
    assert not broken, "\n".join(broken)


def test_pages_load_nothing_from_another_host(pages, site):
    for name, page in pages.items():
        loaded = [tag.get("src") for tag in page.find_all(["script", "img", "iframe"])]
        loaded += [tag.get("href") for tag in page.find_all("link") if "canonical" not in tag.get("rel", [])]
        assert not [url for url in loaded if url and urlsplit(url).netloc], name
    for style in site.rglob("*.css"):
        assert not re.findall(r"url\(['\"]?(?:https?:)?//", style.read_text("utf-8")), style


def test_pictures_have_alternative_texts(pages):
    for name, page in pages.items():
        for image in page.find_all("img"):
            assert image.get("alt", "").strip(), f"{name}: {image}"
            assert not image["alt"].startswith(("_images", "../")), (
                f"{name}: {image}"
            )  # Sphinx' stand-in: the file's name
        for drawing in page.select("svg:not(.katex svg)"):
            assert drawing.get("role") == "img", name
            assert len(drawing.get("aria-label", "")) > 40, name


def test_chapter_math_is_prerendered(chapter):
    assert len(chapter.select(".katex-display .katex-html")) >= 4
    prose = copy(chapter)
    for part in prose.select("script, pre, code, annotation"):
        part.extract()
    assert not re.search(r"\$\$|\\\(|\\\[|\\frac", prose.get_text())


def test_equation_ids_are_the_same_in_every_build(pages):
    for name, page in pages.items():
        for equation in page.select("div.math"):
            assert equation.get("id", "equation-eq-").startswith("equation-eq-"), f"{name}: {equation.get('id')}"


def test_outputs_are_free_of_library_messages(pages):
    for name, page in pages.items():
        outputs = " ".join(output.get_text() for output in page.select(".cell_output"))
        assert not page.select(".cell_output .stderr"), name
        assert not page.select(".cell_output .traceback"), name
        assert not re.search(r"absl|oneDNN|cuda|tensorflow/|WARNING", outputs, re.IGNORECASE), name


def test_chapter_computes_the_parameter_counts(chapter):
    outputs = [output.get_text() for output in chapter.select(".cell_output")]
    assert any("sum    2,255,040" in output for output in outputs)
    assert any("320 -> 320: 2,255,040\n320 -> 640: 6,558,080" in output for output in outputs)


def test_chapter_agrees_with_the_reference(chapter):
    # Two float32 evaluations of one formula differ by a few 1e-7; a wrong one by 1e-4 at least.
    errors = [float(text) for text in re.findall(r"relative error (\S+)\n", " ".join(_outputs(chapter)[:12]))]
    assert len(errors) >= 2
    assert max(errors[:2]) < 2e-6


def _outputs(chapter):
    return [f"{output.get_text().strip()}\n" for output in chapter.select(".cell_output")]


def test_checks_refer_to_sections_that_exist(pages):
    for exercise, questions in exercises().items():
        titles = [title.get_text() for title in pages[f"book/{exercise}.html"].select("h1, h2, h3")]
        headings = {re.sub(r"^[\d.]+ |#$", "", title) for title in titles}
        for part in [*questions, *(mistake for question in questions for mistake in question.mistakes)]:
            assert part.section.replace("`", "") in headings, f"{exercise}, {part.id}: {part.section}"


def test_every_chapter_runs_code_shows_a_figure_and_ends_with_its_exercise(pages):
    chapters = {name: page for name, page in pages.items() if re.match(r"book/\d\d-", name)}
    assert len(chapters) == len(exercises())
    for name, page in chapters.items():
        assert len(page.select(".cell_output")) >= 3, name
        assert page.select("figure img"), name
        exercise = name.removeprefix("book/").removesuffix(".html")
        last = page.select("section h2")[-1].parent
        assert last.select(f'a[href$="/{exercise}.ipynb"]'), name


def test_colab_links_open_existing_notebooks(pages, root, site):
    repository = yaml.safe_load((root / "_config.yml").read_text())["repository"]
    start = "https://colab.research.google.com/github/" + repository["url"].removeprefix("https://github.com/")
    found = 0
    for name, page in pages.items():
        for link in page.select('a[href*="colab.research.google.com"]'):
            found += 1
            if link["href"].startswith(f"{start}/blob/notebooks/"):  # the chapter itself, from the branch of its own
                assert (site / "notebooks" / link["href"].rsplit("/", 1)[1]).is_file(), name
                continue
            assert link["href"].startswith(f"{start}/blob/{repository['branch']}/"), name
            notebook = root / link["href"].removeprefix(f"{start}/blob/{repository['branch']}/")
            assert notebook.suffix == ".ipynb", name
            assert notebook.exists(), f"{name}: {notebook} is not there (make exercises)"
    assert found >= 3  # the chapter's header, its last section, the landing page


def test_glossary_gives_the_chinese_term_beside_each(pages):
    for definition in pages["book/glossary.html"].select("dl.glossary dd"):
        terms = []
        for sibling in definition.previous_siblings:
            if sibling.name == "dd":
                break
            terms += [sibling.get_text()] if sibling.name == "dt" else []
        assert any(re.search(r"[\u4e00-\u9fff]", term) for term in terms), terms
        assert any(re.match(r"[A-Za-z]", term) for term in terms), terms


def test_pages_name_no_place_on_the_building_machine(pages, root):
    for name, page in pages.items():
        assert str(root) not in str(page), name
