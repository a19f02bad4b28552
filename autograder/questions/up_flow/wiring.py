"""The middle and the way up in parts, so that a mistake can put another part in one place."""

import keras

from autograder.reference.unet import transformer


class Up:
    """`up_flow` as an object: called like it, made of methods that `wired` replaces."""

    blocks_a_level, levels = 3, (3, 2, 1, 0)

    def __call__(self, x, outputs, t_emb, context, blocks):
        self.t_emb, self.context, self.blocks, self.outputs = t_emb, context, blocks, list(outputs)
        self.widths = blocks.channels
        for level in self.levels:
            for i in range(self.blocks_a_level):
                x = self.step(x, level, i)
            x = self.close(x, level)
        return x

    def step(self, x, level, i):
        x = self.look(self.join(x, self.take()), level, i)
        return self.attend(x, level) if level < 3 else x

    def take(self):
        return self.outputs.pop()

    def join(self, x, skip):
        return keras.layers.Concatenate()([x, skip])

    def look(self, x, level, i):
        return self.blocks.ResBlock(self.widths[level])([x, self.t_emb])

    def attend(self, x, level):
        return transformer(self.widths[level], self.blocks)([x, self.context])

    def close(self, x, level):
        return self.enlarge(x, level) if level > 0 else x

    def enlarge(self, x, level):
        return self.blocks.Upsample(self.widths[level])(x)


def wired(**parts):
    """A way up with other parts: functions take the `Up` first, numbers are its settings."""
    return type("up_flow", (Up,), parts)()


def middle(wire):
    """A middle of the right parts, wired by `wire(x, look, attend)`, both called on a feature map."""

    def middle_flow(x, t_emb, context, blocks):
        width = blocks.channels[3]

        def look(x):
            return blocks.ResBlock(width)([x, t_emb])

        def attend(x):
            return transformer(width, blocks)([x, context])

        return wire(x, look, attend)

    return middle_flow
