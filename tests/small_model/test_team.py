"""Processes that train together: they agree to the last bit, have batches of their own, and none waits for the dead."""

import numpy as np

from autograder.small_model.batches import LatentBatches
from autograder.small_model.team import ALONE, Team, run_team


def agree(folder, team):
    """What one of two processes does: leaves its mean and whether any of both has stopped."""
    rng = np.random.default_rng(team.rank)
    means = [team.mean(rng.normal(size=7).astype("float32")) for _ in range(50)]
    stops = [team.any(False), team.any(team.rank == 1), team.any(False)]
    np.savez(f"{folder}/{team.rank}.npz", means=means, stops=stops)
    return 0


def fail(folder, team):
    if team.rank:
        raise RuntimeError("out of memory")
    team.any(False)
    return 0


def test_processes_have_the_same_mean_and_stop_together(tmp_path):
    assert run_team(agree, str(tmp_path), 2) == 0
    one, other = (np.load(tmp_path / f"{rank}.npz") for rank in (0, 1))
    np.testing.assert_array_equal(one["means"], other["means"])
    given = [np.random.default_rng(rank).normal(size=(50, 7)).astype("float32") for rank in (0, 1)]
    np.testing.assert_allclose(one["means"], (given[0] + given[1]) / 2, atol=1e-6)  # float32
    assert one["stops"].tolist() == other["stops"].tolist() == [False, True, False]


def test_no_process_waits_for_one_that_failed(tmp_path):
    assert run_team(fail, str(tmp_path), 2) != 0


def test_each_process_has_its_own_batches_and_shards():
    class Shards:
        seed, size = [1], 4

        def __getitem__(self, index):
            return {"latent": np.full((4, 1), index), "tokens": np.arange(4)}

    def batches(first, count):
        return LatentBatches(Shards(), first, count, 2, lanes=2)

    seen = []
    for rank in (0, 1):
        own = Team(rank, 2).own(batches)(0, 4)
        assert len(own) == 4
        shards = [own[i][0]["latent"][0, 0] for i in range(4)]
        assert shards == [rank, rank, rank + 2, rank + 2]
        later = Team(rank, 2).own(batches)(3, 1)
        np.testing.assert_array_equal(later[0][0]["tokens"], own[3][0]["tokens"])
        seen += [(shards[i], n) for i in range(4) for n in own[i][0]["tokens"]]
    assert sorted(seen) == [(shard, n) for shard in range(4) for n in range(4)]  # each latent once
    assert ALONE.own(batches) is batches
