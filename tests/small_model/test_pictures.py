"""Pictures drawn by code: right colours at the right places, smooth edges, the same from the same seed."""

import numpy as np
import pytest
from keras import ops

from autograder.small_model import captions as language
from autograder.small_model import pictures


def picture_of(text, seed=0):
    layout = pictures.lay_out(np.random.default_rng(seed), language.parse(text))
    return pictures.to_uint8(pictures.render(layout))[0], layout


def test_picture_has_the_colours_of_its_caption():
    picture, layout = picture_of("a red circle on blue")
    x, y = layout["centre"][0, 0].astype(int)
    assert picture.shape == (64, 64, 3)
    assert tuple(picture[y, x]) == language.COLOURS["red"]
    assert tuple(picture[0, 0]) == tuple(picture[63, 63]) == language.COLOURS["blue"]


@pytest.mark.parametrize(
    ("relation", "first", "second"),
    [
        ("above", np.s_[:32, :], np.s_[32:, :]),
        ("below", np.s_[32:, :], np.s_[:32, :]),
        ("left of", np.s_[:, :32], np.s_[:, 32:]),
        ("right of", np.s_[:, 32:], np.s_[:, :32]),
    ],
)
def test_picture_puts_objects_where_the_relation_says(relation, first, second):
    for seed in range(5):
        picture, _ = picture_of(f"a red square {relation} a green cross on black", seed)
        red = np.all(picture == language.COLOURS["red"], axis=-1)
        green = np.all(picture == language.COLOURS["green"], axis=-1)
        assert red[first].sum() == red.sum() > 100
        assert green[second].sum() == green.sum() > 50


@pytest.mark.parametrize(("shape", "share"), [("circle", 3.14), ("square", 2.89), ("triangle", 1.80), ("cross", 2.20)])
def test_shapes_cover_their_area(shape, share):
    """Areas in radii squared: pi; 1.7²; 2 · 1.8 / 2; two bars of 2 x 0.66 less their crossing 0.66²."""
    picture, layout = picture_of(f"a white {shape} on black")
    low, high = language.COLOURS["black"][0], language.COLOURS["white"][0]
    covered = ((picture[..., 0].astype(float) - low) / (high - low)).sum()
    # 4 %: edges are a straight-line approximation over one pixel
    assert covered == pytest.approx(share * layout["radius"][0, 0] ** 2, rel=0.04)


def test_edges_are_smooth():
    picture, _ = picture_of("a white circle on black")
    values = np.unique(picture[..., 0])
    assert len(values) > 10


def test_pictures_are_the_same_from_the_same_seed_only():
    text = "a red circle left of a green square on black"
    one, same, other = (picture_of(text, seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_layouts_stay_inside_the_picture():
    scenes = language.draw_scenes(np.random.default_rng(3), 500, "all")
    layout = pictures.lay_out(np.random.default_rng(3), scenes)
    reach = layout["radius"][..., None]
    there = layout["radius"] > 0
    assert (layout["centre"] - reach)[there].min() >= 0
    assert (layout["centre"] + reach)[there].max() <= 64
    assert np.array_equal(there[:, 1], scenes.relations > 0)
    picture = ops.convert_to_numpy(pictures.render({k: v[:4] for k, v in layout.items()}))
    assert np.abs(picture).max() <= 1
