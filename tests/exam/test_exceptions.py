"""Each exception gets its true cause: told from real code that raises it, as a notebook's cells define it."""

import linecache
from itertools import count
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, ops

from autograder.exam.errors import REMARKS, remark_finding
from autograder.exam.sheet_reader import read_sheet
from autograder.sitting.answer_sheet import write_sheet
from autograder.sitting.exceptions import MAX_CALLS, STUB_TEXT
from autograder.sitting.paper import Answer, CaseAnswer, LearnerError
from autograder.sitting.remarks import WITH_NAME
from autograder.sitting.run import sit
from tests.exam.shared_marker import marker
from tests.exam.written_resblock import RESBLOCK

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # a layer is built when it is called, as in a notebook

ROOT = Path(__file__).parents[2]
ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
STUB = f'raise NotImplementedError("{STUB_TEXT}")'
CELLS = count()

ATTENTION = """
def td_dot(a, b):
    return ops.matmul(a, b)

class CrossAttention(keras.layers.Layer):
    def __init__(self, num_heads, head_size):
        super().__init__()
        self.heads, self.size = num_heads, head_size
        self.to_q, self.to_k, self.to_v = (layers.Dense(num_heads * head_size, use_bias=False) for _ in range(3))
        self.out = layers.Dense(num_heads * head_size)

    def call(self, inputs, context=None):
        context = inputs if context is None else context
        q, k, v = self.cut(self.to_q(inputs)), self.cut(self.to_k(context)), self.cut(self.to_v(context))
        scores = td_dot(q, KEYS)
        seen = td_dot(ops.softmax(scores * self.size**-0.5), v)
        return self.out(ops.reshape(ops.transpose(seen, (0, 2, 1, 3)), (-1, inputs.shape[1], self.heads * self.size)))

    def cut(self, x):
        return ops.transpose(ops.reshape(x, (-1, x.shape[1], self.heads, self.size)), (0, 2, 1, 3))
"""


def defined(source, name):
    """What a cell of this source defines; its lines can be quoted, as a notebook's."""
    file = f"<cell {next(CELLS)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    namespace = {"keras": keras, "layers": layers, "ops": ops, "np": np}
    exec(compile(source, file, "exec"), namespace)
    return namespace[name]


def verdict(question_id, source):
    own = marker(question_id)
    return own.mark(sit(own.paper, defined(source, own.question.name)))


def cause(question_id, source):
    told = verdict(question_id, source)
    (line,) = [line for line in told.message.splitlines() if line.startswith("  Cause:")]
    assert told.mistakes == (), told.message
    return line


def resblock(*substitutions):
    source = RESBLOCK
    for old, new in zip(substitutions[::2], substitutions[1::2], strict=True):
        assert old in source
        source = source.replace(old, new)
    return source


INDENTED = RESBLOCK.partition("    def call")
NESTED = INDENTED[0] + "\n".join("    " + line for line in (INDENTED[1] + INDENTED[2]).splitlines())
OUTDENTED = INDENTED[0] + "\n".join(line[4:] for line in (INDENTED[1] + INDENTED[2]).splitlines())


# ------------------------------------------------------------------------------------------------- not written yet


def test_the_stubs_own_exception_alone_is_not_written_yet():
    assert "not written yet" in verdict("td-dot", f"def td_dot(a, b):\n    '''Multiplies.'''\n    {STUB}\n").message


@pytest.mark.parametrize(
    "body",
    [
        f"{STUB}\n    return ops.matmul(a, b)",
        f"c = ops.matmul(a, b)\n    {STUB}\n    return c",
        f"if True:\n        {STUB}\n        return ops.matmul(a, b)",
    ],
)
def test_code_below_the_stubs_exception_is_told(body):
    told = cause("td-dot", f"def td_dot(a, b):\n    {body}\n")
    assert STUB in told
    assert "delete" in told


@pytest.mark.parametrize("raised", ["NotImplementedError", "NotImplementedError('later')"])
def test_another_text_is_no_untouched_stub(raised):
    message = verdict("td-dot", f"def td_dot(a, b):\n    raise {raised}\n").message
    assert "not written yet" not in message
    assert f"`raise {raised}`" in message


def test_stub_text_is_what_the_exercises_have():
    assert STUB in (ROOT / "nbgrader_config.py").read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------------------- where `call` is


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (resblock("def call", "def cal"), ["`cal`", "no `call`"]),
        (resblock("def call", "def Call"), ["`Call`"]),
        (resblock("def call", "def forward"), ["`forward`"]),
        (NESTED, ["inside `__init__`"]),
        (OUTDENTED, ["outside"]),
        (INDENTED[0], ["no `call`"]),
    ],
    ids=["cal", "Call", "forward", "nested", "outdented", "missing"],
)
def test_a_call_that_keras_does_not_find_is_told(source, words):
    told = cause("resblock-same", source)
    assert [word for word in words if word not in told] == []


@pytest.mark.skipif(not ON_TENSORFLOW, reason="a decorator of TensorFlow's")
def test_a_compiled_call_is_told():
    source = "import tensorflow as tf\n" + resblock("    def call", "    @tf.function\n    def call")
    assert "@tf.function" in cause("resblock-same", source)


def test_an_ordinary_layer_has_no_remark():
    assert sit(marker("resblock-same").paper, defined(RESBLOCK, "ResBlock"), base_only=True).remarks == ()


@pytest.mark.parametrize("word", REMARKS)
def test_every_remark_has_its_words(word):
    error = LearnerError("call", "NotImplementedError", "Layer has no call")
    told = remark_finding(Answer("q", [CaseAnswer(error=error)], remarks=(f"{word} some_name",)))
    assert "call" in told
    assert ("some_name" in told) == (word in WITH_NAME)


def test_a_class_without_call_that_fails_before_is_told_of_that():
    source = "class ResBlock(keras.layers.Layer):\n    def __init__(self):\n        super().__init__()\n"
    assert "`__init__`" in cause("resblock-same", source)


def test_a_class_that_fights_back_has_no_remark():
    class Trap(type(keras.layers.Layer)):
        def __getattribute__(cls, name):
            if name == "call":
                raise SystemExit("no")
            return super().__getattribute__(name)

    class ResBlock(keras.layers.Layer, metaclass=Trap):
        pass

    assert sit(marker("resblock-same").paper, ResBlock, base_only=True).remarks == ()


# ---------------------------------------------------------------------------------------- what says little or nothing


@pytest.mark.parametrize("claim", ["assert x.shape[-1] == 3", "assert x.shape == t_emb.shape, (x.shape, t_emb.shape)"])
def test_an_assertion_of_the_learners_is_told_as_that(claim):
    told = cause("resblock-same", resblock("x, t_emb = inputs", f"x, t_emb = inputs\n        {claim}"))
    assert "assertion of your own" in told
    assert "shapes do not fit" not in told


def test_an_assertion_in_some_sizes_only_is_no_known_mistake():
    """The first case agrees with a mistake of the catalogue; what the second one raises says nothing."""
    claim = "assert x.shape[-1] == 64\n        return"
    told = verdict("resblock-same", resblock("return x +", f"{claim} 3 * x +")).mistakes
    assert told == ()


@pytest.mark.parametrize(
    "body",
    [
        ("x, t_emb = inputs", "x = t_emb = inputs"),
        ("x, t_emb = inputs", "x, t_emb = inputs\n        x = inputs"),
        ("x, t_emb = inputs", "x, t_emb = inputs\n        x = inputs", "self.norm1(x)", "x"),
        ("x, t_emb = inputs", "x, t_emb = inputs\n        x = inputs * 0.5"),
        ("x, t_emb = inputs", "x, t_emb = inputs\n        x = inputs + x"),
    ],
)
def test_a_list_used_whole_is_told(body):
    if not ON_TENSORFLOW and "self.norm1(x)" in body:
        pytest.skip("the words of TensorFlow")
    told = cause("resblock-same", resblock(*body))
    assert "list" in told
    assert "apart" in told


@pytest.mark.parametrize(("module", "words"), [("jaxlib.nothing", ["`jaxlib`", "keras.ops"]), ("nump", ["`nump`"])])
def test_a_module_that_is_missing_is_told(module, words):
    told = cause("td-dot", f"def td_dot(a, b):\n    import {module}\n    return {module}.matmul(a, b)\n")
    assert [word for word in words if word not in told] == []


# ----------------------------------------------------------------------------------------------- the chain of calls


@pytest.mark.skipif(not ON_TENSORFLOW, reason="the words of TensorFlow")
def test_the_call_is_quoted_not_only_the_right_function_that_failed():
    told = verdict("self-attention", ATTENTION.replace("KEYS", "k"))
    assert (
        "`return ops.matmul(a, b)` in td_dot, called by `scores = td_dot(q, k)` in CrossAttention.call" in told.message
    )
    assert told.mistake == "keys-not-transposed"


@pytest.mark.skipif(not ON_TENSORFLOW, reason="the words of TensorFlow")
def test_shapes_that_do_not_fit_point_at_the_call():
    told = cause("self-attention", ATTENTION.replace("KEYS", "ops.concatenate([k, k], axis=-1)"))
    assert "`scores = td_dot(q, ops.concatenate([k, k], axis=-1))`" in told


def test_a_chain_of_calls_is_short():
    deep = "def again(n):\n    return again(n - 1) if n else undefined\n\ndef td_dot(a, b):\n    return again(50)\n"
    own = marker("td-dot")
    error = sit(own.paper, defined(deep, "td_dot")).cases[0].error
    assert error.calls == (("td_dot", "return again(50)"), ("again", "return again(n - 1) if n else undefined"))
    steps = "\n".join(f"def f{i}():\n    return f{i + 1}()" for i in range(9)) + "\ndef f9():\n    return undefined\n"
    error = sit(own.paper, defined(f"{steps}\ndef td_dot(a, b):\n    return f0()\n", "td_dot")).cases[0].error
    assert [function for function, _ in error.calls] == ["f6", "f7", "f8", "f9"]
    assert len(error.calls) == MAX_CALLS


def test_what_is_told_of_an_exception_comes_through_the_answer_sheet(tmp_path):
    own = marker("self-attention")
    for source in (ATTENTION.replace("KEYS", "k"), ATTENTION.replace("def call", "def cal")):
        answer = sit(own.paper, defined(source, "CrossAttention"))
        write_sheet(tmp_path / "sheet", answer)
        read = read_sheet(tmp_path / "sheet", own.paper)
        assert [case.error for case in read.cases] == [case.error for case in answer.cases]
        assert read.remarks == answer.remarks
        assert own.mark(read) == own.mark(answer)
