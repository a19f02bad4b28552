"""Measures pages of the built site as a phone loads them: `make lighthouse`, or `python tools/lighthouse.py PAGE ...`.

Each page is loaded three times; what counts is the median. The table is kept in `_build/lighthouse.json`. The phone and
its network are Lighthouse's own (mobile, simulated); a busy machine makes the numbers worse, never better.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import web_tools

ROOT = web_tools.ROOT
HTML, TABLE = ROOT / "_build" / "html", ROOT / "_build" / "lighthouse.json"
PAGES = [f"book/{name}" for name in ("index", "03-resblock", "06-cross-attention", "play", "map", "12-text-to-picture")]
RUNS = 3
LEAST = {"performance": 95, "accessibility": 100, "best-practices": 100, "seo": 100}
LEFT_OUT = {  # of what an address on the loopback cannot have, or what says nothing there
    "redirects-http": "the loopback has no certificate",
    "is-on-https": "the loopback has no certificate",
    "canonical": "the canonical address is the published one",
}


def measure(address: str, program: str) -> dict:
    """One load of a page: Lighthouse's own report."""
    script = web_tools.installed("lighthouse") / "cli" / "index.js"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "report.json")
        options = ["--output=json", f"--output-path={out}", "--quiet", f"--skip-audits={','.join(LEFT_OUT)}"]
        flags = "--chrome-flags=--headless=new --no-sandbox --disable-gpu"
        command = [web_tools.node()[0], script, address, *options, flags]
        environment = os.environ | {"CHROME_PATH": program, "TMPDIR": folder}
        run = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=folder)
        if not out.exists():
            sys.exit(f"Lighthouse must be able to load the page. Received: {run.stderr[-2000:]}")
        return json.loads(out.read_text("utf-8"))


def scores(reports: list[dict]) -> dict[str, int]:
    """The median of each category, from 0 to 100."""
    return {name: round(100 * median(one["categories"][name]["score"] or 0 for one in reports)) for name in LEAST}


def failings(report: dict) -> list[str]:
    """What keeps a report from being all 100, a line each."""
    weights = {ref["id"]: ref["weight"] for one in report["categories"].values() for ref in one["auditRefs"]}
    audits = [report["audits"][name] for name, weight in weights.items() if weight]
    bad = [audit for audit in audits if audit.get("score") is not None and audit["score"] < 0.9]
    return [f"{audit['id']}: {audit['title']} {audit.get('displayValue', '')}".strip() for audit in bad]


def main() -> None:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not (HTML / "index.html").is_file():
        sys.exit("The site must be built first. Run: make book")
    if program is None:
        sys.exit("Lighthouse needs chromium, which is not installed. Run, as root: apt-get install chromium")
    table, short = {}, False
    with web_tools.served(HTML) as address:
        for page in sys.argv[1:] or PAGES:
            reports = [measure(f"{address}/{page}.html", program) for _ in range(RUNS)]
            found = scores(reports)
            table[page] = found | {"failings": failings(reports[-1])}
            short |= any(found[name] < least for name, least in LEAST.items())
            print(f"{page:24}", *(f"{name} {score:3}" for name, score in found.items()), sep="  ", flush=True)
            print("".join(f"    {line}\n" for line in table[page]["failings"]), end="", flush=True)
    TABLE.write_text(json.dumps(table, indent=1))
    sys.exit(short)


if __name__ == "__main__":
    main()
