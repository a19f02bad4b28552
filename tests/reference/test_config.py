import dataclasses

import pytest

from autograder.reference import SD2, TINY, UNetConfig

from . import seeded


def test_config_defaults_are_stable_diffusion_2():
    assert UNetConfig() == SD2
    assert (SD2.channels, SD2.head_size, SD2.context_dim, SD2.latent_channels) == ((320, 640, 1280, 1280), 64, 1024, 4)
    assert [SD2.num_heads(level) for level in range(4)] == [5, 10, 20, 20]
    assert SD2.time_dim == 1280


def test_config_tiny_is_that_of_the_fixtures():
    assert (TINY.channels, TINY.head_size) == (seeded.CHANNELS, seeded.HEAD_SIZE)
    assert (TINY.context_dim, TINY.latent_channels) == (seeded.CONTEXT_DIM, seeded.LATENT_CHANNELS)
    assert min(TINY.channels) > 32  # one channel a group would hide the time embedding


def test_config_diffusers_changes_two_numerics_and_no_width():
    changed = {
        field.name: getattr(TINY.diffusers(), field.name)
        for field in dataclasses.fields(UNetConfig)
        if getattr(TINY.diffusers(), field.name) != getattr(TINY, field.name)
    }
    assert changed == {"transformer_norm_epsilon": 1e-6, "gelu_approximate": False}


@pytest.mark.parametrize(
    ("channels", "head_size"),
    [
        ((64, 128, 192), 16),  # three levels
        ((48, 128, 192, 192), 16),  # not a multiple of 32 groups
        ((64, 128, 192, 192), 48),  # not a multiple of the head size
        ((64, 128, 192, 256), 16),  # the last two differ
        ((0, 128, 192, 192), 16),
    ],
)
def test_config_refuses_numbers_that_do_not_fit(channels, head_size):
    with pytest.raises(ValueError, match="Received: channels="):
        UNetConfig(channels=channels, head_size=head_size)


def test_config_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TINY.head_size = 8
