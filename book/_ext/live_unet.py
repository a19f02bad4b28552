"""`{live-unet} KIND`: the small model, drawing in the reader's browser.

The directive writes a part of the page (`book/live/live.html` with the texts of `texts.LANGUAGE.json`), of one of the
`KINDS`. What it loads lies in `_static/live`: the code, under a name that changes with
it, and what live_files.py makes, which is kept in `_build/live` until the weights or its code change.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from execution_key import SOURCES, sources_key
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from sphinx.util.docutils import SphinxDirective
from unet_map import map_html

HERE = Path(__file__).resolve().parent
MADE_OF = (*SOURCES, "book/_ext/live_*.py", "book/live/product.wat")
BASE = "_static/live/"
KINDS = {  # and the script of each
    "play": "play",  # with parts to switch off
    "short": "play",  # without
    "switches": "play",  # with the parts that the directive names
    "attention": "viewer",  # which pixels look at which words
    "guidance": "guidance",  # what is expected without the prompt and with it
    "map": "explorer",  # the UNet's map
    "denoising": "denoise",  # chapter 1, which has no network
    "time": "clock",  # the embedding of chapter 2, nor has that one
    "latent": "paint",  # chapter 12: the decoder alone, until what is painted is drawn on
}
STILLS = {"play": 2, "short": 1}  # how many strips of pictures each shows
TEMPLATES = {  # and what the texts of each begin with; the others have live.html and all texts
    "denoising": ("denoise.html", ("denoise_", "step_")),
    "time": ("clock.html", ("clock_",)),
    "latent": ("paint.html", ("paint_", "loading", "unpacking", "drawing", "failed", "blend_unknown", "too_long")),
}
UNFOLDED = ("play", "guidance")  # whose settings are not hidden
MAP_TEXTS = (
    "station",
    "no_station",
    "gives",
    "gives_alt",
    "gives_one_alt",
    "channels_shown",
    "one_shown",
    "gives_about",
)


def setup(app):
    app.add_directive("live-unet", LiveUNet)
    app.connect("builder-inited", _make_files)
    app.connect("html-page-context", _resolve, priority=810)
    app.connect("build-finished", _copy_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _kept(app):
    return Path(app.doctreedir).parent / "live"


def _make_files(app):
    """Runs live_files.py unless what it made is there and was made of the files as they are."""
    folder, key = _kept(app), sources_key(Path(app.srcdir), MADE_OF)
    stamp = folder / "key"
    if not stamp.exists() or stamp.read_text() != key:
        shutil.rmtree(folder, ignore_errors=True)
        run = subprocess.run(
            [sys.executable, HERE / "live_files.py", folder], capture_output=True, text=True, env=_quiet()
        )
        if run.returncode:
            raise RuntimeError(f"live_files.py must make the files of the live UNet. Received: {run.stderr[-3000:]}")
        stamp.write_text(key)
    app.live_facts, app.live_blocks = (
        json.loads((folder / f"{name}.json").read_text()) for name in ("facts", "blocks")
    )


def _quiet():
    return os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}


class LiveUNet(SphinxDirective):
    """`{live-unet} KIND`; `:parts: NAMES` says what `switches` offers, by the names of the switchboard."""

    required_arguments = 1
    option_spec = {"name": directives.unchanged, "parts": directives.unchanged}  # noqa: RUF012 (docutils' own way)

    def run(self):
        live, app, language = Path(self.env.srcdir, "book", "live"), self.env.app, self.config.language
        kind = directives.choice(self.arguments[0], tuple(KINDS))
        paths = [live / f"{name}.{language}.json" for name in ("texts", "map")]
        for path in (*paths, *live.glob("*.html")):
            self.env.note_dependency(str(path))
        texts, map_texts = (json.loads(path.read_text("utf-8")) for path in paths)
        number = self.env.new_serialno("live-unet")
        page = Part(kind, f"live{number or ''}", tuple(self.options.get("parts", "").split()))
        if kind == "map":
            page.map = map_html(map_texts, app.live_blocks, self.config)
            texts["map"] = {name: map_texts[name] for name in MAP_TEXTS}
        return [nodes.raw("", live_html(live, texts, app.live_facts, page), format="html")]


@dataclass
class Part:
    """A live part: which of `KINDS`, what its ids begin with, what it offers to switch off, the map's HTML."""

    kind: str
    id: str = "live"
    parts: tuple[str, ...] = ()
    map: str = ""


def live_html(live, texts, facts, part, base="BASE/"):
    """A live part's HTML.

    Args:
        live: the folder `book/live`.
        texts: what a reader sees, by name.
        facts: what live_files.py says of the model.
        part: a `Part`.
        base: from the page to `_static/live/`; `BASE/` is filled in for each page by `_resolve`.
    """
    name, beginnings = TEMPLATES.get(part.kind, ("live.html", ("",)))
    data = {"texts": {key: text for key, text in texts.items() if key.startswith(beginnings)}}
    if name == "live.html":
        data |= {"facts": {key: fact for key, fact in facts.items() if key != "latent"}, "base": base}
    elif part.kind == "latent":  # whose weights are a file of their own
        latent = facts["latent"]
        files = {"latent": latent["file"], "int8": facts["files"]["int8"]}
        shared = {name: facts[name] for name in ("program", "text", "steps", "guidance")}
        data |= {"facts": latent | shared | {"files": files}, "base": base}
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string((live / name).read_text("utf-8"))
    return template.render(
        t=texts,
        facts=facts,
        kind=part.kind,
        id=part.id,
        parts=facts["parts"] if part.kind == "play" else part.parts,
        folded=part.kind not in UNFOLDED,
        map=Markup(part.map),
        script=KINDS[part.kind],
        base=base,
        code=code_folder(live),
        stills=[_words_of_still(still, texts, facts) for still in facts["stills"][: STILLS.get(part.kind, 0)]],
        data=Markup(json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")),
    )


def _words_of_still(still, texts, facts):
    part = still["without"]
    which = texts["without"].format(parts=texts[f"name_{part}"]) if part else texts["whole"]
    values = {name: facts[name] for name in ("prompt", "seed", "steps")} | {"count": still["count"], "which": which}
    return still | {"caption": texts["still"].format(**values), "alt": texts["still_alt"].format(**values)}


def code_folder(live):
    """A folder's name that changes with the code, so that no browser mixes two versions of it."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(live.glob("*.js"))))
    return f"code-{digest.hexdigest()[:12]}/"


def _resolve(app, pagename, templatename, context, doctree):
    if "data-live" in (context.get("body") or ""):
        context["body"] = context["body"].replace("BASE/", context["pathto"](BASE, 1))


def _copy_files(app, exception):
    if exception or app.builder.format != "html":
        return
    live, to = Path(app.srcdir, "book", "live"), Path(app.outdir, BASE)
    write_live(live, _kept(app), to)


def write_live(live, made, to):
    """Puts together what is served: what was made, and the code."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(made, to, ignore=shutil.ignore_patterns("key", "*.json"))
    (to / code_folder(live)).mkdir()
    for path in live.glob("*.js"):
        shutil.copy(path, to / code_folder(live))
