"""The built site, a server for it on the loopback, and a browser."""

import fcntl
import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "book" / "_ext"), str(ROOT / "tools")]
CHROMIUM = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
CHROMIUM += "--disable-component-update --disable-sync"


@pytest.fixture(scope="session")
def site(root):
    """`_build/html`, built with warnings as errors unless it is there and made of the files as they are."""
    from execution_key import inputs_key

    html = root / "_build" / "html"
    html.parent.mkdir(exist_ok=True)
    with (html.parent / ".site.lock").open("w") as lock:  # one build at a time, whatever runs the tests
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = html / ".inputs"
        if not stamp.exists() or stamp.read_text() != inputs_key(root):
            command = [Path(sys.executable).with_name("jupyter-book"), "build", ".", "--all", "-W", "--keep-going"]
            run = subprocess.run(command, cwd=root, capture_output=True, text=True)
            assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-5000:]
    return html


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def address(site):
    handler = functools.partial(_Quiet, directory=site)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="session")
def browser():
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        message = "no chromium: browser tests are off (apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM.split())
        yield browser
        browser.close()


class Visit:
    """An open page, the requests it made (`requests`) and what went wrong on it (`troubles`)."""

    def __init__(self, page, address):
        self.page, self.address, self.requests, self.troubles = page, address, [], []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", lambda message: message.type == "error" and self.troubles.append(message.text))
        page.route("**/*", lambda route: route.continue_() if self.own(route.request.url) else route.abort())

    def own(self, url):
        return url.startswith((self.address, "data:"))

    def foreign(self):
        return [url for url in self.requests if not self.own(url)]


@pytest.fixture
def visit(browser, address):
    """Opens a page of the site: `visit("book/index.html", width=390, scheme="dark", javascript=True)`."""
    contexts = []

    def open_page(path, width=1280, scheme="light", javascript=True):
        size = {"width": width, "height": 844 if width < 600 else 900}
        context = browser.new_context(viewport=size, color_scheme=scheme, java_script_enabled=javascript)
        contexts.append(context)
        visit = Visit(context.new_page(), address)
        visit.page.goto(f"{address}/{path}", wait_until="load")
        return visit

    yield open_page
    for context in contexts:
        context.close()
