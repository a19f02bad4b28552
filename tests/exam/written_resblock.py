"""A right ResBlock as a learner may write it, a step a line, for tests that put a slip into its text."""

RESBLOCK = """
class ResBlock(keras.layers.Layer):
    def __init__(self, output_dim):
        super().__init__()
        self.norm1 = layers.GroupNormalization(epsilon=1e-5)
        self.norm2 = layers.GroupNormalization(epsilon=1e-5)
        self.conv1 = layers.Conv2D(output_dim, 3, padding="same")
        self.conv2 = layers.Conv2D(output_dim, 3, padding="same")
        self.dense = layers.Dense(output_dim)

    def call(self, inputs):
        x, t_emb = inputs
        h = self.conv1(ops.silu(self.norm1(x)))
        e = self.dense(ops.silu(t_emb))[:, None, None]
        h = h + e
        return x + self.conv2(ops.silu(self.norm2(h)))
"""
