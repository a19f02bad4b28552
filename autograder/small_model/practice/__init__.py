"""What a learner trains in five minutes: a small UNet, and the world of flat shapes that it learns to draw."""

from autograder.small_model.practice.practising import (
    PROMPTS,
    Batches,
    Practice,
    World,
    build_unet,
    clean_latents,
    draw_practice,
    make_world,
    practise,
)
from autograder.small_model.practice.shape_autoencoder import COMMAND, PARTS
from autograder.small_model.practice.template_matching import count_right, read_shapes

__all__ = [
    "COMMAND",
    "PARTS",
    "PROMPTS",
    "Batches",
    "Practice",
    "World",
    "build_unet",
    "clean_latents",
    "count_right",
    "draw_practice",
    "make_world",
    "practise",
    "read_shapes",
]
