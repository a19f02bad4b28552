"""Imported before anything that imports nbformat, by the command line and by the process that workers fork from.

jsonschema, which nbformat uses, compiles a grammar for internationalised addresses while it is imported, which takes
longer than all else in nbformat together (1.7 of 2.9 s); no notebook holds such an address. jsonschema does without.
"""

import sys

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # "not installed"
