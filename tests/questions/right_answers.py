"""What the tests of right answers share."""

from autograder.exam import make_paper
from autograder.exam.marking import Marker
from autograder.questions import find
from autograder.sitting.run import sit


def assert_accepted(question_id, answers, seed=3):
    """Each of some answers, objects as a learner defines them, is right on a paper of its question."""
    question = find(question_id)
    marker = Marker(question, make_paper(question, seed))
    for answer in answers:
        verdict = marker.mark(sit(marker.paper, answer))
        assert verdict.passed, f"{answer.__name__}: {verdict.message}"
