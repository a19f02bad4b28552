"""The small model's language: words, scenes, what is held out."""

import numpy as np
import pytest

from autograder.small_model import captions as language


def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("kind", ["training", "held-out", "pairs", "all"])
def test_captions_parse_back_to_their_scenes(kind):
    scenes = language.draw_scenes(rng(), 100, kind)
    for i, text in enumerate(language.captions(scenes)):
        found = language.parse(text)
        objects = 2 if scenes.relations[i] else 1
        assert found.relations[0] == scenes.relations[i]
        np.testing.assert_array_equal(found.colours[0, :objects], scenes.colours[i, :objects])
        np.testing.assert_array_equal(found.shapes[0, :objects], scenes.shapes[i, :objects])
        assert found.said[0] == scenes.said[i]
        assert not scenes.said[i] or found.backgrounds[0] == scenes.backgrounds[i]


def test_training_scenes_hold_nothing_held_out():
    scenes = language.draw_scenes(rng(), 2000)
    texts = " / ".join(language.captions(scenes))
    for colour, shape in language.HELD_OUT_PAIRS:
        assert f"{colour} {shape}" not in texts
    unseen = set(language.captions(language.draw_scenes(rng(), 300, "held-out")))
    assert not unseen & set(texts.split(" / "))


def test_every_colour_and_shape_is_seen_in_training():
    scenes = language.draw_scenes(rng(), 2000)
    assert len(np.unique(language.pair_codes(scenes)[:, 0])) == 6 * 4 - len(language.HELD_OUT_PAIRS)


def test_held_out_scenes_are_held_out_however_they_are_said():
    scenes = language.draw_scenes(rng(), 500, "all", two_objects=1.0)
    said_otherwise = language.Scenes(
        colours=scenes.colours[:, ::-1],
        shapes=scenes.shapes[:, ::-1],
        relations=np.array([0, 2, 1, 4, 3])[scenes.relations],
        backgrounds=scenes.backgrounds,
        said=scenes.said,
    )
    held_out = language.is_held_out(scenes)
    np.testing.assert_array_equal(held_out, language.is_held_out(said_otherwise))
    assert 0.06 < held_out.mean() < 0.2  # one in HELD_OUT_SHARE = 8


def test_scenes_are_the_same_from_the_same_seed_only():
    one, same, other = (language.draw_scenes(np.random.default_rng(seed), 50) for seed in (1, 1, 2))
    assert language.captions(one) == language.captions(same) != language.captions(other)


def test_scenes_show_what_they_say():
    scenes = language.draw_scenes(rng(), 1000, "all")
    for text in language.captions(scenes):
        words = text.split()
        if words[-2] == "on":
            assert words[-1] not in words[:-1]  # an object of the background's colour would not show


def test_draw_scenes_refuses_an_unknown_kind():
    with pytest.raises(ValueError, match=r"held-out.*'test'"):
        language.draw_scenes(rng(), 1, "test")


def test_tokenize_fills_up_with_zero_and_keeps_order():
    tokens = language.tokenize(["A red circle, on blue.", ""])
    assert tokens.shape == (2, language.MAX_TEXT_LENGTH)
    assert [language.WORDS[i] for i in tokens[0] if i] == ["a", "red", "circle", "on", "blue"]
    assert not tokens[1].any()


def test_tokenize_lists_the_words_there_are():
    with pytest.raises(ValueError, match="pink") as error:
        language.tokenize(["a pink circle"])
    assert all(word in str(error.value) for word in language.WORDS)


def test_tokenize_refuses_a_caption_that_is_too_long():
    with pytest.raises(ValueError, match=r"10 words.*11"):
        language.tokenize(["a " * 11])


@pytest.mark.parametrize("text", ["", "red circle", "a red circle above", "a red circle a blue square", "a a red"])
def test_parse_refuses_what_is_no_caption(text):
    with pytest.raises(ValueError, match="A prompt must be like"):
        language.parse(text)
