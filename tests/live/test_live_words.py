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
from autograder.small_model.model import encode_prompts
from autograder.small_model.practice.shapes import WORDS, captions, draw_scenes, parse, tokenize

SEEDS = [*range(40), 1234567, 2**32 - 1, 2**32, 2**40 + 3]
STEPS = [1, 2, 3, 7, 12, 16, 25, 48, 50, 80]  # with 16, 48 and 80 halves are rounded
PROMPTS = ["a red circle", "A white cross, right of a blue square on gray.", "", "green green a"]
WRONG = ["a red dog", "a " * 11, "a red circle"]
SAID = [[], ["a"], ["a", "red"], ["a", "red", "circle"], ["a", "red", "circle", "left"], ["red"]]
COUNT = 1024


@pytest.fixture(scope="module")
def rest(live):
    job = {"seeds": SEEDS, "count": COUNT, "timesteps": [0, 1, 500, 999], "dim": 64, "prompts": PROMPTS}
    job |= {"steps": STEPS, "wrong": WRONG, "said": SAID, "language": live_language()}
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
    assert rest[1]["tokens"] == tokenize(PROMPTS).tolist()
    received = np.stack([rest[0][f"context{i}"] for i in range(len(PROMPTS))])
    np.testing.assert_allclose(received, encode_prompts(PROMPTS), atol=1e-6)


def test_transformer_reads_words_as_the_references_does(live, tmp_path):
    """For a model whose text is read by the reference's text encoder, with a token before and behind the sentence."""
    from autograder.reference import TextEncoder, TextEncoderConfig

    config = TextEncoderConfig(vocabulary=6, length=9, width=48, num_heads=2, layers=2)
    encoder, rng = TextEncoder(config, name="text_encoder"), np.random.default_rng(0)
    for variable in encoder.variables:
        variable.assign(variable + rng.normal(0, 0.3, variable.shape).astype("float32"))
    arrays = {f"text_encoder/{inner_path(encoder, v)}": ops.convert_to_numpy(v) for v in encoder.variables}
    words = ["", "(start)", "(end)", "red", "green", "circle"]
    text = asdict(config) | {"kind": "transformer", "words": words, "frame": [1, 2]}
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


def test_sentence_that_cannot_be_drawn_says_why(rest):
    assert rest[1]["troubles"] == [{"unknown": ["dog"]}, {"most": 10}, None]


def test_next_words_are_those_of_the_language(rest):
    nothing, a, red, circle, left, wrong = map(set, rest[1]["next"])
    assert nothing == {"a"}
    assert a == {"red", "green", "blue", "yellow", "white", "purple"}
    assert red == {"circle", "square", "triangle", "cross"}
    assert circle == {"above", "below", "left of", "right of", "on"}
    assert left == {"of"}
    assert wrong == set()


def test_language_has_the_sentences_of_training_and_no_other_words():
    language = live_language()
    members = {word for choices in language["classes"].values() for choice in choices for word in choice.split()}
    fixed = {word for pattern in language["patterns"] for word in pattern.split()} - set(language["classes"])
    assert members | fixed == set(WORDS) - {""}
    slots = {name: f"({'|'.join(choices)})" for name, choices in language["classes"].items()}
    forms = [" ".join(slots.get(word, word) for word in pattern.split()) for pattern in language["patterns"]]
    met = set()
    for text in captions(draw_scenes(np.random.default_rng(0), 200, "all")):
        fitting = [form for form in forms if re.fullmatch(form, text)]
        assert len(fitting) == 1, text
        met.update(fitting)
    assert met == set(forms)
    for pattern in language["patterns"]:
        parse(" ".join(language["classes"].get(word, [word])[0] for word in pattern.split()))
