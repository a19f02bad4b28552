"""`run_pipeline` and `run_text_block`: a learner's functions of exercise 12 in trained networks."""

import numpy as np
import pytest
from keras import ops

import autograder
from autograder.drawing import pipeline as room
from autograder.drawing.pipeline import run_pipeline, run_text_block
from autograder.questions import find
from autograder.reference import start_from_picture
from autograder.sitting import checks
from autograder.small_model.model import decode, sample_latents
from autograder.small_model.pipeline import latent_factor, load_networks, noise_and_timesteps, text_to_picture
from tests.questions.slips import answer_with

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # a layer is built when it is called
PROMPT = "a red house left of a white tree by day"


@pytest.fixture(autouse=True)
def shown(monkeypatch):
    """What is shown, in place of figures."""
    drawings = []
    monkeypatch.setattr(room, "show", drawings.append)
    return drawings


@pytest.fixture(scope="module")
def own():
    """The solution's objects, by question."""
    questions = ("text-to-picture", "start-from-picture", "text-block")
    return {question: answer_with(find(question), []) for question in questions}


def test_pipeline_draws_what_the_small_model_draws():
    noise, timesteps = noise_and_timesteps(seed=3, steps=4)
    picture = text_to_picture(PROMPT, "", noise, timesteps, 4.0, load_networks())
    expected = decode(sample_latents([PROMPT], seed=3, steps=4))
    assert np.abs(255 * ops.convert_to_numpy(picture) - expected).max() < 1


def test_encoder_and_decoder_meet_at_the_factor():
    """What is encoded and scaled is what the UNet knows: of variance 1."""
    networks = load_networks()
    pictures = np.random.default_rng(0).uniform(-1, 1, (2, 128, 128, 3)).astype("float32")
    latent = networks.encoder(pictures) * networks.factor
    again = networks.encoder(np.asarray(networks.decoder(latent / networks.factor)))
    assert latent.shape == again.shape == (2, 16, 16, 4)
    assert networks.factor == latent_factor() > 0


def test_run_pipeline_says_that_the_pictures_are_the_same(own, shown):
    drawn = run_pipeline(own["text-to-picture"], PROMPT, seed=1, steps=2)
    assert drawn.shape == (1, 128, 128, 3)
    assert "The same picture" in shown[-1].verdict
    run_pipeline(own["text-to-picture"], PROMPT, "a blue boat in snow", own["start-from-picture"], drawn, 0.5, steps=4)
    assert "The same picture" in shown[-1].verdict


def test_run_pipeline_shows_a_wrong_picture_as_another(own, shown):
    swapped = own["text-to-picture"]
    run_pipeline(lambda prompt, negative, *rest: swapped(negative, prompt, *rest), PROMPT, steps=2)
    assert "Another picture" in shown[-1].verdict


def test_run_pipeline_explains_what_cannot_be(own):
    drawing = own["text-to-picture"]
    with pytest.raises(ValueError, match="your function"):
        run_pipeline("a red house", PROMPT)
    with pytest.raises(ValueError, match="Received: None"):
        run_pipeline(drawing, PROMPT, start_from_picture=start_from_picture)
    with pytest.raises(ValueError, match="needs `start_from_picture`"):
        run_pipeline(drawing, PROMPT, picture=np.zeros((1, 128, 128, 3)))
    with pytest.raises(ValueError, match=r"\(1, H, W, 3\)"):
        run_pipeline(drawing, PROMPT, start_from_picture=start_from_picture, picture=np.zeros((128, 128, 3)))
    with pytest.raises(ValueError, match="dragon"):
        run_pipeline(drawing, "a red dragon", steps=2)


def test_run_text_block_puts_the_weights_where_they_belong(own, capsys):
    run_text_block(own["text-block"], "a red house by day", "a red tree by day")
    said = capsys.readouterr().out
    assert said.startswith("The same context as the reference's")
    changes = [float(line.rpartition(" ")[2]) for line in said.splitlines()[1:]]
    assert len(changes) == 22
    assert changes[:3] == [0.0, 0.0, 0.0]  # the start, "a" and "red", which do not see what comes after them
    assert min(changes[3:]) > 0


def test_run_text_block_says_that_a_block_is_wrong(capsys):
    question = find("text-block")
    run_text_block(answer_with(question, [", attention_mask=causal_mask(x.shape[1])", ""]), "a red house", "a red tree")
    assert "Another context" in capsys.readouterr().out


def test_without_trained_weights_it_is_said_that_there_are_none(own, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(room, "FOLDER", tmp_path)
    assert run_pipeline(own["text-to-picture"], PROMPT) is None
    run_text_block(own["text-block"], "a red house", "a red tree")
    drawn, read = capsys.readouterr().out.splitlines()
    assert drawn.startswith("Nothing is drawn")
    assert read.startswith("Nothing is read")
    assert "make train" in drawn
    assert "make train" in read


def test_they_are_there_while_a_notebook_is_graded(capsys):
    assert {"run_pipeline", "run_text_block"} <= set(autograder.__all__)
    assert checks.run_pipeline("anything") is checks.run_text_block() is None
    assert "graded" in capsys.readouterr().out
