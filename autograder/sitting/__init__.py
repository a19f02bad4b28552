"""The learner's side of a check: a paper goes in, the learner's object runs on it, an answer comes out.

Nothing here knows an expected value, compares, or decides a score. It is laid into the sandbox, so it imports keras,
numpy and safetensors only. Import from its modules: `paper` (what goes in and out), `run` (`sit`), `answer_sheet`,
`stand_ins`, `quiet`, `missing_answer`.
"""
