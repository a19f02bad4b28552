"""The judge's labels, its reading of maps, and the marks of what it read."""

import numpy as np
import pytest

from autograder.small_model.batches import labels_of
from autograder.small_model.judging import Seen, mark, read_pictures
from autograder.small_model.language import COLOURS, GROUNDS, THINGS, draw_scenes, parse
from autograder.small_model.painting import lay_out


class PerfectJudge:
    """Answers with the labels of the layouts it was given, as logits."""

    def __init__(self, layouts):
        labels = labels_of(layouts)
        self.maps = {"centre": np.where(labels["centre"] == 1, 9.0, 9 * labels["centre"] - 10)[..., None]}
        for name, words in (("thing", THINGS), ("colour", COLOURS), ("ground", GROUNDS)):
            self.maps[name] = 9.0 * np.eye(len(words))[np.maximum(labels[name], 0)]
        self.maps["radius"] = labels["radius"][..., None]

    def predict_on_batch(self, pictures):
        return {name: array[pictures] for name, array in self.maps.items()}


def test_reading_of_labels_gives_the_scenes_back():
    rng = np.random.default_rng(3)
    layouts = [lay_out(rng, scene) for scene in draw_scenes(rng, 150, "all")]
    for layout, (seen, ground) in zip(layouts, read_pictures(PerfectJudge(layouts), np.arange(150), 40), strict=True):
        assert all(mark(layout.scene, seen, ground).values())
        assert ground == layout.ground


def seen(name="house", colour="red", x=30, y=60, radius=18):
    return Seen(name, colour, x, y, radius)


TREE = seen("tree", "blue", 90, 66, 13)
CAPTION = parse("a red house left of a small blue tree by day")


@pytest.mark.parametrize("order", [1, -1])
def test_right_picture_is_right_in_whatever_order_it_is_read(order):
    assert mark(CAPTION, [seen(), TREE][::order], "day")["right"]


@pytest.mark.parametrize(
    ("things", "ground", "wrong"),
    [
        ([seen(colour="green"), TREE], "day", {"things", "relations", "sizes"}),
        ([seen()], "day", {"things", "relations", "sizes"}),
        ([seen(), TREE, seen("sun", "red", 60, 20)], "day", {"things", "relations", "sizes"}),
        ([seen(x=120), TREE], "day", {"relations"}),
        ([seen(x=80, y=20), TREE], "day", {"relations"}),  # more above than left
        ([seen(), seen("tree", "blue", 90, 66, 18)], "day", {"sizes"}),
        ([seen(), TREE], "snow", {"ground"}),
    ],
)
def test_wrong_picture_is_wrong_where_it_is(things, ground, wrong):
    marks = mark(CAPTION, things, ground)
    assert {name for name, right in marks.items() if not right} == wrong | {"right"}


def test_unsaid_ground_and_size_may_be_any():
    assert mark(parse("a red house"), [seen(radius=26)], "sea")["right"]


def test_labels_lie_around_the_middle_of_each_thing():
    rng = np.random.default_rng(4)
    (scene,) = draw_scenes(rng, 1, "all", shares=(1, 0, 0))
    layout = lay_out(rng, scene)
    labels = labels_of([layout])
    row, column = int(layout.places[0].y / 8), int(layout.places[0].x / 8)
    assert labels["centre"][0, row, column] == 1 == labels["centre"].max()
    asked = np.argwhere(labels["thing"][0] >= 0)
    assert np.abs(asked - (row, column)).max() == 1
    assert labels["radius"][0, row, column] == pytest.approx(np.log(layout.places[0].radius), rel=1e-6)
