"""The step of exercise 11, made of the reference's functions."""

import keras
from keras import ops

from autograder.reference.training import drop_text, training_loss


def one_step(world, x0, context, chance):
    batch = ops.shape(x0)[0]
    noise = keras.random.normal(ops.shape(x0), seed=chance)
    timesteps = keras.random.randint((batch,), 0, len(world.alpha_bars), seed=chance)
    dropped = keras.random.uniform((batch,), seed=chance) < 0.1
    unconditional = ops.broadcast_to(world.unconditional, ops.shape(context))
    context = drop_text(ops.convert_to_tensor(context), unconditional, dropped)
    return training_loss(world.unet, x0, noise, timesteps, context, world.alpha_bars, world.embed)
