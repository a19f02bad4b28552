"""What training sees: pictures with their labels, and latents with their captions.

Shapes: B pictures of a batch, H W C sides and channels of a latent, T tokens, G cells along a side of a picture (16).
"""

from pathlib import Path

import keras
import numpy as np

from autograder.small_model.language import COLOURS, GROUNDS, THINGS, draw_scenes, tokenize
from autograder.small_model.networks import CELLS
from autograder.small_model.painting import SIDE, Layout, lay_out, paint

SHARD = 2048  # latents of a file
_IN_FILES = {"float32": "float16", "float16": "float16", "int32": "int8"}  # to save room: every label is small
_IN_MEMORY = {"float16": "float32", "int8": "int32"}


def paint_scenes(rng: np.random.Generator, scenes) -> tuple[list[Layout], np.ndarray]:
    """Lays scenes out and paints them: layouts, and float32 pictures `(B, 128, 128, 3)`."""
    layouts = [lay_out(rng, scene) for scene in scenes]
    return layouts, np.stack([paint(rng, layout) for layout in layouts])


def labels_of(layouts: list[Layout]) -> dict[str, np.ndarray]:
    """What the judge should read.

    Returns:
        Dict of `centre` float32 `(B, G, G)`, 1 in the cell of a thing's middle and falling off around it; `thing` and
        `colour` int32 `(B, G, G)`, -1 where nothing is asked; `radius` float32 `(B, G, G)`, logarithms; `ground` int32
        `(B,)`.
    """
    shape = (len(layouts), CELLS, CELLS)
    labels = {"centre": np.zeros(shape, "float32"), "radius": np.zeros(shape, "float32")}
    labels |= {name: np.full(shape, -1, "int32") for name in ("thing", "colour")}
    rows, columns = np.mgrid[:CELLS, :CELLS] + 0.5
    for i, layout in enumerate(layouts):
        for thing, place in zip(layout.scene.things, layout.places, strict=True):
            x, y = place.x * CELLS / SIDE, place.y * CELLS / SIDE
            row, column = int(y), int(x)
            away = (rows - row - 0.5) ** 2 + (columns - column - 0.5) ** 2
            labels["centre"][i] = np.maximum(labels["centre"][i], np.exp(-away / 2))
            near = away <= 2  # the cell and its eight neighbours
            labels["thing"][i][near], labels["colour"][i][near] = THINGS.index(thing.name), COLOURS.index(thing.colour)
            labels["radius"][i][near] = np.log(place.radius)
    grounds = [list(GROUNDS).index(layout.ground) for layout in layouts]
    return labels | {"ground": np.array(grounds, "int32")}


class PictureBatches(keras.utils.PyDataset):
    """Batches `first` to `first + count - 1` of an endless series of painted pictures; batch i depends on `seed` and i.

    Args:
        seed: list of ints.
        first, count: which batches.
        batch_size: pictures in a batch.
        kind: which scenes, see `scenes.draw_scenes`.
        labelled: whether the judge's labels come along.
    """

    def __init__(self, seed, first, count, batch_size, kind="training", labelled=False):
        super().__init__()
        self.seed, self.first, self.count = list(seed), first, count
        self.batch_size, self.kind, self.labelled = batch_size, kind, labelled

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        rng = np.random.default_rng([*self.seed, self.first + index])
        layouts, pictures = paint_scenes(rng, draw_scenes(rng, self.batch_size, self.kind))
        batch = {"picture": pictures} | (labels_of(layouts) if self.labelled else {})
        return batch, np.zeros(self.batch_size, "float32")


class LatentShards:
    """Latents of painted pictures with their captions, in files that are made when they are first asked for.

    Args:
        folder: where the files are kept.
        encoder: makes latents of pictures.
        seed: list of ints; what shard i holds depends on it, on i and on the encoder.
        count: how many shards there are; shard `count` is shard 0 again.
        size: latents of a shard.
    """

    def __init__(self, folder: Path, encoder, seed, count, size=SHARD):
        self.folder, self.encoder, self.seed, self.count, self.size = Path(folder), encoder, list(seed), count, size
        self.folder.mkdir(parents=True, exist_ok=True)
        self.kept: tuple[int, dict[str, np.ndarray]] = (-1, {})

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        """Dict of `latent` float32 `(size, H, W, C)`, `tokens` int32 `(size, T)` and the labels of `labels_of`."""
        index %= self.count
        if self.kept[0] != index:
            path = self.folder / f"latents-{index:04d}.npz"
            if not path.exists():
                self._make(index, path)
            with np.load(path) as arrays:
                read = {name: arrays[name] for name in arrays}
            self.kept = (index, {k: a.astype(_IN_MEMORY.get(a.dtype.name, a.dtype)) for k, a in read.items()})
        return self.kept[1]

    def _make(self, index, path):
        rng = np.random.default_rng([*self.seed, index])
        scenes, layouts, latents = draw_scenes(rng, self.size), [], []
        for start in range(0, self.size, 64):
            laid_out, pictures = paint_scenes(rng, scenes[start : start + 64])
            layouts += laid_out
            latents.append(self.encoder.predict_on_batch(pictures).astype("float16"))
        arrays = {"latent": np.concatenate(latents), "tokens": tokenize([str(scene) for scene in scenes])}
        arrays |= labels_of(layouts)
        unfinished = path.with_suffix(".unfinished.npz")
        small = {name: array.astype(_IN_FILES[array.dtype.name]) for name, array in arrays.items()}
        np.savez(unfinished, **small)  # type: ignore[arg-type]  # numpy's stub takes any keyword for `allow_pickle`
        unfinished.replace(path)


class LatentBatches(keras.utils.PyDataset):
    """Batches of latents, tokens and labels out of shards: each shard, shuffled at each pass, slice by slice.

    Args:
        shards: `LatentShards`.
        first, count: which batches.
        batch_size: latents in a batch.
        lanes: from how many shards batches come in turn, so that as many processes have shards of their own.
    """

    def __init__(self, shards: LatentShards, first, count, batch_size, lanes=1):
        super().__init__()
        self.shards, self.first, self.count, self.batch_size = shards, first, count, batch_size
        self.lanes = lanes

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        number, lane = divmod(self.first + index, self.lanes)
        group, place = divmod(number, self.shards.size // self.batch_size)
        shard = group * self.lanes + lane
        order = np.random.default_rng([*self.shards.seed, 7, shard]).permutation(self.shards.size)
        rows = order[place * self.batch_size : (place + 1) * self.batch_size]
        batch = {name: array[rows] for name, array in self.shards[shard].items()}
        return batch, np.zeros(self.batch_size, "float32")
