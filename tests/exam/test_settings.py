"""Whatever a learner sets, accepted answers run under the course's settings, and the learner's is named if it is the
cause."""

import dataclasses

import keras
import pytest
from keras import ops

from autograder.exam.marking import AcceptedAnswerFailed, Marker
from autograder.exam.paper_from_seed import make_paper
from autograder.exam.sheet_reader import read_sheet
from autograder.questions import find
from autograder.questions.resblock import broadcast_embedding
from autograder.reference import ResBlock
from autograder.sitting.answer_sheet import write_sheet
from autograder.sitting.keras_settings import COURSE, Settings, current, under
from autograder.sitting.run import sit

SETTINGS = {
    "mixed_bfloat16": Settings(policy="mixed_bfloat16"),
    "mixed_float16": Settings(policy="mixed_float16"),
    "float64": Settings(policy="float64", floatx="float64"),
    "channels_first": Settings(data_format="channels_first"),
}


class WrongBlock(keras.layers.Layer):
    """No residual, ReLU, Keras' default epsilon; plain Keras layers, which follow the settings."""

    def __init__(self, output_dim):
        super().__init__()
        self.n1, self.n2 = keras.layers.GroupNormalization(), keras.layers.GroupNormalization()
        self.c1, self.c2 = (keras.layers.Conv2D(output_dim, 3, padding="same") for _ in range(2))
        self.d = keras.layers.Dense(output_dim)

    def call(self, inputs):
        x, t = inputs
        h = self.c1(ops.relu(self.n1(x))) + self.d(ops.relu(t))[:, None, None]
        return self.c2(ops.relu(self.n2(h)))


class RightBlock(WrongBlock):
    def __init__(self, output_dim):
        super().__init__(output_dim)
        self.n1, self.n2 = (keras.layers.GroupNormalization(epsilon=1e-5) for _ in range(2))

    def call(self, inputs):
        x, t = inputs
        h = self.c1(ops.silu(self.n1(x))) + self.d(ops.silu(t))[:, None, None]
        return x + self.c2(ops.silu(self.n2(h)))


def fresh(question_id):
    question = find(question_id)
    return Marker(question, make_paper(question, 5))


@pytest.mark.parametrize("name", ["mixed_bfloat16", "mixed_float16", "channels_first"])
def test_marking_names_the_setting_and_nothing_sticks(name):
    marker = fresh("resblock-same")
    with under(SETTINGS[name]):
        verdict = marker.mark(sit(marker.paper, RightBlock))
        assert current() == SETTINGS[name]
    assert not verdict.passed
    assert verdict.mistake is None
    assert name in verdict.message.partition("Cause:")[2]
    assert marker.mark(sit(marker.paper, RightBlock)).passed


def test_marking_takes_a_right_answer_in_float64():
    marker = fresh("resblock-same")
    with under(SETTINGS["float64"]):
        assert marker.mark(sit(marker.paper, RightBlock)).passed


def test_marking_calls_no_wrong_answer_right_under_channels_first():
    marker = fresh("resblock-same")
    with under(SETTINGS["channels_first"]):
        assert not marker.mark(sit(marker.paper, WrongBlock)).passed


@pytest.mark.parametrize("name", SETTINGS)
def test_marking_leaves_a_setting_alone_that_is_not_the_cause(name):
    marker = fresh("broadcast-embedding")
    with under(SETTINGS[name]):
        assert marker.mark(sit(marker.paper, broadcast_embedding)).passed
        verdict = marker.mark(sit(marker.paper, lambda e: e[:, :, None, None]))
    assert verdict.mistake == "embedding-axes-last"
    assert name not in verdict.message


@pytest.mark.parametrize("name", SETTINGS)
def test_marking_right_answers_are_right_though_the_grader_itself_is_set_otherwise(name):
    """As by a `keras.json` in the instructor's home."""
    marker = fresh("resblock-project")
    answer = sit(marker.paper, ResBlock)
    with under(SETTINGS[name]):
        assert marker.mark(answer).passed


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's own setting")
def test_marking_under_numpy_behaviour_is_as_without():
    marker = fresh("resblock-same")
    with under(Settings(numpy_behavior=True)):
        right, wrong = (marker.mark(sit(marker.paper, block)) for block in (RightBlock, WrongBlock))
    assert right.passed
    assert not wrong.passed


def test_marking_accepted_answer_that_raises_is_never_agreement_nor_kept():
    working = fresh("broadcast-embedding")

    def fails(embeddings):
        return ops.matmul(embeddings, embeddings[:, :2])

    marker = Marker(dataclasses.replace(working.question, accepted=(fails,)), working.paper)
    with pytest.raises(AcceptedAnswerFailed, match="broadcast-embedding"):
        marker.mark(sit(marker.paper, fails))
    marker.question = working.question
    assert marker.mark(sit(marker.paper, broadcast_embedding)).passed


def test_sheet_carries_the_settings_and_believes_only_known_ones(tmp_path):
    paper = fresh("broadcast-embedding").paper
    answer = sit(paper, broadcast_embedding)
    path = tmp_path / "sheet.safetensors"
    for settings, read in [
        (SETTINGS["mixed_float16"], SETTINGS["mixed_float16"]),
        (Settings(policy="Mistake: forged"), COURSE),
        (Settings(floatx=["float32"]), COURSE),
        (Settings(numpy_behavior=1), COURSE),
    ]:
        answer.settings = settings
        write_sheet(path, answer)
        assert read_sheet(path, paper).settings == read
        assert read_sheet(path, paper).cases[0].error is None
