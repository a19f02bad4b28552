"""`check` as a learner meets it: silent on stderr, None when right, a `CheckFailed` that says what is wrong."""

import functools
import re
import sys
import warnings

import keras
import numpy as np
import pytest
from keras import ops

from autograder.exam import CheckFailed, Verdict, check, make_paper
from autograder.exam.marking import Marker
from autograder.questions import find
from autograder.questions.resblock import broadcast_embedding
from autograder.reference import GEGLU, ResBlock
from autograder.sitting.run import sit


def failure(question_id, learner_object):
    with pytest.raises(CheckFailed) as caught:
        check(question_id, learner_object)
    return caught.value


def test_check_right_answer_returns_none_and_prints(capfd):
    assert check("broadcast-embedding", broadcast_embedding) is None
    out, err = capfd.readouterr()
    assert "broadcast-embedding" in out
    assert err == ""


def test_check_holds_back_stderr_of_a_right_answer(capfd):
    def noisy(embeddings):
        warnings.warn("a library's warning", stacklevel=1)
        print("more noise", file=sys.stderr)
        return broadcast_embedding(embeddings)

    check("broadcast-embedding", noisy)
    out, err = capfd.readouterr()
    assert err == ""
    assert "more noise" in out


class InNumPy(keras.layers.Layer):
    """A right GEGLU, and no layer of a model."""

    def __init__(self, output_dim):
        super().__init__()
        self.dense = keras.layers.Dense(2 * output_dim)

    def call(self, inputs):
        value, gate = np.split(np.asarray(ops.convert_to_numpy(self.dense(inputs))), 2, axis=-1)
        return value * ops.convert_to_numpy(ops.gelu(gate))


def test_check_advises_where_a_right_layer_runs_on_arrays_only(capfd):
    check("geglu", InNumPy)
    out, err = capfd.readouterr()
    assert "geglu: right" in out
    assert "Advice" in out
    assert "np.asarray(ops.convert_to_numpy(self.dense(inputs)))" in out
    assert err == ""


def test_check_gives_no_advice_where_a_layer_runs_on_symbols(capfd):
    check("geglu", GEGLU)
    assert "Advice" not in capfd.readouterr().out


def test_check_refuses_a_list_around_a_layers_tensor():
    class Listed(GEGLU):
        def call(self, inputs):
            return [super().call(inputs)]

    assert "a list with one tensor in it was returned" in str(failure("geglu", Listed))


def test_check_refuses_a_list_around_what_a_function_returns():
    def listed(image, desired, alpha):
        return [image - alpha * (image - desired)]

    assert "a list with one tensor in it was returned" in str(failure("denoise-step", listed))
    assert "a list with one number in it was returned" in str(failure("remaining-error", lambda a, n: [(1 - a) ** n]))


def test_check_wrong_answer_names_the_mistake_in_the_last_line():
    error = failure("broadcast-embedding", lambda e: e[:, :, None, None])
    assert str(error).splitlines()[-1] == "Mistake: embedding-axes-last"
    assert error.verdict.mistake == "embedding-axes-last"


def test_check_untouched_stub_says_so():
    def stub(embeddings):
        raise NotImplementedError("write your answer here")

    error = failure("broadcast-embedding", stub)
    assert "not written yet" in str(error)
    assert error.verdict.mistake is None


def test_check_exception_shows_the_learners_own_line():
    def broken(embeddings):
        return embeddings + undefined_name  # noqa: F821

    text = str(failure("broadcast-embedding", broken))
    assert "NameError" in text
    assert "return embeddings + undefined_name" in text


def said(error, line):
    """What a failed check says in the line of this name."""
    (found,) = re.findall(rf"^  {line}: +(.*)$", str(error), re.MULTILINE)
    return found


@pytest.mark.parametrize(
    ("answer", "received", "cause"),
    [
        (None, "TypeError while it was constructed: 'NoneType' object is not callable", "Something is None"),
        (7, "TypeError while it was constructed: 'int' object is not callable", "Your code raised the error"),
        ("ResBlock", "TypeError while it was constructed: 'str' object is not callable", "Your code raised the error"),
        (keras.layers.Dense, "ValueError while it ran: ", "A list of tensors is used as if it were one"),
        (lambda dim: None, "TypeError while it was constructed: ResBlock(...) must make a keras", "Your code raised"),
        (lambda: None, "TypeError while it was constructed: <lambda>() takes 0", "`__init__` takes other arguments"),
    ],
    ids=["nothing", "a number", "a text", "another layer", "makes nothing", "takes nothing"],
)
def test_check_objects_of_another_kind_fail_with_a_reason(answer, received, cause):
    error = failure("resblock-same", answer)
    assert said(error, "Received").startswith(received)
    assert said(error, "Cause").startswith(cause)


@pytest.mark.parametrize(
    ("value", "received", "cause"),
    [
        (None, "nothing was returned (None)", "A tensor was expected."),
        ("text", "<U4 ()", "The output is text, no tensor."),
        ({"a": 1}, "object ()", "The output is no tensor."),
        ([np.zeros(2), None], "float64 (2,); object ()", "2 outputs were returned where 1 output"),
    ],
)
def test_check_outputs_that_are_no_tensor_fail_with_a_reason(value, received, cause):
    error = failure("broadcast-embedding", lambda e: value)
    assert said(error, "Received").startswith(received)
    assert said(error, "Cause").startswith(cause)


def test_check_system_exit_is_a_wrong_answer():
    def leaves(embeddings):
        sys.exit("bye")

    assert "SystemExit" in str(failure("broadcast-embedding", leaves))


def test_check_nan_is_wrong():
    assert not verdict_on("broadcast-embedding", lambda e: broadcast_embedding(e) * float("nan")).passed


def test_check_expected_values_never_show():
    cases = sit(marker("resblock-same").paper, ResBlock, base_only=True).cases
    wrong = verdict_on("resblock-same", lambda dim: Tripled(dim))
    assert re.search(r"\d\.\d", wrong.message)  # it tells numbers: what was received
    for case in cases:
        assert tells(wrong.message, case.runs["base"][0]) == []


@pytest.mark.parametrize("form", ["{:.3g}", "{:.2e}", "{:.3f}", "{:.6f}", "{}", "{:+.4f}", "-{:.4f}"])
def test_check_expected_values_would_be_found_in_any_form(form):
    expected = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    for value in (expected.std(), expected[0, 0], expected.max()):
        assert tells(f"  Cause: it should be {form.format(abs(value))}, in 12 of 64.", expected)
    assert not tells("  Cause: it is 3.21e+02 in 12 of 64.", expected)


def tells(message, expected):
    """The numbers in a message that are near one that an expected output has, in whatever form they are written."""
    statistics = (expected.mean(), expected.std(), expected.max(), expected.min(), np.abs(expected).mean())
    values = np.abs([*statistics, np.linalg.norm(expected), *expected.flat[:3], *expected.flat[-3:]])
    told = [abs(float(number)) for number in re.findall(r"[-+]?\d+\.\d+(?:e[-+]?\d+)?", message)]
    return [number for number in told if np.min(np.abs(values - number) / values) < 6e-3]


class Tripled(ResBlock):
    """Wrong in a way the catalogue does not know."""

    def call(self, inputs):
        return 3 * super().call(inputs)


class WithBias(ResBlock):
    """One weight too many, with an effect."""

    def build(self, input_shape):
        super().build(input_shape)
        self.extra = self.add_weight(shape=(11,), name="extra")

    def call(self, inputs):
        return super().call(inputs) + self.extra[0]


class LastItemWrong(ResBlock):
    def call(self, inputs):
        y = super().call(inputs)
        return keras.ops.concatenate([y[:-1], 2 * y[-1:]])


@functools.cache
def marker(question_id) -> Marker:
    question = find(question_id)
    return Marker(question, make_paper(question, 5))


def verdict_on(question_id, answer) -> Verdict:
    return marker(question_id).mark(sit(marker(question_id).paper, answer))


def test_unnamed_mistake_gives_the_relative_error():
    verdict = verdict_on("resblock-same", Tripled)
    assert verdict.mistake is None
    assert "relative" in verdict.message


def test_unnamed_mistake_extra_weight_gives_the_arithmetic():
    assert "+11" in verdict_on("resblock-same", WithBias).message


def test_unnamed_mistake_tells_which_batch_item_differs():
    assert "only batch items 1 of 2 differ" in verdict_on("resblock-same", LastItemWrong).message


def test_paper_same_seed_same_numbers_other_seed_other_numbers():
    question = find("resblock-same")
    one, same, other = (make_paper(question, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.cases[0].inputs["x"], same.cases[0].inputs["x"])
    assert one.keys == same.keys != other.keys
    assert not np.array_equal(one.cases[0].inputs["x"], other.cases[0].inputs["x"])


def test_paper_unknown_scale_is_an_error():
    with pytest.raises(ValueError, match="huge"):
        make_paper(find("resblock-same"), 0, "huge")


def test_check_works_out_right_objects_and_mistakes_once_a_session(monkeypatch):
    """A second try, after a mistake was mended, does not wait for them again."""
    sat = []
    monkeypatch.setattr("autograder.exam.marking.sit", lambda *a, **k: sat.append(a) or sit(*a, **k))
    sys.modules["autograder.exam.checking"]._marker.cache_clear()
    failure("broadcast-embedding", lambda embeddings: embeddings[:, None])
    before = len(sat)
    assert before
    check("broadcast-embedding", lambda embeddings: embeddings[:, None, None])
    failure("broadcast-embedding", lambda embeddings: embeddings[:, None])
    assert len(sat) == before
