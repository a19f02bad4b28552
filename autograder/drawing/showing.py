"""What `draw` shows: two pictures side by side and a sentence on them, and a bar while they are drawn."""

from dataclasses import dataclass, field

import keras
import numpy as np

# Relative L2 error up to which two latents show the same picture: the two forms of GELU come to a hundredth of it.
SAME = 0.05


@dataclass
class Drawing:
    """What `draw` shows.

    Args:
        prompt: what was drawn.
        mine: the picture of the learner's blocks, uint8 `(128, 128, 3)`, or of the network with something switched off;
            None if none of their blocks could be used.
        reference: the reference's picture.
        used: names of the learner's blocks in `mine`.
        error: relative L2 error of `mine`'s latent, or None.
        different: names of the blocks that compute something else.
        notes: what else should be said, a line each.
        without: what was switched off or, in their own blocks, left out on purpose, in words.
        doubts: the questions whose last check called a block in `mine` wrong.
    """

    prompt: str
    mine: np.ndarray | None
    reference: np.ndarray
    used: tuple[str, ...] = ()
    error: float | None = None
    different: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    without: str = ""
    doubts: tuple[str, ...] = ()

    @property
    def same(self):
        """Whether both pictures are the same."""
        return self.error is not None and self.error <= SAME

    @property
    def titles(self):
        """What the two pictures are, `mine` first."""
        if self.without and self.used:
            return f"yours: {listed(self.used)}, without {self.without}", "the reference's, which is whole"
        if self.without:
            return f"without {self.without}", "the whole network"
        return f"yours: {listed(self.used)}", "the reference's"

    @property
    def verdict(self):
        """One sentence: whether the pictures agree, and if not, because of which block."""
        if self.error is None:
            return ""
        verb = "computes" if len(self.different) == 1 else "compute"
        different = f"your {listed(self.different)} {verb} something else than the reference's"
        if self.without:
            text = f"Nearly the same picture without {self.without} (relative error of the latent {self.error:.1g})."
            if not self.same:
                text = f"Without {self.without} the latent is another one (relative error {self.error:.1g})."
            return f"{text} Besides, {different}." if self.different else text
        names = listed(self.used)
        if self.same and self.doubts:
            return (
                f"The same picture (relative error {self.error:.1g}), and yet something is wrong, says the check of "
                f"{listed(self.doubts)}. Both hold: with these weights and sizes it hardly shows."
            )
        if self.same:
            return f"The same picture: in it your {names} and the reference's agree (relative error {self.error:.1g})."
        if self.different:
            return f"Another picture: {different}."
        return f"Another picture (relative error {self.error:.1g}), though each of your blocks alone agrees."


def show(drawing):
    """Shows a drawing as a figure: the learner's picture beside the reference's."""
    import matplotlib.pyplot as plt

    figure = make_figure(drawing)
    if plt.get_backend().lower() != "agg":  # which has no screen
        plt.show()
    plt.close(figure)


def make_figure(drawing):
    """The matplotlib figure of a drawing."""
    import matplotlib.pyplot as plt

    mine, reference = drawing.titles
    panels = [(reference, drawing.reference)]
    if drawing.mine is not None:
        panels.insert(0, (mine, drawing.mine))
    figure, axes = plt.subplots(1, len(panels), figsize=(3.2 * len(panels), 3.6), layout="constrained", squeeze=False)
    for axis, (title, picture) in zip(axes[0], panels, strict=True):
        axis.imshow(picture)
        axis.set_title(title, fontsize=9, wrap=True)
        axis.set_axis_off()
    figure.suptitle(drawing.prompt, fontsize=10)
    if drawing.verdict:
        figure.supxlabel(drawing.verdict, fontsize=9, wrap=True)
    return figure


def listed(names):
    names = list(names)
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


class Bar:
    """A progress bar in a terminal or a notebook."""

    def __init__(self, total):
        self.total, self.done = total, 0
        self.bar = self._start()
        self.bar.update(0)  # seen while the blocks are put in their places

    def _start(self):
        return keras.utils.Progbar(self.total, unit_name="step")

    def __call__(self):
        if not self.done:
            self.bar = self._start()  # the time left is told by the steps alone
        if self.done < self.total - 1:  # the last belongs to `finish`; a block that fails half way is drawn again
            self.done += 1
            self.bar.update(self.done)

    def finish(self):
        self.bar.update(self.total, finalize=True)
