"""Takes what is active out of a learner's text, so that it can be shown in a teacher's browser.

nbconvert renders Markdown with raw HTML as it stands and lets MathJax run over the page. In the text that comes from
here no tag opens, no link leads to anything but the web, no picture is fetched, and TeX commands only typeset. The text
stays readable: where something would act, an invisible word joiner (U+2060) keeps it from being recognised.
"""

import base64
import re
from collections.abc import Collection
from typing import Any

from nbformat import NotebookNode

from autograder.classroom.notebook_reader import DATA_URI
from autograder.classroom.safe_pictures import PICTURE_TYPES, PictureBudget
from autograder.exam.sanitise import CONTROL, STACKED

JOINER = "\u2060"
MAX_MARKDOWN = 20_000  # characters; a written answer has some hundreds
MAX_ATTACHMENTS = 8

BLANKS = re.compile(r"[^\S\n]{100,}")  # mistune takes time by the square of their number
TAG = re.compile(r"<(?=[A-Za-z/!?])")
LINK = re.compile(r"\](?=\((?!\s*<?(?:https?://|#))(?:attachment:([\w.-]+)\))?)", re.IGNORECASE)
REFERENCE = re.compile(r"\](?=:)")
PICTURE = re.compile(r"!(?=\[(?:[^\[\]\n]*\]\(attachment:([\w.-]+)\))?)")
DIAGRAM = re.compile(r"(mer)(maid)", re.IGNORECASE)  # a fenced block of that name becomes a program's input
PASTED = re.compile(  # a picture that stands in the text itself, as Colab pastes it; `kind` and `data` if it may stay
    r"!\[(?P<alt>[^\[\]\n]*)\]\(\s*<?data:(?P<kind>image/[\w.+-]+);base64,(?P<data>[A-Za-z0-9+/=]*)>?"
    r"(?:\s+(?:\"[^\"\n]*\"|'[^'\n]*'))?\s*\)",
    re.IGNORECASE,
)
LEFT_OUT = "(a pasted file is left out)"
COMMAND = re.compile(r"\\(?=([A-Za-z@]+))")

# TeX commands that only typeset. `href`, `style`, `class`, `require`, `def`, `csname` and their like are not here.
TYPESETTING = """
alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi rho sigma tau
upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega frac dfrac tfrac sqrt sum
prod int lim log ln exp sin cos tan tanh min max arg left right big Big bigg Bigg cdot times div pm mp le leq
ge geq ne neq approx equiv sim propto infty partial nabla in notin subset cup cap forall exists to rightarrow
leftarrow Rightarrow Leftarrow mapsto ldots cdots dots quad qquad text mathrm mathbf mathit mathbb mathcal
mathsf operatorname hat bar tilde vec dot ddot overline underline underbrace overbrace begin end top mid vert
Vert lVert rVert lfloor rfloor lceil rceil langle rangle odot oplus otimes circ star ast prime boldsymbol bmod
bm hbar ell Re Im
ll gg iff implies impliedby land lor lnot neg wedge vee setminus emptyset varnothing subseteq subsetneq supset supseteq
cong simeq asymp perp parallel angle triangle triangleq doteq models vdash bot coprod iint iiint oint sup inf det dim
ker gcd deg sinh cosh cot sec csc arcsin arccos arctan argmax argmin limsup liminf limits nolimits displaystyle
textstyle scriptstyle mathtt mathfrak mathscr textbf textit textrm textsf texttt overset underset stackrel binom dbinom
tbinom choose over pmod mod widehat widetilde overrightarrow overleftarrow longrightarrow longleftarrow Longrightarrow
Longleftarrow longmapsto leftrightarrow Leftrightarrow Longleftrightarrow uparrow downarrow updownarrow Uparrow
hookrightarrow hookleftarrow bigl bigr bigm Bigl Bigr biggl biggr Biggl Biggr middle lvert rvert lbrace rbrace lbrack
rbrack backslash bullet bigoplus bigotimes bigodot bigcup bigcap bigwedge bigvee ominus oslash aleph wp imath jmath
ddots vdots dotsc dotsb dotsm hline substack boxed nonumber notag space thinspace enspace colon dagger ddagger checkmark
square blacksquare therefore because varsigma varpi varrho varkappa Upsilon mathring acute grave breve check dddot
coloneqq pmb mathop mathbin mathrel mathord mathstrut lt gt And cfrac sqcup sqcap uplus amalg ltimes rtimes prec succ
Downarrow preceq succeq leqslant geqslant lesssim gtrsim gets nexists complement ni owns smile frown surd natural sharp
flat
"""
HARMLESS = frozenset(TYPESETTING.split())


def safe_markdown(text: str, pictures: Collection[str] = ()) -> str:
    """A learner's Markdown that shows the same words and does nothing.

    Args:
        text: as it was handed in.
        pictures: names of the attached pictures that may be shown; nbconvert fails on one that is not there.
    """
    if len(text) > MAX_MARKDOWN:
        text = text[:MAX_MARKDOWN] + f"\n\n[{len(text) - MAX_MARKDOWN:,} more characters are left out.]"
    text = BLANKS.sub(" " * 99, STACKED.sub(r"\1", CONTROL.sub("\ufffd", text)))
    text = TAG.sub("<" + JOINER, text)
    text = DIAGRAM.sub(rf"\1{JOINER}\2", text)
    text = PICTURE.sub(lambda found: "!" if found[1] in pictures else "!" + JOINER, text)
    text = LINK.sub(lambda found: "]" if found[1] in pictures else "]" + JOINER, text)
    text = REFERENCE.sub("]" + JOINER, text)
    return COMMAND.sub(lambda found: "\\" if found[1] in HARMLESS else "\\" + JOINER, text)


def neutral_attachments(raw: Any, budget: PictureBudget) -> dict[str, dict[str, str]]:
    """The pictures among a cell's attachments, made anew from their pixels, as long as there is time."""
    kept: dict[str, dict[str, str]] = {}
    for name, bundle in (raw if isinstance(raw, dict) else {}).items():
        if len(kept) == MAX_ATTACHMENTS:
            break
        for kind in PICTURE_TYPES:
            data = bundle.get(kind) if isinstance(bundle, dict) else None
            picture = budget.clean(data) if data else None
            if picture is not None and re.fullmatch(r"[\w.-]{1,100}", name):
                kept[name] = {picture.kind: base64.b64encode(picture.content).decode("ascii")}
    return kept


def attach_pasted(text: str, kept: dict[str, dict[str, str]], budget: PictureBudget) -> str:
    """Moves the pictures that stand in a text as data into `kept`, up to `MAX_ATTACHMENTS`; a note stands for others.

    Args:
        text: a learner's Markdown.
        kept: the cell's attachments, as `neutral_attachments` gives them; pictures are added to it.
        budget: the time that pictures have.
    """
    tried = 0

    def move(found: re.Match[str]) -> str:
        nonlocal tried
        kind = found["kind"].lower().replace("image/jpg", "image/jpeg")
        may_stay = tried < MAX_ATTACHMENTS and len(kept) < MAX_ATTACHMENTS and kind in PICTURE_TYPES
        tried += may_stay  # decoding takes time, for one that fails too
        picture = budget.clean(found["data"]) if may_stay else None
        if picture is None:
            return f"{found['alt']} {LEFT_OUT}".strip()
        number = 1 + sum(name.startswith("pasted-") for name in kept)
        while (name := f"pasted-{number}.{picture.kind.removeprefix('image/')}") in kept:
            number += 1
        kept[name] = {picture.kind: base64.b64encode(picture.content).decode("ascii")}
        return f"![{found['alt']}](attachment:{name})"

    return DATA_URI.sub(LEFT_OUT, PASTED.sub(move, text))


def fill_markdown(cell: NotebookNode, text: str, attachments: Any, budget: PictureBudget) -> None:
    """Puts a learner's Markdown, what it has attached and the pictures pasted into it, into a cell."""
    pictures = neutral_attachments(attachments, budget)
    cell.source = safe_markdown(attach_pasted(text, pictures, budget), pictures)
    cell.pop("attachments", None)
    if pictures:
        cell.attachments = pictures
