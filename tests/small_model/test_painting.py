"""Pictures of scenes: places, sizes, colours, forms."""

import numpy as np
import pytest

from autograder.small_model import painting
from autograder.small_model.language import COLOURS, GROUNDS, SIZES, THINGS, Scene, Thing, draw_scenes
from autograder.small_model.things import PAINTERS, box, circle, ellipse, line, polygon


def rng(seed=5):
    return np.random.default_rng(seed)


def test_things_stand_as_the_caption_says():
    for scene in draw_scenes(rng(), 400, "all"):
        layout = painting.lay_out(rng(), scene)
        first, *others = layout.places
        for relation, other in zip(scene.relations, others, strict=True):
            dx, dy = other.x - first.x, other.y - first.y
            far = {"left": dx, "right": -dx, "above": dy, "below": -dy}[relation]
            assert far > abs({"left": dy, "right": dy, "above": dx, "below": dx}[relation])
            assert far >= first.radius + other.radius  # they do not touch


def test_things_lie_inside_the_picture_and_have_their_size():
    for scene in draw_scenes(rng(), 400, "all"):
        for thing, place in zip(scene.things, painting.lay_out(rng(1), scene).places, strict=True):
            low, high = painting.RADII[thing.size]
            assert low <= place.radius <= high
            for middle in (place.x, place.y):
                assert place.radius < middle < painting.SIDE - place.radius


def test_sizes_do_not_overlap():
    small, middle, large = (painting.RADII[size] for size in ("small", "", "large"))
    assert small[1] < middle[0] < middle[1] < large[0]
    assert set(painting.RADII) == set(SIZES)


@pytest.mark.parametrize("ground", GROUNDS)
def test_pictures_have_the_range_that_networks_expect(ground):
    scene = Scene((Thing("boat", "white"),), (), ground)
    picture = painting.paint(rng(), painting.lay_out(rng(), scene))
    assert picture.shape == (128, 128, 3)
    assert picture.dtype == np.float32
    assert -1 <= picture.min() < picture.max() <= 1


@pytest.mark.parametrize("name", THINGS)
@pytest.mark.parametrize("colour", COLOURS)
def test_thing_shows_its_colour(name, colour):
    layout = painting.Layout(Scene((Thing(name, colour),)), (painting.Place(64, 64, 26),), "sunset")
    picture = (painting.paint(rng(), layout) + 1) * 127.5
    window = picture[38:90, 38:90].reshape(-1, 3)
    near = np.abs(window - painting.COLOUR_VALUES[colour]).max(axis=1) < 18  # a shade of up to 6 % of 255
    assert near.mean() > 0.1


@pytest.mark.parametrize("name", THINGS)
def test_form_varies_within_a_caption(name):
    layout = painting.Layout(Scene((Thing(name, "red"),)), (painting.Place(64, 64, 26),), "day")
    one, other = (painting.paint(rng(seed), layout)[40:80, 40:88] for seed in (1, 2))
    assert np.abs(one - other).max() > 0.2


def test_every_thing_has_a_painter():
    assert list(PAINTERS) == list(THINGS)


def test_thing_stays_within_its_radius():
    y, x = (np.mgrid[:121, :121] - 60) / 40  # from -1.5 to 1.5
    outside = np.maximum(np.abs(x), np.abs(y)) > 1.13
    for painter in PAINTERS.values():
        for seed in range(5):
            for distance, _ in painter(rng(seed), x, y, np.ones(3)):
                assert (distance[outside] > 0).all(), painter.__name__


@pytest.mark.parametrize("distance", [circle, ellipse, box, polygon, line])
def test_distances_change_sign_at_the_edge(distance):
    """At points whose distance to the edge is known by hand: middle of the form, on the edge, one beyond it."""
    arguments = {
        circle: (0, 0, 2),
        ellipse: (0, 0, 2, 1),
        box: (0, 0, 2, 1),
        polygon: ([(-2, -1), (2, -1), (2, 1), (-2, 1)],),
        line: (0, 0, 1, 0, 1),
    }[distance]
    x, y = np.array([0.0, 2.0, 3.0]), np.zeros(3)
    inside, edge, beyond = distance(x, y, *arguments)
    assert inside <= 0
    assert edge == pytest.approx(0, abs=1e-6)
    assert beyond == pytest.approx(1, rel=0.5 if distance is ellipse else 1e-6)  # an ellipse's is nearly so
