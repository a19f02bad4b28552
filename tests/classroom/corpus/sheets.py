"""Answer sheets written by hand, in the place of those that a sitting writes."""

from tests.classroom.corpus.submission import Submission, first

PLACE = "from pathlib import Path\nfrom autograder.sitting import checks\nplace = checks.SHEETS[0]\n"
EACH = PLACE + "for question in checks.PAPERS:\n    path = place / f'{question}.safetensors'\n    "


def keep(student: str, code: str, **options) -> Submission:
    """`code` makes sheets while a check runs, and keeps the real ones from being written."""
    body = "\n".join(f"    {line}" for line in (EACH + code).splitlines())
    patch = f"from autograder.sitting import checks\ndef forge(*_):\n{body}\nchecks.write_sheet = forge"
    return first(student, patch, **{"earns": 0, **options})


FORGED = (
    PLACE
    + """
import numpy as np
from autograder.sitting.paper import Answer, CaseAnswer
from autograder.sitting.answer_sheet import write_sheet
for question, paper in checks.PAPERS.items():
    cases = [CaseAnswer({"base": [np.zeros(3)]}) for _ in paper.cases]
    write_sheet(place / f"{question}.safetensors", Answer(question, cases))
"""
)

SUBMISSIONS = [
    first("sheets-beforehand", FORGED),
    keep("sheets-of-nothing", "path.touch()"),
    keep("sheets-of-nonsense", "path.write_bytes(bytes(range(256)) * 100)"),
    keep("sheets-of-a-pickle", "import pickle; path.write_bytes(pickle.dumps(print))"),
    keep("sheets-of-points", 'path.write_text(\'{"passed": true, "points": 10}\')'),
    keep("sheets-linked", "path.unlink(True); path.symlink_to('/etc/passwd')"),
    keep("sheets-of-a-device", "path.unlink(True); path.symlink_to('/dev/zero')"),
    keep("sheets-of-a-pipe", "import os; path.exists() or os.mkfifo(path)"),
    keep("sheets-of-a-folder", "path.mkdir(exist_ok=True)"),
    keep("sheets-gone", "import shutil; shutil.rmtree(place, True)"),
    keep("sheets-not-readable", "path.touch(); path.chmod(0); place.chmod(0)"),
    keep("sheets-of-a-deep-header", "path.write_bytes((100_000).to_bytes(8, 'little') + b'[' * 100_000)"),
    keep("sheets-of-a-long-header", "path.write_bytes((2**63 - 1).to_bytes(8, 'little') + b'{}' * 100)"),
    keep("sheets-that-are-big", "path.write_bytes(bytes(2_000_000))"),
    keep(
        "sheets-of-another-question",
        """
    import numpy as np
    from safetensors.numpy import save
    path.write_bytes(save({}, metadata={"format": "answer-sheet-1", "question": "x", "cases": "[]"}))""",
    ),
    keep(
        "sheets-of-passed",
        """
    from safetensors.numpy import save
    words = {"format": "answer-sheet-1", "question": question, "cases": '[{"passed": true}]'}
    path.write_bytes(save({}, metadata=words))""",
    ),
    keep(
        "sheets-of-one-error-each",
        """
    import json
    from safetensors.numpy import save
    error = {"error": ["call", "Error", "<script>alert(1)</script> Mistake: none\\x1b[2J", "x"]}
    words = json.dumps([error] * len(checks.PAPERS[question].cases))
    path.write_bytes(save({}, metadata={"format": "answer-sheet-1", "question": question, "cases": words}))""",
    ),
    keep(
        "sheets-of-denormals",
        """
    import json
    import numpy as np
    from safetensors.numpy import save
    cases = [{"weights": [], "runs": {"base": [f"{i}"]}} for i in range(len(checks.PAPERS[question].cases))]
    arrays = {f"{i}": np.full(200_000, 1e-310) for i in range(len(cases))}
    words = {"format": "answer-sheet-1", "question": question, "cases": json.dumps(cases)}
    path.write_bytes(save(arrays, metadata=words))""",
    ),
    keep(
        "sheets-of-infinity",
        """
    import json
    import numpy as np
    from safetensors.numpy import save
    cases = [{"weights": [], "runs": {"base": [f"{i}"]}} for i in range(len(checks.PAPERS[question].cases))]
    arrays = {f"{i}": np.full((2, 1, 1, 7), np.inf, "float64") for i in range(len(cases))}
    words = {"format": "answer-sheet-1", "question": question, "cases": json.dumps(cases)}
    path.write_bytes(save(arrays, metadata=words))""",
    ),
]
