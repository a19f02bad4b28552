"""Exercise 12: right answers, however they are written, pass; and what the check says fits."""

import keras
import numpy as np
import pytest
from keras import ops

from autograder.exam import make_paper
from autograder.exam.marking import Marker
from autograder.questions import exercises, find
from autograder.sitting import pipeline_stand_ins as given
from autograder.sitting.run import sit
from tests.questions.right_answers import assert_accepted
from tests.questions.slips import answer_with

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # as in test_slips


def verdict_on(question_id, answer, scale="tiny"):
    question = find(question_id)
    marker = Marker(question, make_paper(question, 7, scale))
    return marker.mark(sit(marker.paper, answer))


@pytest.mark.parametrize("question", exercises()["12-text-to-picture"], ids=lambda q: q.id)
def test_solution_is_right(question):
    """At the size of Stable Diffusion, but for the text block, whose weights take seconds there."""
    scale = "tiny" if question.kind == "layer" else "full"
    verdict = verdict_on(question.id, answer_with(question, []), scale)
    assert verdict.passed, verdict.message


# ------------------------------------------------------------------------------------------------------------- the mask


def mask_by_tril(length):
    return np.tril(np.ones((length, length), bool))


def mask_in_keras(length):
    return ops.tril(ops.ones((length, length), "int32"))


def mask_in_floats(length):
    return ops.cast(ops.arange(length)[:, None] >= ops.arange(length), "float32")


def mask_row_by_row(length):
    return [[column <= row for column in range(length)] for row in range(length)]


def mask_of_what_is_not_hidden(length):
    return ~np.triu(np.ones((length, length), bool), 1)


def test_causal_mask_is_right_however_written():
    answers = [mask_by_tril, mask_in_keras, mask_in_floats, mask_of_what_is_not_hidden]
    assert_accepted("causal-mask", [*answers, lambda_of(mask_row_by_row)])


def lambda_of(function):
    def as_array(length):
        return np.array(function(length))

    return as_array


def test_changed_rows_is_right_however_written():
    def counted(length, position):
        return sum(1 for row in range(length) if row >= position)

    def of_the_mask(length, position):
        return np.tri(length)[:, position].sum()

    def in_keras(length, position):
        return ops.subtract(length, position)

    def as_float(length, position):
        return float(length - position)

    def last_minus_first(length, position):
        return (length - 1) - position + 1

    assert_accepted("guess-changed-rows", [counted, of_the_mask, in_keras, as_float, last_minus_first])


# ------------------------------------------------------------------------------------------------------- the text block


class _Feed(keras.layers.Layer):
    """Both halves of a block but the attention."""

    def __init__(self, num_heads, head_size):
        super().__init__()
        self.num_heads, self.head_size, self.width = num_heads, head_size, num_heads * head_size
        self.first, self.second = (keras.layers.LayerNormalization(epsilon=1e-5) for _ in range(2))
        self.feed = keras.Sequential(
            [
                keras.layers.Dense(4 * self.width, activation=lambda x: ops.gelu(x, approximate=False)),
                keras.layers.Dense(self.width),
            ]
        )

    def call(self, x):
        x = x + self.attend(self.first(x))
        return x + self.feed(self.second(x))


class OfKeras(_Feed):
    """With Keras' own causal mask."""

    def __init__(self, num_heads, head_size):
        super().__init__(num_heads, head_size)
        self.attention = keras.layers.MultiHeadAttention(num_heads, head_size)

    def attend(self, h):
        return self.attention(h, h, h, use_causal_mask=True)


class MaskOfEveryPicture(OfKeras):
    """With a mask for each picture of the batch, and of ones and zeros."""

    def attend(self, h):
        length = h.shape[1]
        mask = np.broadcast_to(np.tri(length, dtype="int32"), (h.shape[0], length, length))
        return self.attention(query=h, value=h, key=h, attention_mask=mask)


class ByHand(_Feed):
    """Four Dense layers, and a mask that is added."""

    def __init__(self, num_heads, head_size):
        super().__init__(num_heads, head_size)
        self.out, self.value, self.key, self.query = (keras.layers.Dense(self.width) for _ in range(4))

    def attend(self, h):
        shape = (-1, h.shape[1], self.num_heads, self.head_size)
        q, k, v = (ops.reshape(layer(h), shape) for layer in (self.query, self.key, self.value))
        scores = ops.einsum("bqnd,bknd->bnqk", q, k) / self.head_size**0.5
        mask = np.triu(np.full((h.shape[1],) * 2, -np.inf, "float32"), 1)
        out = ops.einsum("bnqk,bknd->bqnd", ops.softmax(scores + mask), v)
        return self.out(ops.reshape(out, (-1, *h.shape[1:])))


class HeadByHead(ByHand):
    """One head after the other, and each token only over what it may see."""

    def attend(self, h):
        q, k, v = (ops.split(layer(h), self.num_heads, axis=-1) for layer in (self.query, self.key, self.value))
        heads = [self.one_head(*head) for head in zip(q, k, v, strict=True)]
        return self.out(ops.concatenate(heads, axis=-1))

    def one_head(self, q, k, v):
        rows = []
        for t in range(q.shape[1]):
            scores = ops.einsum("bd,bkd->bk", q[:, t], k[:, : t + 1]) * self.head_size**-0.5
            rows.append(ops.einsum("bk,bkd->bd", ops.softmax(scores), v[:, : t + 1]))
        return ops.stack(rows, axis=1)


class OwnWeights(keras.layers.Layer):
    """No layers at all: weights, and the formulas."""

    def __init__(self, num_heads, head_size):
        super().__init__()
        self.numbers = num_heads, head_size

    def build(self, shape):
        n, d = self.numbers
        width, wide = n * d, 4 * n * d
        shapes = {"q": (width, n, d), "qb": (n, d), "k": (width, n, d), "kb": (n, d), "v": (width, n, d), "vb": (n, d)}
        shapes |= {"o": (n, d, width), "ob": (width,), "w1": (width, wide), "b1": (wide,), "w2": (wide, width)}
        shapes |= {"b2": (width,), "g1": (width,), "s1": (width,), "g2": (width,), "s2": (width,)}
        self.w = {name: self.add_weight(shape=s, name=name) for name, s in shapes.items()}

    def norm(self, x, which):
        mean, variance = ops.moments(x, axes=[-1], keepdims=True)
        return self.w[f"g{which}"] * (x - mean) / ops.sqrt(variance + 1e-6) + self.w[f"s{which}"]

    def call(self, x):
        w, h = self.w, self.norm(x, 1)
        q, k, v = (ops.einsum("btf,fnd->bntd", h, w[i]) + w[f"{i}b"][:, None] for i in "qkv")
        scores = ops.matmul(q, ops.swapaxes(k, -1, -2)) * self.numbers[1] ** -0.5
        scores = ops.where(np.tri(x.shape[1], dtype=bool), scores, -1e9)
        x = x + ops.einsum("bntd,ndf->btf", ops.matmul(ops.softmax(scores), v), w["o"]) + w["ob"]
        a = ops.matmul(self.norm(x, 2), w["w1"]) + w["b1"]
        return x + ops.matmul(0.5 * a * (1 + ops.erf(a / 2**0.5)), w["w2"]) + w["b2"]


def test_text_block_is_right_however_written():
    assert_accepted("text-block", [OfKeras, MaskOfEveryPicture, ByHand, HeadByHead, OwnWeights])


# -------------------------------------------------------------------------------------------------------------- start


def start_by_index(latent, noise, strength, timesteps, alpha_bars):
    skipped = len(timesteps) - int(len(timesteps) * strength)
    left = [int(t) for t in timesteps][skipped:]
    share = alpha_bars[left[0]] if left else 1.0
    return share**0.5 * latent + (1 - share) ** 0.5 * noise, left


def start_in_keras(latent, noise, strength, timesteps, alpha_bars):
    left = ops.convert_to_tensor(timesteps)[len(timesteps) - int(np.floor(strength * len(timesteps))) :]
    if not left.shape[0]:
        return latent, left
    share = ops.take(alpha_bars, left[0])
    return ops.sqrt(share) * latent + ops.sqrt(1 - share) * noise, left


def start_by_angle(latent, noise, strength, timesteps, alpha_bars):
    count = int(strength * len(timesteps))
    left = timesteps[-count:] if count else timesteps[:0]
    angle = np.arccos(np.sqrt(float(alpha_bars[left[0]]))) if count else 0.0
    return np.cos(angle) * np.asarray(latent) + np.sin(angle) * np.asarray(noise), left


def start_from_behind(latent, noise, strength, timesteps, alpha_bars):
    left = timesteps[::-1][: int(strength * len(timesteps))][::-1]
    for t in left[:1]:
        latent = alpha_bars[t] ** 0.5 * latent + (1 - alpha_bars[t]) ** 0.5 * noise
    return [latent, left]


def start_by_arrays(latent, noise, strength, timesteps, alpha_bars):
    left = np.array_split(timesteps, [len(timesteps) - int(strength * len(timesteps))])[1]
    shares = np.append(alpha_bars[left], 1.0)[:1].astype("float32")
    return (ops.sqrt(shares) * latent + ops.sqrt(1 - shares) * noise, tuple(left))


def test_start_from_picture_is_right_however_written():
    answers = [start_by_index, start_in_keras, start_by_angle, start_from_behind, start_by_arrays]
    assert_accepted("start-from-picture", answers)


# ----------------------------------------------------------------------------------------------------------- pipeline


def _walk(latent, contexts, timesteps, scale, n):
    """DDIM with one doubled call a step."""
    both = ops.concatenate(contexts, axis=0)
    shares = [*(float(n.alpha_bars[t]) for t in timesteps), 1.0]
    for t, share, following in zip(timesteps, shares[:-1], shares[1:], strict=True):
        eps = n.unet([ops.concatenate([latent] * 2), n.embed(np.full(2, int(t))), both])
        eps = (1 - scale) * eps[:1] + scale * eps[1:]
        latent = following**0.5 * (latent - (1 - share) ** 0.5 * eps) / share**0.5 + (1 - following) ** 0.5 * eps
    return latent


def in_one_call(prompt, negative_prompt, latent, timesteps, scale, networks):
    contexts = networks.text_encoder(networks.tokenize([negative_prompt, prompt]))
    clean = _walk(latent, [contexts[:1], contexts[1:]], timesteps, scale, networks)
    return ops.clip((networks.decoder(clean / networks.factor) + 1) / 2, 0, 1)


def in_numpy_at_the_end(prompt, negative_prompt, latent, timesteps, scale, networks):
    contexts = [networks.text_encoder(networks.tokenize([text])) for text in (negative_prompt, prompt)]
    clean = _walk(latent, contexts, [int(t) for t in timesteps], scale, networks)
    decoded = ops.convert_to_numpy(networks.decoder(ops.convert_to_numpy(clean) * (1 / networks.factor)))
    return np.minimum(np.maximum(0.5 * decoded + 0.5, 0), 1).astype("float64")


def clipped_first(prompt, negative_prompt, latent, timesteps, scale, networks):
    told, untold = (networks.text_encoder(networks.tokenize((text,))) for text in (prompt, negative_prompt))
    picture = networks.decoder(_walk(latent, [untold, told], timesteps, scale, networks) / networks.factor)
    return 0.5 + 0.5 * ops.clip(picture, -1.0, 1.0)


def by_interpolation(prompt, negative_prompt, latent, timesteps, scale, networks):
    told, untold = (networks.text_encoder(networks.tokenize([text])) for text in (prompt, negative_prompt))
    picture = networks.decoder(_walk(latent, [untold, told], timesteps, scale, networks) / networks.factor)
    return np.interp(ops.convert_to_numpy(picture), [-1, 1], [0, 1])


def by_bends(prompt, negative_prompt, latent, timesteps, scale, networks):
    told, untold = (
        networks.text_encoder(ops.convert_to_tensor(networks.tokenize([t]))) for t in (prompt, negative_prompt)
    )
    picture = networks.decoder(ops.divide(_walk(latent, [untold, told], timesteps, scale, networks), networks.factor))
    return 1 - ops.relu(1 - ops.relu(picture / 2 + 0.5))


def test_text_to_picture_is_right_however_written():
    answers = [in_one_call, in_numpy_at_the_end, clipped_first, by_interpolation, by_bends]
    assert_accepted("text-to-picture", answers)


# ----------------------------------------------------------------------------------------------------- what is said


def test_messages_show_the_call_as_the_exercise_has_it():
    said = verdict_on("start-from-picture", lambda *_: 0.0).message
    assert "start_from_picture(latent (2, 6, 8, 4), noise (2, 6, 8, 4), 0.5" in said
    assert "10 timesteps, alpha_bars)" in said
    said = verdict_on("text-to-picture", lambda *_: 0.0).message
    assert "text_to_picture('a small boat below a yellow moon', 'fog', latent (1, 6, 8, 4)" in said


def test_stand_ins_say_what_they_take():
    networks = given.NETWORKS
    with pytest.raises(ValueError, match="a list of texts"):
        networks.tokenize("a red circle")
    with pytest.raises(ValueError, match=r"tokens of shape \(B, 12\)"):
        networks.text_encoder("a red circle")
    with pytest.raises(ValueError, match=r"latents \(B, H, W, C\)"):
        networks.decoder(np.zeros((8, 8, 4), "float32"))


def test_stand_ins_compute_the_same_in_numpy():
    """Bases run on these: a difference would make right answers wrong."""
    latent = np.random.default_rng(0).normal(size=(1, 5, 7, 4)).astype("float32")
    tokens = given.tokenize(["a red circle"])
    for one, other in (
        (given.NETWORKS.decoder(latent), given.NETWORKS_IN_NUMPY.decoder(latent)),
        (given.NETWORKS.text_encoder(tokens), given.NETWORKS_IN_NUMPY.text_encoder(tokens)),
    ):
        np.testing.assert_allclose(ops.convert_to_numpy(one), other, rtol=1e-5, atol=1e-6)
