"""What the live UNet does without weights, against NumPy and the package: noise, times, words."""

import json
import re
from dataclasses import asdict

import keras
import numpy as np
import pytest
from keras import ops
from live_weights import live_language
from safetensors.numpy import save_file

from autograder.reference.sampling import timestep_embedding
from autograder.small_model.checkpoints import inner_path
from autograder.small_model.ddim import ddim_timesteps
from autograder.small_model.language import (
    COLOURS,
    END,
    MAX_TEXT_LENGTH,
    START,
    THINGS,
    WORDS,
    draw_scenes,
    parse,
    tokenize,
)
from autograder.small_model.model import encode_prompts

SEEDS = [*range(40), 1234567, 2**32 - 1, 2**32, 2**40 + 3]
STEPS = [1, 2, 3, 7, 12, 16, 25, 48, 50, 80]  # with 16, 48 and 80 halves are rounded
PROMPTS = [
    "a red house",
    "A small white cloud, right of a blue balloon and above a large green tree at sunset.",
    "",
    "green green a",
]
WRONG = ["a red dog", "a " * (MAX_TEXT_LENGTH - 1), "a " * (MAX_TEXT_LENGTH - 2), START]
SAID = [
    "",
    "a",
    "a small",
    "a red",
    "a red house",
    "a red house left",
    "a red house left of a blue fish",
    "a red house left of a blue fish and",
    "a red house by",
    "red",
]
WALKS, LONGEST = 300, 20  # random sentences of the controls, and choices in the longest
EXPONENTS = np.linspace(-80, 80, 1001)
COUNT = 1024


@pytest.fixture(scope="module")
def rest(live):
    job = {"seeds": SEEDS, "count": COUNT, "timesteps": [0, 1, 500, 999], "dim": 64, "prompts": PROMPTS}
    job |= {"steps": STEPS, "wrong": WRONG, "said": [text.split() for text in SAID], "language": live_language()}
    job |= {"walks": np.random.default_rng(0).random((WALKS, LONGEST)).tolist(), "exponents": EXPONENTS.tolist()}
    return live("rest", numbers=np.linspace(-6, 6, 101).tolist(), **job)


def test_noise_is_numpys(rest):
    for seed in SEEDS:
        expected = np.random.default_rng(seed).normal(size=COUNT).astype("float32")
        np.testing.assert_allclose(rest[0][f"noise{seed}"], expected, rtol=1e-6, err_msg=str(seed))
    tails = sum(np.abs(rest[0][f"noise{seed}"]).max() > 3.6541528853610088 for seed in SEEDS)
    assert tails >= 3  # the rare branch was taken


def test_timesteps_are_rounded_as_numpy_does(rest):
    for steps, times in zip(STEPS, rest[1]["times"], strict=True):
        assert times == ddim_timesteps(steps).tolist()


def test_time_is_embedded_as_in_the_course(rest):
    for t in (0, 1, 500, 999):
        expected = ops.convert_to_numpy(timestep_embedding(np.array([t]), 64))[0]
        np.testing.assert_allclose(rest[0][f"embedding{t}"], expected, atol=1e-6)


def test_words_have_their_numbers_and_vectors(rest):
    """The shipped text encoder, which reads from left to right."""
    assert rest[1]["tokens"] == tokenize(PROMPTS).tolist()
    received = np.stack([rest[0][f"context{i}"] for i in range(len(PROMPTS))])
    np.testing.assert_allclose(received, encode_prompts(PROMPTS), atol=1e-5)  # float32, summed in another order


def test_transformer_reads_words_as_the_references_does(live, tmp_path):
    """A model of other sizes and random weights, with a token before and behind the sentence."""
    from autograder.reference import TextEncoder, TextEncoderConfig

    config = TextEncoderConfig(vocabulary=6, length=9, width=48, num_heads=2, layers=2)
    encoder, rng = TextEncoder(config, name="text_encoder"), np.random.default_rng(0)
    for variable in encoder.variables:
        variable.assign(variable + rng.normal(0, 0.3, variable.shape).astype("float32"))
    arrays = {f"text_encoder/{inner_path(encoder, v)}": ops.convert_to_numpy(v) for v in encoder.variables}
    words = ["", "(start)", "(end)", "red", "green", "circle"]
    text = asdict(config) | {"words": words, "frame": [1, 2]}
    save_file(arrays, tmp_path / "weights", {"config": json.dumps({"text": text})})
    prompts = ["red circle", "", "green green red circle circle circle red", "(start) red", "red " * 8]
    seen, answer = live("text", weights=str(tmp_path / "weights"), prompts=prompts)
    numbers = [[words.index(word) for word in ("(start)", *prompt.split(), "(end)")] for prompt in prompts[:3]]
    tokens = np.array([row + [0] * (9 - len(row)) for row in numbers])
    expected = ops.convert_to_numpy(encoder(tokens))
    received = np.stack([seen[f"context{i}"] for i in range(3)])
    np.testing.assert_allclose(received, expected, atol=1e-5)
    assert answer["troubles"] == [None, None, None, {"unknown": ["(start)"]}, {"most": 7}]


def test_gelu_is_kerass_in_both_forms(rest):
    x = np.linspace(-6, 6, 101).astype("float32")
    for name, approximate in (("gelu", False), ("gelu-tanh", True)):
        expected = ops.convert_to_numpy(keras.ops.gelu(x, approximate=approximate))
        np.testing.assert_allclose(rest[0][name], expected, atol=1e-6)


def test_powers_of_e_are_exact_enough(rest):
    np.testing.assert_allclose(rest[0]["exp"], np.exp(EXPONENTS).astype("float32"), rtol=3e-7)
    assert rest[1]["extremes"] == [0, 1, None]  # of -1000, 0 and 1000: JSON writes infinity as null


def test_sentence_that_cannot_be_drawn_says_why(rest):
    assert rest[1]["troubles"] == [{"unknown": ["dog"]}, {"most": MAX_TEXT_LENGTH - 2}, None, {"unknown": [START]}]


# ------------------------------------------------------------------------------------------------------ the language


def test_next_words_are_those_of_the_language(rest):
    found = dict(zip(SAID, map(set, rest[1]["next"]), strict=True))
    grounds = {"by day", "at night", "at sunset", "at sea", "in snow"}
    assert found == {
        "": {"a"},
        "a": {"small", "large", *COLOURS},
        "a small": set(COLOURS),
        "a red": set(THINGS),
        "a red house": {"above", "below", "left of", "right of", *grounds},
        "a red house left": {"of"},
        "a red house left of a blue fish": {"and", *grounds},
        "a red house left of a blue fish and": {"above", "below", "right of"},  # not a second one on the left
        "a red house by": {"day"},
        "red": set(),
    }


def forms():
    """The patterns of the language, with all that their classes allow, as regular expressions."""
    language = live_language()

    def opened(word):
        classes = language["classes"]
        if word not in classes:
            return word
        return f"(?:{'|'.join(' '.join(map(opened, choice.split())) for choice in classes[word])})"

    return [" ".join(map(opened, pattern.split())) for pattern in language["patterns"]]


def is_sentence(text):
    try:
        parse(text)
    except ValueError:
        return False
    return True


def test_sentences_of_the_controls_are_of_the_language(rest):
    """Choices taken at random until there are none, in JavaScript: each end, and each stop that is a sentence."""
    ends, stops, patterns = set(), 0, forms()
    for choices in rest[1]["walks"]:
        assert len(choices) < LONGEST  # it ended by itself
        ends.add(" ".join(choices))
        for count in range(1, len(choices) + 1):
            said = " ".join(choices[:count])
            whole = any(re.fullmatch(form, said) for form in patterns)
            assert is_sentence(said) == whole, said
            stops += whole
    assert all(is_sentence(text) for text in ends)
    assert {len(parse(text).things) for text in ends} == {1, 2, 3}
    assert stops > len(ends) > 0.9 * WALKS


def test_language_has_the_sentences_of_training_and_no_other_words():
    language = live_language()
    phrases = [*language["patterns"], *(choice for choices in language["classes"].values() for choice in choices)]
    words = {word for phrase in phrases for word in phrase.split()} - set(language["classes"])
    assert words == set(WORDS) - {"", START, END}
    met, patterns = set(), forms()
    for scene in draw_scenes(np.random.default_rng(0), 400, "all"):
        fitting = [i for i, form in enumerate(patterns) if re.fullmatch(form, str(scene))]
        assert len(fitting) == 1, scene
        met.update(fitting)
    assert met == set(range(len(patterns)))
