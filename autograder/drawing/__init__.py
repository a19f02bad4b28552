"""A learner's blocks in a trained model: `draw` shows what they draw beside the reference's picture."""
