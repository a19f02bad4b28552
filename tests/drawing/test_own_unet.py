"""A learner's blocks in a UNet of any size: a rehearsal in small, then the weights of another in their places."""

import keras
import numpy as np
import pytest
from keras import ops

from autograder.drawing import own_unet as subject
from autograder.drawing.mixing import BlockError, random_inputs
from autograder.drawing.own_unet import own_unet, rehearse
from autograder.exam.comparing import relative_error
from autograder.reference import SD2, DiffusionModelV2, UNetConfig, computing_in, exit_flow

from . import blocks

# Neither the widths of the rehearsal nor its heads, its sides or its tokens
OTHER = UNetConfig(channels=(64, 96, 160, 160), head_size=32, context_dim=48)
NO_BLOCK = {"the UNet"}
SAME = 1e-3  # the learner's GEGLU has the exact form of GELU, the reference's the one with tanh


@pytest.fixture(scope="module")
def trained():
    model = DiffusionModelV2(64, 128, 9, download_weights=False, config=OTHER)
    subject._randomise(model, seed=3)
    return model


def error_of(unet, trained):
    inputs = random_inputs([tensor.shape[1:] for tensor in trained.inputs])
    return relative_error(*(ops.convert_to_numpy(model(inputs)) for model in (unet, trained)))


RIGHT = {
    "ResBlock": blocks.ResBlock,
    "CrossAttention": blocks.CrossAttention,
    "GEGLU": blocks.GEGLU,
    "td_dot": lambda a, b: ops.einsum("bnsd,bndt->bnst", a, b),
    "exit_flow": exit_flow,
}


@pytest.mark.parametrize("names", [(name,) for name in RIGHT] + [tuple(RIGHT)], ids="+".join)
def test_right_blocks_compute_what_the_trained_unet_does(names, trained):
    rehearsal = rehearse({name: RIGHT[name] for name in names})
    assert not rehearsal.notes
    assert max(rehearsal.errors.values()) < SAME
    unet = own_unet(trained, rehearsal)
    assert error_of(unet, trained) < SAME
    assert [tuple(tensor.shape) for tensor in unet.inputs] == [tuple(tensor.shape) for tensor in trained.inputs]


def test_what_is_not_the_learners_is_the_trained_layer_itself(trained):
    unet = own_unet(trained, rehearse({"ResBlock": blocks.ResBlock}))
    assert unet.get_layer("conv_in") is trained.get_layer("conv_in")
    assert unet.get_layer("down0_res0") is not trained.get_layer("down0_res0")


def test_trained_unet_stays_as_it_was(trained):
    before = [ops.convert_to_numpy(weight).copy() for weight in trained.weights]
    own_unet(trained, rehearse(RIGHT))
    assert all(np.array_equal(a, ops.convert_to_numpy(b)) for a, b in zip(before, trained.weights, strict=True))


def test_wrong_block_is_named_and_draws_all_the_same(trained):
    rehearsal = rehearse({"ResBlock": blocks.NoShortcut, "GEGLU": blocks.GEGLU})
    assert rehearsal.errors["ResBlock"] > 0.1
    assert rehearsal.errors["GEGLU"] < SAME
    assert "computes something else" in str(rehearsal)
    assert error_of(own_unet(trained, rehearsal), trained) > 0.1


@pytest.mark.parametrize(
    ("block", "why"),
    [(blocks.Unwritten, "not written yet"), (blocks.Failing, "failed"), (blocks.Narrow, "must return"), (3, "failed")],
)
def test_block_that_cannot_be_used_is_left_out_with_a_note(block, why, trained):
    rehearsal = rehearse({"ResBlock": block, "GEGLU": blocks.GEGLU})
    assert set(rehearsal.blocks) == {"GEGLU"}
    assert why in rehearsal.notes["ResBlock"]
    assert "The reference's takes its place" in str(rehearsal)
    assert error_of(own_unet(trained, rehearsal), trained) < SAME


def test_flow_that_calls_for_too_many_blocks_is_named(trained):
    def down_flow(latent, t_emb, context, blocks):
        for _ in range(4):
            x = blocks.Upsample(64)(latent)
        return x, []

    rehearsal = rehearse({"down_flow": down_flow})
    assert "more blocks of the kind Upsample" in rehearsal.notes["down_flow"]


def test_no_blocks_are_the_trained_unet(trained):
    rehearsal = rehearse({})
    assert set(rehearsal.errors) == NO_BLOCK
    assert error_of(own_unet(trained, rehearsal), trained) == 0


def test_unknown_name_is_an_error():
    with pytest.raises(ValueError, match=r"ResBlock.*Received: Resblock"):
        rehearse({"Resblock": blocks.ResBlock})


def test_another_number_of_weights_at_another_size_is_refused(trained):
    class Fickle(blocks.GEGLU):
        """Makes one weight more where it is wide."""

        def build(self, input_shape):
            if input_shape[-1] == 160:
                self.more = self.add_weight(shape=(1,), name="more")
            super().build(input_shape)

    rehearsal = rehearse({"GEGLU": Fickle})
    with pytest.raises(BlockError, match="GEGLU makes another number of weights"):
        own_unet(trained, rehearsal)


def test_precision_is_that_of_the_trained_unet(trained):
    with computing_in("bfloat16"):
        half = DiffusionModelV2(64, 128, 9, download_weights=False, config=OTHER)
    half.set_weights(trained.get_weights())
    unet = own_unet(half, rehearse({"ResBlock": blocks.ResBlock}))
    layer = unet.get_layer("down0_res0")
    assert {keras.backend.standardize_dtype(weight.dtype) for weight in layer.weights} == {"bfloat16"}
    assert keras.config.dtype_policy().name == "float32"
    inputs = random_inputs([tensor.shape[1:] for tensor in trained.inputs])
    outputs = [ops.convert_to_numpy(ops.cast(model(inputs), "float32")) for model in (unet, half)]
    assert relative_error(*outputs) < 0.1


@pytest.mark.full
def test_right_blocks_draw_with_stable_diffusions_own_widths():
    trained = DiffusionModelV2(64, 64, 77, download_weights=False, config=SD2)
    unet = own_unet(trained, rehearse(RIGHT))
    assert error_of(unet, trained) < SAME
