"""Keeps what is kept between builds honest: the chapters' outputs, and the site itself.

Jupyter Book keeps outputs by the text of a page's cells alone: a chapter that shows a number of `autograder.reference`
would go on showing the old one. Here the key is also the package's source, the trained weights and the versions of the
libraries; it lies beside the cache in `_build/.jupyter_cache`, which is thrown away when it changes. And since Sphinx
shows a page's warnings only when it reads the page, a build with warnings is forgotten, so that the next one shows them
again; one without leaves a key of everything it was made from in `_build/html/.inputs`, by which the tests know a fresh
site.
Pages that are no longer in the table of contents are deleted, which Sphinx leaves to us.
"""

import hashlib
import os
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

SOURCES = ("autograder/**/*.py", "autograder/small_model/**/*.safetensors", "autograder/small_model/**/*.json")
SHARED = (  # by all pages
    *(f"book/{folder}/**/*" for folder in ("_ext", "_static", "_templates", "live")),
    "_config.yml",
    "_toc.yml",
)
LIBRARIES = ["keras", "tensorflow", "jax", "torch", "numpy", "matplotlib"]


def setup(app):
    # Pages compute on the CPU everywhere, and TensorFlow does not report on the machine.
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    app.connect("builder-inited", _forget_if_changed)
    app.connect("env-get-outdated", _read_again)
    app.connect("build-finished", _stamp)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def sources_key(root, patterns=SOURCES):
    """A hash of the files that match (the package's source and trained weights), and of the libraries' versions."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in root.glob(pattern)}):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    for library in LIBRARIES:
        try:
            digest.update(f"{library}=={version(library)}\0".encode())
        except PackageNotFoundError:
            continue
    digest.update(os.environ.get("KERAS_BACKEND", "").encode())
    return digest.hexdigest()


def inputs_key(root):
    """The key of the whole site: its pages, figures, styles and configuration, and what its code runs on."""
    return sources_key(root, (*SOURCES, "book/**/*", "_config.yml", "_toc.yml"))


def _forget_if_changed(app):
    cache = Path(app.env.mystnb_config.execution_cache_path)
    key, kept = sources_key(Path(app.srcdir)), cache / "sources.sha256"
    app.sources_changed = not kept.exists() or kept.read_text() != key
    if app.sources_changed:
        shutil.rmtree(cache, ignore_errors=True)
        cache.mkdir(parents=True)
        kept.write_text(key)
    look, kept = sources_key(Path(app.srcdir), SHARED), Path(app.doctreedir) / "shared.sha256"
    app.look_changed = not kept.exists() or kept.read_text() != look
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(look)


def _read_again(app, env, added, changed, removed):
    """All pages are read again when a key has changed: Sphinx copies no new style sheet if it has no page to write."""
    return list(env.found_docs) if app.sources_changed or app.look_changed else []


def _stamp(app, exception):
    stamp = Path(app.outdir) / ".inputs"
    if exception or app._warncount:
        stamp.unlink(missing_ok=True)
        (Path(app.doctreedir) / "environment.pickle").unlink(missing_ok=True)
    elif app.builder.name == "html":
        for page in set(Path(app.outdir).rglob("*.html")) - {Path(app.outdir) / f"{name}.html" for name in _pages(app)}:
            page.unlink()
        stamp.write_text(inputs_key(Path(app.srcdir)))


def _pages(app):
    return {*app.env.all_docs, "index", "genindex", "search", "404"}
