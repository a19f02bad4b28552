"""A late penalty by days, for nbgrader's `AssignLatePenalties`; nbgrader itself has none and all."""

import math

from nbgrader.plugins import LateSubmissionPlugin
from traitlets import Float

DAY = 24 * 60 * 60  # seconds


class PerDay(LateSubmissionPlugin):
    """Takes points off for each day that has begun, never more than a submission has."""

    points = Float(1.0, help="Points for each day that has begun").tag(config=True)
    grace_minutes = Float(0.0, help="Minutes that cost nothing").tag(config=True)
    most = Float(math.inf, help="The most points that being late costs").tag(config=True)

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float | None:
        seconds = total_seconds_late - 60 * self.grace_minutes
        if seconds <= 0:
            return None
        return min(self.points * math.ceil(seconds / DAY), self.most, score)
