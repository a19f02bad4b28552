"""What is private to other libraries is where the adapters look for it; else this says which version has moved it."""

import inspect
from importlib.metadata import version
from types import SimpleNamespace

import keras
import pytest
from keras import ops

from autograder.adapters import backend, ipython_parts, keras_parts, nbgrader_parts, tensorflow_parts

ON_TENSORFLOW = pytest.mark.skipif(backend.name() != "tensorflow", reason="private to TensorFlow")


def moved(library, what):
    return f"{what} is not where autograder/adapters looks for it in {library} {version(library)}"


def test_keras_layer_is_built_by_running_once():
    class Counted(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.dense, self.runs = keras.layers.Dense(3), 0

        def call(self, x):
            self.runs += 1
            return self.dense(x)

    layer, x = Counted(), ops.ones((2, 4))
    with keras_parts.built_by_running(layer):
        layer(x)
    assert layer.runs == 1, moved("keras", "`Layer._maybe_build`")
    assert len(layer.weights) == 2
    assert layer.built
    with pytest.raises(ValueError, match="already built"):
        layer.another = keras.layers.Dense(3)
    layer(x)
    assert layer.runs == 2


@ON_TENSORFLOW
def test_tensorflow_shows_its_operations():
    seen = []
    with tensorflow_parts.operations_seen(lambda kind, *_, **__: seen.append(kind)):
        ops.tanh(ops.ones((2,)))
    before = len(seen)
    ops.tanh(ops.ones((2,)))
    assert "Tanh" in seen, moved("tensorflow", "`add_op_callback`")
    assert len(seen) == before, moved("tensorflow", "`remove_op_callback`")


@ON_TENSORFLOW
def test_tensorflow_has_switches_for_its_numpy_behaviour():
    switches = tensorflow_parts.numpy_switches()
    assert len(switches) == 2, moved("tensorflow", "what `enable_numpy_behavior` sets")
    assert [getattr(module, name) for module, name, *_ in switches] == [off for *_, off, _ in switches]


@ON_TENSORFLOW
def test_tensorflow_has_a_table_of_gradients_and_a_lean_graph_leaves_nothing_in_it():
    from tensorflow import function, nn
    from tensorflow.config import optimizer

    table, silu = tensorflow_parts.gradient_table(), nn.silu
    assert "MatMul" in table, moved("tensorflow", "`gradient_registry`")
    before, option = set(table), optimizer.get_experimental_options()[tensorflow_parts.GRAPPLER_OFF]
    with tensorflow_parts.lean_graphs():
        assert nn.silu is silu
        assert optimizer.get_experimental_options()[tensorflow_parts.GRAPPLER_OFF]
        function(lambda x: ops.silu(x))(ops.ones((2,)))
        assert set(table) > before, moved("tensorflow", "silu's own gradient; if it has none now, nothing need be done")
    assert set(table) == before
    assert optimizer.get_experimental_options()[tensorflow_parts.GRAPPLER_OFF] == option


@ON_TENSORFLOW
def test_program_can_be_differentiated_while_it_lives_and_leaves_nothing_behind():
    from tensorflow import GradientTape

    table = tensorflow_parts.gradient_table()
    before, x = set(table), ops.ones((2,))
    program = backend.compiled(lambda x: ops.silu(x))
    with tensorflow_parts.lean_graphs():  # as in a drawing
        program(x)
    with GradientTape() as tape:
        tape.watch(x)
        y = program(x)
    slope = ops.sigmoid(x) * (1 + x * (1 - ops.sigmoid(x)))
    assert abs(ops.convert_to_numpy(tape.gradient(y, x) - slope)).max() < 1e-6
    assert set(table) > before
    del program
    assert set(table) == before


@ON_TENSORFLOW
def test_tensorflow_program_is_known_as_one():
    from tensorflow import function

    assert tensorflow_parts.is_compiled(function(lambda x: x)), moved("tensorflow", "the class of `tf.function`")
    assert not tensorflow_parts.is_compiled(keras.layers.Dense(2).call)


def test_compiled_function_computes_the_same_on_any_backend():
    x = ops.arange(4, dtype="float32")
    with backend.lean_graphs(), backend.plain_attention():
        assert ops.convert_to_numpy(backend.compiled(lambda x: 2 * x + 1)(x)).tolist() == [1, 3, 5, 7]


def test_nbgrader_says_which_pass_it_is_in():
    from nbgrader.converters import Autograde

    assert "self._sanitizing = True" in inspect.getsource(Autograde), moved("nbgrader", "`Autograde._sanitizing`")
    assert "self._sanitizing = False" in inspect.getsource(Autograde), moved("nbgrader", "`Autograde._sanitizing`")
    converter = Autograde.__new__(Autograde)
    converter._sanitizing = True
    assert nbgrader_parts.is_first_pass(converter)
    assert not nbgrader_parts.is_first_pass(object())


def test_ipython_has_what_the_exams_shell_replaces():
    from IPython.core.interactiveshell import InteractiveShell

    for name in ("_showtraceback", "_tee", "enable_gui", "init_virtualenv"):
        assert callable(getattr(InteractiveShell, name, None)), moved("IPython", f"`InteractiveShell.{name}`")
    calls = inspect.getsource(InteractiveShell.showtraceback) + inspect.getsource(InteractiveShell.showsyntaxerror)
    assert "self._showtraceback(" in calls, moved("IPython", "the call of `_showtraceback`")
    assert "_render_traceback_" in inspect.getsource(InteractiveShell), moved("IPython", "`_render_traceback_`")


@pytest.mark.parametrize("allowed", [True, False])
def test_kernel_remembers_whether_its_frontend_can_be_asked(allowed):
    from ipykernel.ipkernel import IPythonKernel

    assert IPythonKernel._allow_stdin.default_value is False, moved("ipykernel", "`Kernel._allow_stdin`")
    assert "self._allow_stdin = allow_stdin" in inspect.getsource(IPythonKernel), moved("ipykernel", "its setting")
    shell = SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=allowed))
    assert ipython_parts.asks_for_input(shell) is allowed
    assert not ipython_parts.asks_for_input(None)
