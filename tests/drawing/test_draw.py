"""`draw`: learners' blocks in the trained UNet. With random weights, as what is drawn does not matter here."""

import gc
import re

import keras
import numpy as np
import pytest
from keras import ops

from autograder import reference
from autograder.drawing import draw as drawing
from autograder.drawing.assembly import Mixed, mix
from autograder.drawing.mixing import BlockError, Mine, random_inputs
from autograder.drawing.showing import make_figure
from autograder.exam.comparing import relative_error
from autograder.sitting import stand_ins
from autograder.small_model.ddim import with_eps
from autograder.small_model.model import load_unet, trained_unet
from autograder.small_model.programs import Compiled, CompiledUNet
from autograder.small_model.switchboard import Switches
from tests.drawing import blocks as mine

PROMPT = "a red house left of a white tree by day"
# float32 through a whole UNet, another order of sums; the exact GELU costs 1.5e-4 (FACTS of the reference's numerics).
CLOSE = 2e-3


@pytest.fixture(scope="module")
def trained(random_folder):
    return trained_unet(random_folder)


def error_of(learner, trained):
    """How far the mixed UNet's output is from the trained one's, and what was found out about the blocks."""
    mixed = mix(learner, trained)
    inputs = random_inputs([tensor.shape[1:] for tensor in trained.inputs])
    return relative_error(*(ops.convert_to_numpy(unet(inputs)) for unet in (mixed.unet, trained))), mixed


@pytest.mark.parametrize(
    "names",
    [
        ("ResBlock",),
        ("CrossAttention",),
        ("GEGLU",),
        ("td_dot",),
        ("PaddedConv2D", "TimeEmbedding", "Upsample"),
        ("down_flow", "middle_flow", "up_flow", "exit_flow"),
        ("up_flow", "ResBlock", "Upsample"),
        ("build_unet", "ResBlock", "CrossAttention"),
    ],
)
def test_mix_of_right_blocks_computes_what_the_trained_unet_does(names, trained):
    error, mixed = error_of({name: getattr(mine, name) for name in names}, trained)
    assert error < CLOSE
    assert not mixed.notes
    assert all(found < CLOSE for found in mixed.errors.values())


@pytest.mark.parametrize(
    ("name", "block"),
    [("ResBlock", mine.NoShortcut), ("CrossAttention", mine.Unscaled)],
)
def test_mix_with_a_wrong_block_computes_something_else(name, block, trained):
    error, mixed = error_of({name: block}, trained)
    assert error > 10 * CLOSE
    assert mixed.errors[name] > 10 * CLOSE


def test_mix_takes_a_unet_that_was_tried_before_it_was_returned(trained):
    def tried(*arguments):
        unet = mine.build_unet(*arguments)
        unet([ops.zeros((1, *tensor.shape[1:])) for tensor in unet.inputs])
        return unet

    error, mixed = error_of({"build_unet": tried, "ResBlock": mine.ResBlock}, trained)
    assert error < CLOSE
    assert mixed.errors["build_unet"] < CLOSE


def test_mix_notices_a_block_that_a_flow_uses_twice(trained):
    error, _ = error_of({"middle_flow": mine.shared_middle_flow}, trained)
    assert error > 3 * CLOSE  # the middle sees 4 pixels of 256: what it does moves the output little


def test_mix_makes_a_learners_layer_once_for_all_places_that_are_alike(trained):
    class Counted(mine.ResBlock):
        made = 0

        def __init__(self, output_dim):
            Counted.made += 1
            super().__init__(output_dim)

    error, _ = error_of({"ResBlock": Counted}, trained)
    assert error < CLOSE
    assert Counted.made < 15  # of 22 places 11 differ in size or width; where weights are told apart it is made again


def test_mix_puts_real_blocks_in_place_of_stand_ins(trained):
    class Block(reference.BasicTransformerBlock):
        """As in exercise 05, whose notebook has no CrossAttention yet."""

        attention = stand_ins.CrossAttention

    error, _ = error_of({"BasicTransformerBlock": Block}, trained)
    assert error < CLOSE


def test_mix_leaves_the_trained_unet_as_it_was(trained):
    before = [ops.convert_to_numpy(weight) for weight in trained.weights]
    mix({"ResBlock": mine.NoShortcut, "exit_flow": mine.exit_flow}, trained)
    for weight, value in zip(trained.weights, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(weight), value)


@pytest.mark.parametrize(
    ("block", "text"),
    [(mine.Unwritten, "not written"), (mine.Failing, r"return inputs\[0\] @ inputs\[1\]"), (mine.Narrow, "32")],
)
def test_mix_says_which_block_cannot_be_used_and_why(block, text, trained):
    with pytest.raises(BlockError, match=text) as caught:
        mix({"ResBlock": block}, trained)
    assert caught.value.name == "ResBlock"


def test_mix_says_what_a_flow_must_return(trained):
    with pytest.raises(BlockError, match="down_flow must return"):
        mix({"down_flow": lambda latent, t_emb, context, blocks: latent}, trained)


def test_mix_with_eps_is_the_unet_that_draws(random_folder, trained):
    inputs = random_inputs([tensor.shape[1:] for tensor in load_unet(random_folder).inputs])
    unets = load_unet(random_folder), with_eps(mix({"ResBlock": mine.ResBlock}, trained).unet)
    assert relative_error(*(ops.convert_to_numpy(unet(inputs)) for unet in unets)) < CLOSE


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only TensorFlow makes such graphs")
def test_drawing_again_keeps_nothing_of_the_drawing_before(make, trained):
    from tensorflow import __internal__ as tensorflow_parts

    kinds = (tensorflow_parts.FuncGraph, Compiled, CompiledUNet, Mine, keras.Variable)

    def left():
        gc.collect()
        things = [type(thing) for thing in gc.get_objects()]
        return [sum(issubclass(thing, kind) for thing in things) for kind in kinds]

    make(ResBlock=mine.ResBlock)
    before = left()
    make(ResBlock=mine.ResBlock)
    assert [now > then for now, then in zip(left(), before, strict=True)] == [False] * 5  # older drawings may go late
    alive = with_eps(mix({"ResBlock": mine.ResBlock}, trained).unet)
    assert [now > then for now, then in zip(left()[1:], before[1:], strict=True)] == [True] * 4  # it would be seen
    assert before[0] > 0  # the reference's graphs
    assert alive is not None


@pytest.fixture(scope="module")
def make(random_folder):
    return lambda **learner: drawing.make_drawing(PROMPT, learner, drawing.Settings(steps=3), folder=random_folder)


def test_drawing_of_right_blocks_is_the_same_picture(make):
    made = make(ResBlock=mine.ResBlock, ddim_step=reference.ddim_step)
    assert made.error < CLOSE
    assert (made.used, made.different, made.notes) == (("ResBlock", "ddim_step"), (), [])
    assert np.abs(made.mine.astype(int) - made.reference).max() <= 2  # of 255
    assert "same picture" in made.verdict
    assert "wrong" not in made.verdict
    made.doubts = ("resblock-project",)
    assert "same picture" in made.verdict
    assert "the check of resblock-project" in made.verdict


def test_drawing_names_the_wrong_one_of_several_blocks(make):
    made = make(ResBlock=mine.ResBlock, CrossAttention=mine.Unscaled, guided_eps=lambda u, c, s: u + (s + 1) * (c - u))
    assert made.different == ("CrossAttention", "guided_eps")
    assert "CrossAttention and guided_eps" in made.verdict
    assert not np.array_equal(made.mine, made.reference)


def test_drawing_goes_on_without_blocks_that_fail(make):
    made = make(ResBlock=mine.Failing, GEGLU=mine.Unwritten, Upsample=mine.Upsample)
    assert made.used == ("Upsample",)
    assert made.error < CLOSE
    assert len(made.notes) == 2


def test_drawing_without_a_usable_block_is_the_reference_alone(make):
    pytest.importorskip("matplotlib")
    made = make(ResBlock=mine.Unwritten)
    assert made.mine is None
    assert made.reference.shape == (128, 128, 3)
    assert len(make_figure(made).axes) == 1


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch's numbers are always a graph's")
def test_drawing_runs_code_that_only_knows_numbers(make):
    made = make(ResBlock=mine.NumpyOnly)
    assert made.used == ("ResBlock",)
    assert made.error < CLOSE


def test_drawing_takes_the_learners_own_sampling(make):
    made = make(sample=reference.sample, initial_noise=reference.initial_noise, timestep_embedding=_embedding)
    assert made.error < CLOSE
    assert made.used == ("sample", "initial_noise", "timestep_embedding")


def _embedding(timesteps, dim=320, max_period=10000):
    angles = np.asarray(timesteps)[:, None] / max_period ** (np.arange(dim // 2) / (dim // 2))
    return keras.ops.convert_to_tensor(np.concatenate([np.cos(angles), np.sin(angles)], axis=1).astype("float32"))


def test_drawing_says_where_the_learners_sampling_failed(make):
    def sample(*arguments):
        return arguments[99]

    made = make(sample=sample)
    assert made.mine is None
    assert "return arguments[99]" in made.notes[0]


def test_draw_lists_the_names_of_blocks():
    with pytest.raises(ValueError, match=r"CrossAttention.*Resblock"):
        drawing.make_drawing(PROMPT, {"Resblock": mine.ResBlock})


def test_draw_shows_the_picture_and_says_what_failed(random_folder, monkeypatch, capsys):
    shown = []
    monkeypatch.setattr(drawing, "show", shown.append)
    monkeypatch.setattr(drawing, "FOLDER", random_folder)
    drawing.draw(PROMPT, steps=2, ResBlock=mine.Unwritten)
    assert shown[0].prompt == PROMPT
    assert "ResBlock is not written yet" in capsys.readouterr().out


def test_drawing_without_a_part_stands_beside_the_whole_networks(random_folder):
    pytest.importorskip("matplotlib")
    settings = drawing.Settings(steps=2, without=Switches.of("skips"))
    made = drawing.make_drawing(PROMPT, {}, settings, folder=random_folder)
    whole = drawing.make_drawing(PROMPT, {}, drawing.Settings(steps=2), folder=random_folder)
    np.testing.assert_array_equal(made.reference, whole.reference)
    assert made.mine.shape == whole.reference.shape
    assert made.error > 0.05
    assert "Without skips" in made.verdict
    assert [axis.get_title() for axis in make_figure(made).axes] == ["without skips", "the whole network"]


def test_drawing_without_a_part_takes_no_blocks(random_folder):
    settings = drawing.Settings(steps=2, without=Switches.of("skips"))
    with pytest.raises(ValueError, match=r"skips.*ResBlock"):
        drawing.make_drawing(PROMPT, {"ResBlock": mine.ResBlock}, settings, folder=random_folder)


def without_the_largest(x, outputs, *told):
    """Never called here."""


without_the_largest.without = "the largest maps"


def test_drawing_tells_what_a_block_leaves_out_on_purpose_from_what_is_wrong(random_folder, monkeypatch):
    errors = {}

    def own_latent(job):  # as if the two pictures had been drawn
        job.mixed = Mixed(None, errors)
        return np.ones_like(job.noise)

    monkeypatch.setattr(drawing._Job, "_own_latent", own_latent)
    monkeypatch.setattr(drawing._Job, "_reference_latent", lambda job: np.zeros_like(job.noise) + 0.5)
    blocks = {"up_flow": without_the_largest, "ResBlock": mine.ResBlock}
    for error, different in ((0.0, ()), (0.3, ("ResBlock",))):
        errors["ResBlock"] = error
        made = drawing.make_drawing(PROMPT, blocks, folder=random_folder)
        assert made.different == different
        assert made.titles[0] == "yours: up_flow and ResBlock, without the largest maps"
        assert made.verdict.startswith("Without the largest maps the latent is another one")
        assert ("your ResBlock computes something else" in made.verdict) == bool(different)
        assert "up_flow" not in made.verdict


BAD = {"steps": (0, 2.5, True, 1001), "scale": ("4", None, float("nan")), "seed": (-1, "0", None)}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_draw_explains_values_that_cannot_be(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be") as error:
        drawing.draw(PROMPT, **{name: value})
    assert f"{name}={value!r}" in str(error.value)


@pytest.mark.parametrize("make", [lambda: None, lambda: 3, lambda: mine.ResBlock(64)], ids=["None", "number", "layer"])
def test_draw_explains_what_is_no_block(make):
    block = make()
    with pytest.raises(ValueError, match="ResBlock=" + re.escape(repr(block))):
        drawing.make_drawing(PROMPT, {"ResBlock": block})


def test_draw_asks_for_the_name_of_a_block():
    with pytest.raises(ValueError, match="ResBlock=ResBlock"):
        drawing.draw(PROMPT, mine.ResBlock)


def test_draw_lists_what_can_be_switched_off(capsys):
    drawing.draw(PROMPT, without="?")
    assert "cross-attention" in capsys.readouterr().out
