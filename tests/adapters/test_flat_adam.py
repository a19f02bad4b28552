"""Adam over one flat vector learns what Keras' own Adam learns, and goes on from its state."""

import keras
import numpy as np
import pytest

from autograder.adapters.backend import make_adam, name

X, Y = np.random.default_rng(0).normal(size=(2, 64, 3)).astype("float32")


class Linear(keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.1 / (1.0 + keras.ops.cast(step, "float32"))


def train(make, steps, state=None):
    """The losses of some steps, and the state after them."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(3)])
    model.build((None, 3))
    optimizer = make()
    optimizer.build(model.trainable_variables)
    model.compile(optimizer, loss="mse")
    variables = [*model.variables, *optimizer.variables]
    for variable, value in zip(variables, state or (), strict=False):
        variable.assign(value)
    losses = [model.train_on_batch(X, Y) for _ in range(steps)]
    return losses, [keras.ops.convert_to_numpy(variable) for variable in variables]


def keras_adam():
    return keras.optimizers.Adam(Linear(), beta_2=0.99, global_clipnorm=0.5)


@pytest.mark.skipif(name() != "torch", reason="it is PyTorch's")
@pytest.mark.parametrize("average", [None, lambda flat: flat])
def test_flat_adam_is_adam(average):
    losses, state = train(lambda: make_adam(Linear(), 0.5, average), 12)
    expected, theirs = train(keras_adam, 12)
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    for mine, other in zip(state, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-3, atol=1e-5)


@pytest.mark.skipif(name() != "torch", reason="it is PyTorch's")
def test_flat_adam_goes_on_from_its_state():
    whole, _ = train(lambda: make_adam(Linear(), 0.5, None), 8)
    _, state = train(lambda: make_adam(Linear(), 0.5, None), 4)
    rest, _ = train(lambda: make_adam(Linear(), 0.5, None), 4, state)
    np.testing.assert_allclose(rest, whole[4:], rtol=1e-5)


@pytest.mark.skipif(name() == "torch", reason="PyTorch shares")
def test_gradients_are_shared_on_pytorch_only():
    with pytest.raises(ValueError, match="PyTorch"):
        make_adam(Linear(), 0.5, lambda flat: flat)
    losses, _ = train(lambda: make_adam(Linear(), 0.5, None), 2)
    np.testing.assert_allclose(losses, train(keras_adam, 2)[0], rtol=1e-5)
