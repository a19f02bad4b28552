"""`train`: a learner's step trains; what cannot be trained with is said, and how."""

import numpy as np
import pytest
from keras import ops

import autograder
from autograder.drawing import train as trainer
from autograder.drawing.train import CannotTrain, train
from autograder.reference.training import eps_from_velocity
from autograder.sitting import checks
from tests.small_model.practice_steps import one_step


@pytest.fixture
def shown(monkeypatch):
    """What is shown, by its titles, in place of figures."""
    titles = []
    monkeypatch.setattr(trainer, "show_pictures", lambda pictures, title, prompts=(): titles.append(title))
    monkeypatch.setattr(trainer, "show_curve", lambda curve: titles.append("curve"))
    return titles


def test_train_shows_pictures_before_and_after_and_the_curve(shown, monkeypatch):
    monkeypatch.setattr(trainer, "draw_practice", lambda world, eps: [])  # has tests of its own
    unet = train(one_step, eps_from_velocity, steps=4)
    assert shown[0] == "before the first step"
    assert shown[1].startswith("after 4 steps; loss ")
    assert shown[-1] == "curve"
    assert unet.count_params() > 0


def test_job_shows_pictures_when_their_share_is_done(shown, monkeypatch):
    monkeypatch.setattr(trainer, "draw_practice", lambda world, eps: [])
    job = trainer._Job(None, None, 600)
    for step in range(50, 601, 50):
        job.report(step, 0.5)
    assert [title.split(";")[0] for title in shown] == ["after 100 steps", "after 200 steps", "after 600 steps"]


def test_job_says_how_long_it_takes(shown, monkeypatch, capsys):
    clock = iter([10.0, 40.0])
    monkeypatch.setattr(trainer.time, "monotonic", lambda: next(clock))
    job = trainer._Job(None, None, 1050)
    job.report(50, 0.9)
    job.report(100, 0.8)  # 50 steps in 30 seconds, 950 are left
    assert "about 9.5 minutes left" in capsys.readouterr().out


def step_in_numpy(world, x0, context, chance):
    loss = one_step(world, x0, context, chance)
    return ops.convert_to_tensor(np.float32(ops.convert_to_numpy(loss)))


def test_train_says_when_gradients_cannot_be_taken(shown):
    with pytest.raises(CannotTrain, match=r"keras\.ops in place of NumPy"):
        train(step_in_numpy, eps_from_velocity, steps=2)


def test_train_raises_a_learners_own_error_as_it_is(shown):
    def step(world, x0, context, chance):
        raise NotImplementedError("write your answer here")

    with pytest.raises(NotImplementedError, match="write your answer here"):
        train(step, eps_from_velocity, steps=2)
    assert shown == []


@pytest.mark.parametrize(
    "loss", [lambda *_: None, lambda world, x0, *_: x0, lambda world, x0, *_: ops.mean(x0, (1, 2, 3))]
)
def test_train_refuses_a_step_that_gives_no_number(shown, loss):
    with pytest.raises(ValueError, match="must return a scalar tensor"):
        train(loss, eps_from_velocity, steps=2)


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"steps": "9"}, {"steps": True}, {"one_step": None}])
def test_train_refuses_arguments_that_cannot_be(wrong):
    arguments = {"one_step": one_step, "eps_from_velocity": eps_from_velocity, "steps": 2} | wrong
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}.*Received"):
        train(**arguments)


def test_train_draws_figures_of_rows_and_of_the_curve(monkeypatch):
    import matplotlib.pyplot as plt

    figures = []
    monkeypatch.setattr(trainer, "_show", figures.append)
    trainer.show_pictures(np.zeros((6, 64, 64, 3), "uint8"), "title", trainer.PROMPTS)
    trainer.show_curve([(50, 0.9), (100, 0.6)])
    assert [len(figure.axes) for figure in figures] == [6, 1]
    for figure in figures:
        plt.close(figure)


def test_train_without_a_decoder_says_how_to_make_one(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(trainer, "PARTS", tmp_path / "parts.safetensors")
    assert train(one_step, eps_from_velocity, steps=2) is None
    assert "python -m autograder.small_model.practice.train_autoencoder" in capsys.readouterr().out


def test_train_of_a_sitting_only_says_that_it_does_not(capsys):
    checks.train(one_step, steps=3000)
    assert "Nothing is trained" in capsys.readouterr().out
    assert "train" in autograder.__all__
