"""The learner's side of a check: a paper goes in, the learner's object runs on it, an answer comes out.

Nothing here knows an expected value, compares, or decides a score. It is all of this package that a sandbox needs to
see, so it imports keras and numpy only. Import from its modules: `paper` (what goes in and out), `run` (`sit`),
`quiet`, `notebook`.
"""
