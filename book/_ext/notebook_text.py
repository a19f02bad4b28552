"""A chapter's text as plain Markdown, which Colab, Kaggle and JupyterLab show: no directive, no role.

`NotebookText` reads MyST as this course writes it. What only the site can show becomes a link to it.
"""

import re
from dataclasses import dataclass, field

BLOCK = re.compile(r"^```\{([\w-]+)\} *([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
OPTIONS = re.compile(r"^(?::[\w-]+:[^\n]*\n)+", re.MULTILINE)
ROLE = re.compile(r"\{([\w:]+)\}`([^`]+)`")
TARGET = re.compile(r"(.*?)\s*<([^<>]+)>", re.DOTALL)
LABELLED = re.compile(r"^\$\$\n(.*?)\n\$\$ \(([\w-]+)\)$", re.DOTALL | re.MULTILINE)
FOLD = re.compile(r'<details class="question"><summary>(.*?)</summary>', re.DOTALL)


@dataclass
class NotebookText:
    """What a chapter's text refers to.

    Args:
        site: the site's address, with a slash at its end.
        picture: the address of the UNet's picture.
        titles: of the pages, by name.
        sources: of the bibliography, by key: what a citation says.
        colab: a function of an exercise's name: its address.
        figures: names of the chapter's figures, in order.
        pages: of all figures, by name.
        glued: the values that the chapter's code has put into its text, in order.
        texts: of `notebooks.LANGUAGE.json`.
    """

    site: str
    picture: str
    titles: dict
    sources: dict
    colab: object
    figures: list
    pages: dict
    glued: list
    texts: dict
    equations: dict = field(default_factory=dict)

    def count_equations(self, source):
        """Numbers the labelled equations of the whole chapter."""
        self.equations = {label: number for number, (_, label) in enumerate(LABELLED.findall(source), start=1)}

    def markdown(self, name, text):
        """Text of a chapter, `name`, without directives and roles; to be called for its cells in order."""
        text = ROLE.sub(self._role, text)
        text = BLOCK.sub(lambda match: self._block(name, *match.groups()), text)
        text = LABELLED.sub(lambda m: f"$$\n{m[1]} \\tag{{{self.equations[m[2]]}}}\n$$", text)
        return FOLD.sub(r"<details><summary><b>\1</b></summary>", text).strip()

    def _page(self, name):
        return f"{self.site}book/{name}.html"

    # ------------------------------------------------------------------------------------------------------ blocks

    def _block(self, name, kind, argument, body):
        body = OPTIONS.sub("", body, count=1).strip()
        if kind == "admonition":
            return "\n".join(f"> {line}".rstrip() for line in [f"**{argument}**", "", *body.splitlines()])
        if kind == "unet-picture":
            return f"![{self.texts['picture']}]({self.picture})\n\n*{body}*"
        there = {"live-unet": "live", "raw": "figure_there", "flow-picture": "figure_there"}.get(kind)
        if there is None:
            raise ValueError(f"A directive of a chapter must be known here. Received: {kind} in {name}")
        link = f"[{self.texts[there]}]({self._page(name)})"
        return f"{link}\n\n*{body}*" if body else link

    # ------------------------------------------------------------------------------------------------------- roles

    def _role(self, match):
        kind, content = match.groups()
        found = TARGET.fullmatch(content)
        shown, target = found.groups() if found else (None, content)
        return getattr(self, f"_{kind.replace(':', '_')}")(shown, " ".join(target.split()))

    def _doc(self, shown, target):
        return f"[{shown or self.titles[target]}]({self._page(target)})"

    def _term(self, shown, target):
        return shown or target

    def _eq(self, shown, target):
        return f"({self.equations[target]})"

    def _numref(self, shown, target):
        if target in self.figures:
            return self.texts["figure"].format(number=self.figures.index(target) + 1)
        page = self.pages[target].removeprefix("book/")
        return f"[{self.texts['figure_elsewhere'].format(title=self.titles[page])}]({self._page(page)}#{target})"

    def _colab(self, shown, target):
        return f"[{shown}]({self.colab(target)})"

    def _cite_t(self, shown, target):
        return ", ".join(f"[{self.sources[key.strip()]}]({self._page('bibliography')})" for key in target.split(","))

    def _cite_p(self, shown, target):
        return f"({self._cite_t(shown, target)})"

    def _glue_text(self, shown, target):
        return self.glued.pop(0)
