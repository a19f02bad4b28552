"""The learner's side of a check: a paper goes in, the learner's object runs on it, an answer comes out.

Nothing here knows an expected value, compares, or decides a score. It is all of this package that a sandbox needs to
see, so it imports keras and numpy only.
"""

from autograder.sitting.paper import Answer, CaseAnswer, CasePaper, LearnerError, Paper, Weight
from autograder.sitting.run import sit

__all__ = ["Answer", "CaseAnswer", "CasePaper", "LearnerError", "Paper", "Weight", "sit"]
