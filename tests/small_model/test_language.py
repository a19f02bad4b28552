"""The small model's language: captions that parse back, tokens, what is held out."""

import dataclasses

import numpy as np
import pytest

from autograder.small_model import language
from autograder.small_model.language import Scene, Thing


def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("kind", language.KINDS)
def test_captions_parse_back_to_their_scenes(kind):
    for scene in language.draw_scenes(rng(), 200, kind):
        assert language.parse(str(scene)) == scene


def test_caption_reads_as_a_sentence():
    things = Thing("house", "red"), Thing("tree", "blue", "small"), Thing("fish", "green")
    scene = Scene(things, ("left", "above"), "night")
    assert str(scene) == "a red house left of a small blue tree and above a green fish at night"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a red hous by day", "does not know: hous"),
        ("a red house left a blue tree", "must be like"),
        ("a house", "must be like"),
        ("red house", "must be like"),
        ("", "must be like"),
        ("a red house by night", "must be like"),
        ("a " * 30, "at most 20 words"),
    ],
)
def test_other_texts_are_refused_with_a_reason(text, reason):
    with pytest.raises(ValueError, match=reason):
        language.parse(text)


def test_tokens_have_a_start_and_an_end():
    tokens = language.tokenize(["", "A red house, by day."])
    words = [[language.WORDS[i] for i in row] for row in tokens]
    assert words[0][:3] == ["<start>", "<end>", ""]
    assert words[1][:8] == ["<start>", "a", "red", "house", "by", "day", "<end>", ""]
    assert tokens.shape == (2, language.MAX_TEXT_LENGTH)


def test_longest_caption_fits():
    longest = max(len(str(scene).split()) for scene in language.draw_scenes(rng(), 3000, "all"))
    assert longest + 2 <= language.MAX_TEXT_LENGTH


def test_training_never_sees_what_is_held_out():
    seen = language.draw_scenes(rng(), 2000)
    assert not any(language.has_unseen_pair(scene) or language.is_held_out(scene) for scene in seen)
    pairs = {(thing.colour, thing.name) for scene in seen for thing in scene.things}
    assert len(pairs) == len(language.COLOURS) * len(language.THINGS) - len(language.UNSEEN_PAIRS)


def test_scene_is_held_out_however_it_is_said():
    held_out = 0
    for scene in language.draw_scenes(rng(), 1000, "all", shares=(0, 1, 0)):
        other = Scene(scene.things[::-1], (language.OPPOSITE[scene.relations[0]],), "sea")
        assert language.is_held_out(scene) == language.is_held_out(other)
        larger = tuple(dataclasses.replace(thing, size="large") for thing in scene.things)
        assert language.is_held_out(scene) == language.is_held_out(dataclasses.replace(scene, things=larger))
        held_out += language.is_held_out(scene)
    assert 60 < held_out < 200  # one in HELD_OUT_SHARE = 8


def test_order_of_two_relations_does_not_matter_for_what_is_held_out():
    for scene in language.draw_scenes(rng(), 300, "all", shares=(0, 0, 1)):
        first, *others = scene.things
        other = Scene((first, *others[::-1]), scene.relations[::-1])
        assert language.is_held_out(scene) == language.is_held_out(other)


def test_scenes_are_the_same_from_the_same_seed_only():
    one, same, other = (language.draw_scenes(np.random.default_rng(seed), 50) for seed in (1, 1, 2))
    assert one == same != other


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind='seen'"):
        language.draw_scenes(rng(), 1, "seen")
