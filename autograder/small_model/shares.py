"""Shares of right pictures, with the interval that they are known to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """A share of right pictures.

    Args:
        right, count: pictures.
        distinct: prompts among them, where that was counted.
    """

    right: int
    count: int
    distinct: int = 0

    @property
    def share(self):
        """From 0 to 1."""
        return self.right / self.count

    @property
    def bounds(self):
        """The 95 % interval. Reference: Wilson, "Probable inference, the law of succession, and statistical inference"
        (1927)."""
        z, n, share = 1.959964, self.count, self.share
        middle, spread = share + z * z / (2 * n), z * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
        return max(0.0, (middle - spread) / (1 + z * z / n)), min(1.0, (middle + spread) / (1 + z * z / n))

    def __str__(self):
        low, high = self.bounds
        return f"{self.share:.1%} ({low:.1%} to {high:.1%})"
