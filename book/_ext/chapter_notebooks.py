"""Each chapter as a notebook: `notebooks/NN-name.ipynb` beside the site's pages, and links that open it.

The text is that of the chapter (notebook_text.py), the code its cells but those that only dress the page. The workflow
that publishes the site also puts the notebooks on a branch, `notebooks`, from where Colab, Kaggle and Binder open them;
all addresses derive from `repository.url`.
"""

import ast
import json
import re
from html import unescape
from pathlib import Path

import jupytext
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from notebook_text import NotebookText
from pybtex.database import parse_file

from colab import colab_url

BRANCH, FOLDER = "notebooks", "notebooks"
CHAPTER = re.compile(r"book/(\d\d-[\w-]+)")
DRESS = re.compile(r"\b(glue|matplotlib|inline)\b")  # what a hidden cell does for the page alone
GLUED = re.compile(r'<span class="pasted-text">(.*?)</span>', re.DOTALL)
SERVICES = {
    "Colab": "https://colab.research.google.com/github/{repository}/blob/{branch}/{name}.ipynb",
    "Kaggle": "https://www.kaggle.com/kernels/welcome?src=https://github.com/{repository}/blob/{branch}/{name}.ipynb",
    "Binder": "https://mybinder.org/v2/gh/{repository}/{branch}?labpath={name}.ipynb",
}
SET_UP = """import importlib.util
import subprocess
import sys

if importlib.util.find_spec("autograder") is None:  # Colab, Kaggle: fetch the course's package, and nothing else
    package = "git+{url}@{branch}"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", package], check=True)"""
ENVIRONMENT = "keras\ntensorflow-cpu\nmatplotlib\nsafetensors\nsd-unet-course @ git+{url}@{branch}\n"  # Binder's


def setup(app):
    app.connect("html-page-context", _write, priority=840)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _write(app, pagename, templatename, context, doctree):
    """Writes the chapter's notebook, and the links to it under the chapter's title."""
    found = CHAPTER.fullmatch(pagename)
    if not found or app.builder.name != "html":
        return
    name, folder = found[1], Path(app.outdir, FOLDER)
    folder.mkdir(exist_ok=True)
    texts = json.loads(Path(app.srcdir, "book", f"notebooks.{app.config.language}.json").read_text("utf-8"))
    notebook = chapter_notebook(app, name, texts, context["body"])
    nbformat.write(notebook, folder / f"{name}.ipynb")
    repository = _repository(app.config)
    (folder / "requirements.txt").write_text(ENVIRONMENT.format(**repository), encoding="utf-8")
    links = {service: url.format(**repository | {"branch": BRANCH}, name=name) for service, url in SERVICES.items()}
    links[texts["download"]] = context["pathto"](f"{FOLDER}/{name}.ipynb", 1)
    shown = " · ".join(f'<a href="{url}">{service}</a>' for service, url in links.items())
    line = f'</h1>\n<p class="run-chapter">{texts["run"]} {shown}</p>'
    context["body"] = context["body"].replace("</h1>", line, 1)


def _repository(config):
    options = config.html_theme_options
    url = options["repository_url"].removesuffix("/").removesuffix(".git")
    return {
        "url": url,
        "branch": options["repository_branch"],
        "repository": url.removeprefix("https://github.com/"),
    }


def chapter_notebook(app, name, texts, body):
    """A chapter as a notebook: the same for the same chapter.

    Args:
        app: Sphinx, which knows the pages' titles.
        name: the chapter's, `NN-name`.
        texts: of `notebooks.LANGUAGE.json`.
        body: the chapter's HTML: from it come the numbers that its code has put into its text.
    """
    source = Path(app.srcdir, "book", f"{name}.md").read_text("utf-8")
    cells = jupytext.reads(source, fmt="md:myst").cells
    repository = _repository(app.config)
    text = NotebookText(
        site=app.config.html_baseurl,
        picture="{url}/raw/{branch}/book/figures/unet.svg".format(**repository),
        titles={page.removeprefix("book/"): title.astext() for page, title in app.env.titles.items()},
        sources=_sources(app),
        colab=lambda exercise: colab_url(app.config, exercise),
        figures=[figure["name"] for figure in map(_figure, cells) if figure],
        pages={label: page for label, (page, _) in app.env.get_domain("std").anonlabels.items()},
        glued=[unescape(re.sub(r"<[^>]+>", "", value)) for value in GLUED.findall(body)],
        texts=texts,
    )
    text.count_equations(source)
    about = texts["about"].format(title=text.titles[name], course=app.config.html_title, address=text.site)
    made = [new_markdown_cell(about), new_code_cell(SET_UP.format(**repository))]
    for number, cell in enumerate(cells):
        later = "\n".join(other.source for other in cells[number + 1 :] if _is_shown(other))
        made += _cells(name, cell, text, later)
    for number, cell in enumerate(made):
        cell["id"] = f"cell-{number:03}"
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return new_notebook(cells=made, metadata=kernel)


def _figure(cell):
    return cell.metadata.get("mystnb", {}).get("figure")


def _is_shown(cell):
    return cell.cell_type == "code" and "remove-cell" not in cell.metadata.get("tags", [])


def needed(source, later):
    """What of a cell that the site does not show must run for `later` cells: what makes a name that they use."""
    kept, used = [], _names(ast.parse(later), ast.Load)
    for statement in reversed(ast.parse(source).body):
        code = ast.get_source_segment(source, statement)
        inside = isinstance(statement, ast.FunctionDef)  # then its own names are nobody else's
        made = {statement.name} if inside else _names(statement, ast.Store)
        if made & used and not DRESS.search(code):
            kept.append(code)
            used |= _names(statement, ast.Load)
    return "\n".join(reversed(kept))


def without_glue(source):
    """A cell without the lines that put numbers into the page's text, which are in the notebook's text already."""
    lines = dict(enumerate(source.splitlines(), start=1))
    for node in ast.walk(ast.parse(source)):
        call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
        glues = call and isinstance(node.value.func, ast.Name) and node.value.func.id == "glue"
        if glues or (isinstance(node, ast.ImportFrom) and node.module == "myst_nb"):
            for number in range(node.lineno, node.end_lineno + 1):
                del lines[number]
    return "\n".join(lines.values())


def _names(tree, context):
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, context)}


def _cells(name, cell, text, later):
    """What a cell of the chapter becomes: nothing, itself, or itself and its figure's caption."""
    if cell.cell_type == "markdown":
        return [new_markdown_cell(text.markdown(name, cell.source))]
    if not _is_shown(cell):
        code = needed(cell.source, later)
        return [new_code_cell(code)] if code else []
    tags = cell.metadata.get("tags", [])
    hidden = {"jupyter": {"source_hidden": True}} if "hide-input" in tags and not _figure(cell) else {}
    made, figure = [new_code_cell(without_glue(cell.source), metadata=hidden)], _figure(cell)
    if figure:
        caption = text.markdown(name, " ".join(figure["caption"].split()))
        number = text.figures.index(figure["name"]) + 1
        made.append(new_markdown_cell(text.texts["caption"].format(number=number, caption=caption)))
    return made


def _sources(app):
    """What a citation says, by key: `Ho et al., 2020`."""
    said = {}
    for path in app.config.bibtex_bibfiles:
        for key, entry in parse_file(str(Path(app.srcdir, path))).entries.items():
            names = [" ".join(person.last_names).strip("{}") for person in entry.persons.get("author", [])] or [key]
            author = names[0] if len(names) == 1 else " and ".join(names) if len(names) == 2 else f"{names[0]} et al."
            said[key] = f"{author}, {entry.fields['year']}" if "year" in entry.fields else author
    return said
