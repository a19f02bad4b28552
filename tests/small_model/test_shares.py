"""Shares of right pictures and their intervals."""

import pytest

from autograder.small_model.shares import Share


# Published: Brown, Cai and DasGupta, "Interval estimation for a binomial proportion" (2001) use the same interval;
# the numbers are R's, `prop.test(x, n, correct = FALSE)`.
@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)],
)
def test_interval_is_wilsons(right, count, low, high):
    assert Share(right, count).bounds == pytest.approx((low, high), abs=1e-4)


def test_share_says_both():
    assert str(Share(5, 10)) == "50.0% (23.7% to 76.3%)"
