"""Weights to draw with where it does not matter what the picture shows."""

import pytest

from tests.small_model.random_weights import write_random_weights


@pytest.fixture(scope="session")
def random_folder(tmp_path_factory):
    """A folder with weights that were never trained."""
    return write_random_weights(tmp_path_factory.mktemp("weights"))
