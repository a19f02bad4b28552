"""The practice world: captions, pictures painted by code, and the reading of pictures without a network."""

import numpy as np
import pytest

from autograder.small_model.painting import to_uint8
from autograder.small_model.practice import PROMPTS, shapes
from autograder.small_model.practice.template_matching import NOTHING, count_right, read_shapes


def rng(seed=7):
    return np.random.default_rng(seed)


def picture_of(text, seed=0):
    return to_uint8(shapes.paint_shapes(rng(seed), shapes.parse([text])))[0]


def test_captions_parse_back_to_their_scenes():
    scenes = shapes.draw_scenes(rng(), 200)
    found = shapes.parse(shapes.captions(scenes))
    for name in ("colours", "shapes", "grounds"):
        np.testing.assert_array_equal(getattr(found, name), getattr(scenes, name))


def test_every_visible_scene_comes_up_and_no_other():
    texts = set(shapes.captions(shapes.draw_scenes(rng(), 3000)))
    assert len(texts) == (6 * 4 - 2) * 4  # blue is no shape's colour on blue, nor white on white
    assert not [text for text in texts if text.split()[1] == text.split()[4]]


def test_scenes_and_pictures_are_the_same_from_the_same_seed_only():
    one, same, other = (shapes.captions(shapes.draw_scenes(rng(seed), 50)) for seed in (1, 1, 2))
    assert one == same != other
    one, same, other = (picture_of("a red circle on blue", seed) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_tokenize_fills_up_with_zero_and_keeps_order():
    tokens = shapes.tokenize(["a red circle on blue", ""])
    assert tokens.shape == (2, shapes.MAX_TEXT_LENGTH)
    assert [shapes.WORDS[i] for i in tokens[0]] == ["a", "red", "circle", "on", "blue"]
    assert not tokens[1].any()


def test_tokenize_lists_the_words_there_are():
    with pytest.raises(ValueError, match="pink") as error:
        shapes.tokenize(["a pink circle"])
    assert all(word in str(error.value) for word in shapes.WORDS)


def test_tokenize_refuses_a_caption_that_is_too_long():
    with pytest.raises(ValueError, match=r"5 words.*6"):
        shapes.tokenize(["a " * 6])


@pytest.mark.parametrize("text", ["", "red circle", "a red circle", "a circle red on blue", "a red circle of blue"])
def test_parse_refuses_what_is_no_caption(text):
    with pytest.raises(ValueError, match="A prompt must be like"):
        shapes.parse([text])


def test_picture_has_the_colours_of_its_caption():
    picture = picture_of("a red circle on blue")
    assert (picture.shape, picture.dtype) == ((64, 64, 3), "uint8")
    assert tuple(picture[32, 32]) == shapes.COLOUR_VALUES["red"]
    assert tuple(picture[0, 0]) == tuple(picture[63, 63]) == shapes.COLOUR_VALUES["blue"]


@pytest.mark.parametrize(("shape", "share"), [("circle", 3.14), ("square", 2.89), ("triangle", 1.80), ("cross", 2.20)])
def test_shapes_cover_their_area(shape, share):
    """Areas in radii squared: pi; 1.7²; 2 · 1.8 / 2; two bars of 2 x 0.66 less their crossing 0.66²."""
    scene, radius = shapes.parse([f"a white {shape} on black"]), 13.7
    picture = to_uint8(shapes.paint_at(scene, np.array([[30.4, 33.1]]), np.array([radius])))[0]
    low, high = shapes.COLOUR_VALUES["black"][0], shapes.COLOUR_VALUES["white"][0]
    covered = ((picture[..., 0].astype(float) - low) / (high - low)).sum()
    # 4 %: edges are a straight-line approximation over one pixel
    assert covered == pytest.approx(share * radius**2, rel=0.04)


def test_edges_are_smooth():
    assert len(np.unique(picture_of("a white circle on black")[..., 0])) > 10


def test_shapes_stay_inside_the_picture_and_in_range():
    scenes = shapes.draw_scenes(rng(3), 300)
    pictures = shapes.paint_shapes(rng(3), scenes)
    assert pictures.dtype == "float32"
    assert -1 <= pictures.min() < pictures.max() <= 1
    edge = np.ones((64, 64), bool)
    edge[4:-4, 4:-4] = False
    assert (pictures[:, edge] == pictures[:, :1, 0]).all()  # all of one ground


def test_reading_tells_what_was_painted():
    scenes = shapes.draw_scenes(rng(), 200)
    seen = read_shapes(to_uint8(shapes.paint_shapes(rng(), scenes)))
    for name in ("colours", "shapes", "grounds"):
        np.testing.assert_array_equal(getattr(seen, name), getattr(scenes, name))


def test_reading_bears_noise_and_finds_nothing_in_noise_alone():
    scenes = shapes.draw_scenes(rng(), 100)
    pictures = shapes.paint_shapes(rng(), scenes) + 0.1 * rng().normal(size=(100, 64, 64, 3))
    seen = read_shapes(to_uint8(pictures))
    assert np.mean([seen.shapes == scenes.shapes, seen.colours == scenes.colours]) > 0.97
    noise = read_shapes(to_uint8(rng().normal(size=(50, 64, 64, 3))))
    assert (noise.shapes == NOTHING).all()
    assert (read_shapes(np.zeros((1, 64, 64, 3), "uint8")).colours == NOTHING).all()  # a ground and nothing on it


def test_counts_are_of_the_prompts_own_pictures():
    pictures = to_uint8(shapes.paint_shapes(rng(), shapes.parse(PROMPTS)))
    assert count_right(PROMPTS, pictures) == {"ground": 6, "colour": 6, "shape": 6}
    asked = [PROMPTS[0], *PROMPTS[2:], PROMPTS[1]]  # the others have another's picture
    assert count_right(asked, pictures) == {"ground": 2, "colour": 1, "shape": 1}  # the last ground is white, too
