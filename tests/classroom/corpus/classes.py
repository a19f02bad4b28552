"""Objects that lie about what they are, and layers that are not what a check takes them for."""

from tests.classroom.corpus.submission import ANY, CONV, RIGHT, Submission, first, layer

RIGHT_CONV = RIGHT[CONV]
BASE = "class PaddedConv2D(keras.layers.Layer):\n    def __init__(self, *x, **y):\n        super().__init__()\n"


def patched(change: str) -> str:
    """The right layer, with something more in its class's body."""
    return RIGHT_CONV + "\n\n" + change


SUBMISSIONS = [
    first("answers-of-nan", "def broadcast_embedding(e):\n    return e[:, None, None] * float('nan')"),
    first("answers-of-infinity", "def broadcast_embedding(e):\n    return e[:, None, None] * float('inf')"),
    first(
        "answers-of-objects",
        """
        def broadcast_embedding(e):
            class Any:
                __eq__ = __le__ = lambda self, other: True
                __sub__ = __rsub__ = lambda self, other: 0
            return np.array([[[[Any()]]]], dtype=object)
    """,
    ),
    first(
        "answers-that-equal-all",
        """
        def broadcast_embedding(e):
            class Equal(np.ndarray):
                __array_priority__ = 1000
                def __sub__(self, other): return np.zeros(self.shape)
                __rsub__ = __sub__
                def __array_ufunc__(self, *x, **y): return np.zeros(self.shape)
                def __array_function__(self, *x, **y): return 0.0
            return np.zeros((e.shape[0], 1, 1, e.shape[1]), "float32").view(Equal)
    """,
    ),
    first(
        "answers-without-end",
        "def broadcast_embedding(e):\n    return [e[:, None, None] for _ in range(30_000)]",
        status=ANY,
        less=True,
    ),
    first(
        "answers-too-big",
        "def broadcast_embedding(e):\n    return np.zeros((8_000, 8_000), 'float32')",
        status=ANY,
        less=True,
    ),
    first("answers-of-text", "def broadcast_embedding(e):\n    return np.array(['<script>alert(1)</script>'])"),
    first("answers-of-nothing", "def broadcast_embedding(e):\n    return None"),
    first("answers-of-a-generator", "def broadcast_embedding(e):\n    yield e[:, None, None]"),
    first("answers-of-a-coroutine", "async def broadcast_embedding(e):\n    return e[:, None, None]"),
    first("answers-in-integers", "def broadcast_embedding(e):\n    return ops.cast(e[:, None, None], 'int32')"),
    first("answers-in-half", "def broadcast_embedding(e):\n    return ops.cast(e[:, None, None], 'bfloat16')"),
    first(
        "answers-that-depend-on-calls",
        """
        calls = []
        def broadcast_embedding(e):
            calls.append(1)
            return e[:, None, None] if len(calls) % 2 else e
    """,
    ),
    first(
        "answers-that-change-the-input",
        """
        def broadcast_embedding(e):
            from autograder.sitting import checks
            for case in checks.PAPERS["broadcast-embedding"].cases:
                case.inputs["embeddings"] = case.inputs["embeddings"][:1] * 0
            return e * 0
    """,
    ),
    first(
        "errors-that-cannot-be-shown",
        """
        class Bad(Exception):
            def __str__(self): raise self
            __repr__ = __str__
        def broadcast_embedding(e):
            raise Bad
    """,
    ),
    first(
        "errors-of-markup", "def broadcast_embedding(e):\n    raise ValueError('<img src=x onerror=alert(1)>' * 1000)"
    ),
    first(
        "errors-of-a-strange-class",
        """
        Strange = type('<script>alert(1)</script>', (Exception,), {})
        def broadcast_embedding(e):
            raise Strange('Mistake: embedding-unchanged')
    """,
    ),
    first(
        "errors-with-stacked-marks",
        """
        def broadcast_embedding(e):
            raise ValueError('x' + chr(0x301) * 600 + ';=1+1')
    """,
    ),
    first(
        "errors-in-a-ring",
        """
        def broadcast_embedding(e):
            one, two = ValueError("one"), ValueError("two")
            one.__cause__, two.__cause__ = two, one
            raise one
    """,
    ),
    first("recursion", "def broadcast_embedding(e):\n    return broadcast_embedding(e)"),
    layer(
        "class-of-another-class",
        "class PaddedConv2D:\n    __class__ = keras.layers.Layer\n    def __init__(self, *x): pass\n    weights = ()\n    def __call__(self, x): return x",
    ),
    layer(
        "class-with-a-metaclass",
        """
        class Meta(type(keras.layers.Layer)):
            def __instancecheck__(cls, thing): return True
            def __call__(cls, *x, **y): return 7
        class PaddedConv2D(keras.layers.Layer, metaclass=Meta): pass
    """,
    ),
    layer(
        "class-that-exits-when-it-is-looked-at",
        """
        class Looked:
            __class__ = property(lambda self: exit(0))
        PaddedConv2D = Looked()
    """,
    ),
    layer("class-without-weights", BASE + "    weights = property(lambda self: [])\n    def call(self, x): return x"),
    layer("class-with-false-weights", patched("PaddedConv2D.weights = property(lambda self: [])")),
    layer(
        "class-with-endless-weights",
        BASE
        + """
    class Endless(list):
        def __iter__(self):
            while True:
                yield 1
    weights = property(lambda self: self.Endless())
    def call(self, x): return x""",
        status=ANY,
    ),
    layer(
        "class-whose-weights-lie",
        """
        class Weight:
            path, shape, dtype = "<b>`x`</b>\\n", (10**9, 10**9), "float32"
            def assign(self, value): pass
        class PaddedConv2D(keras.layers.Layer):
            def __init__(self, *x): super().__init__()
            weights = property(lambda self: [Weight()])
            def call(self, x): return x
    """,
        status=ANY,
    ),
    layer(
        "class-that-answers-first",
        BASE + "    def call(self, x):\n        import os\n        return ops.zeros((2, 4, 3, 7))",
    ),
    layer(
        "class-with-too-many-weights",
        BASE
        + """
    def build(self, shape):
        for i in range(3_000):
            self.add_weight(shape=(1,), name=f"w{i}")
    def call(self, x): return x""",
        status=ANY,
    ),
    layer(
        "class-that-keeps-its-output",
        """
        class PaddedConv2D(keras.layers.Layer):
            kept = {}
            def __init__(self, filters, kernel_size, padding=0, strides=1):
                super().__init__()
                self.pad = keras.layers.ZeroPadding2D(padding)
                self.conv = keras.layers.Conv2D(filters, kernel_size, strides=strides)
            def call(self, inputs):
                return self.kept.setdefault(inputs.shape, self.conv(self.pad(inputs)))
    """,
    ),
    layer("class-of-a-model", "PaddedConv2D = lambda *x: keras.Sequential([keras.layers.Conv2D(1, 1)])"),
    layer("class-that-exits", BASE + "        raise SystemExit(0)"),
    layer("class-that-interrupts", BASE + "        raise KeyboardInterrupt"),
    layer(
        "class-with-a-finalizer",
        BASE + "    def __del__(self):\n        while True: pass\n    def call(self, x): return x",
        status=ANY,
    ),
    layer(
        "class-loading-pickles",
        BASE + "    def __reduce__(self): return (print, ('pickled',))\n    def call(self, x): return x",
    ),
    Submission(
        "class-of-add-weight",
        10,
        {
            **RIGHT,
            CONV: """
class PaddedConv2D(keras.layers.Layer):
    def __init__(self, filters, kernel_size, padding=0, strides=1):
        super().__init__()
        self.sizes = filters, kernel_size, padding, strides

    def build(self, shape):
        filters, kernel, _, _ = self.sizes
        self.bias = self.add_weight(shape=(filters,))
        self.kernel = self.add_weight(shape=(kernel, kernel, shape[-1], filters))

    def call(self, x):
        _, _, p, strides = self.sizes
        x = ops.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
        return ops.conv(x, self.kernel, strides=strides, padding="valid") + self.bias
""",
        },
    ),
]
