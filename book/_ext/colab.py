"""Links from a chapter to its exercise: the header's Colab button, and {colab}`TEXT <NN-name>` in the text.

A page whose front matter says `exercise: NN-name` has the button. Colab can open only notebooks, so both lead to
`exercises/NN-name/NN-name.ipynb`; {colab}`TEXT <colab/name>` leads to `colab/name.ipynb`. The repository is
`repository.url` in `_config.yml`.
"""

import re

from docutils import nodes

COLAB = "https://colab.research.google.com/github/{repository}/blob/{branch}/{path}.ipynb"


def colab_url(config, notebook):
    """Where Colab opens an exercise, or a notebook of another folder, from the theme's options, which Jupyter Book
    fills from `repository`."""
    options = config.html_theme_options
    repository = re.fullmatch(r"https://github\.com/([^/]+/[^/]+?)(\.git)?/?", options["repository_url"])
    if not repository:
        raise ValueError(
            "`repository.url` must be https://github.com/OWNER/NAME: Colab opens notebooks from there. "
            f"Received: {options['repository_url']}"
        )
    path = notebook if "/" in notebook else f"exercises/{notebook}/{notebook}"
    return COLAB.format(repository=repository[1], branch=options["repository_branch"], path=path)


def colab_role(name, rawtext, text, lineno, inliner, options=None, content=None):
    """{colab}`TEXT <NN-name>`: a link that opens the notebook in Colab."""
    match = re.fullmatch(r"(.+?)\s*<([\w/-]+)>", text, re.DOTALL)
    if not match:
        message = inliner.reporter.error(f"{{colab}} must be `TEXT <NN-name>`. Received: {text}", line=lineno)
        return [nodes.problematic(rawtext, rawtext)], [message]
    url = colab_url(inliner.document.settings.env.config, match[2])
    return [nodes.reference(rawtext, match[1], refuri=url, classes=["colab-link"])], []


def _add_button(app, pagename, templatename, context, doctree):
    exercise = (context.get("meta") or {}).get("exercise")
    if exercise and "header_buttons" in context:
        button = {
            "type": "link",
            "url": colab_url(app.config, exercise),
            "tooltip": f"Open in Colab: exercise {exercise}",
            "text": "Open in Colab",
            "label": "colab",
        }
        context["header_buttons"].insert(0, button)


def setup(app):
    app.add_role("colab", colab_role)
    app.connect("html-page-context", _add_button, priority=502)  # after the theme has made its own buttons
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
