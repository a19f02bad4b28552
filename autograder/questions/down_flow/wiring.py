"""The way down in parts, so that a mistake can put another part in one place."""

from typing import Any

from autograder.reference.unet import transformer


class Down:
    """`down_flow` as an object: called like it, made of methods that `wired` replaces."""

    pairs, levels = 2, 4

    def __call__(self, latent, t_emb, context, blocks):
        self.t_emb, self.context, self.blocks, self.widths = t_emb, context, blocks, blocks.channels
        self.outputs: list[Any] = []
        x = self.start(latent)
        for level in range(self.levels):
            for i in range(self.pairs):
                x = self.pair(x, level, i)
            if level < 3:
                x = self.shrink(x, level)
        return self.result(x, self.outputs)

    def start(self, latent):
        return self.keep(self.blocks.PaddedConv2D(self.widths[0], 3, padding=1)(latent))

    def pair(self, x, level, i):
        x = self.look(x, level, i)
        return self.keep(self.attend(x, level) if level < 3 else x)

    def look(self, x, level, i):
        return self.blocks.ResBlock(self.widths[level])([x, self.t_emb])

    def attend(self, x, level):
        return transformer(self.widths[level], self.blocks)([x, self.context])

    def shrink(self, x, level):
        return self.keep(self.blocks.PaddedConv2D(self.widths[level], 3, padding=1, strides=2)(x))

    def keep(self, x):
        self.outputs.append(x)
        return x

    def result(self, x, outputs):
        return x, outputs


def wired(**parts):
    """A way down with other parts: functions take the `Down` first, numbers are its settings."""
    return type("down_flow", (Down,), parts)()
