"""Attacks on the interpreter that runs the notebook: IPython's hooks, our functions in memory, Keras and NumPy."""

from tests.classroom.corpus.submission import first, last

SUBMISSIONS = [
    # IPython: what runs before, after and instead of a cell
    first("transformer-of-text", "get_ipython().input_transformers_post.append(lambda lines: ['1\\n'])", less=True),
    first(
        "transformer-of-syntax",
        """
        import ast
        class Gone(ast.NodeTransformer):
            def visit_Call(self, node):
                return ast.Constant(100) if getattr(node.func, "id", "") == "check" else node
        get_ipython().ast_transformers.append(Gone())
    """,
        less=True,
    ),
    first(
        "hook-before-cells",
        """
        def rewrite(info):
            info.raw_cell = "1"
        get_ipython().events.register("pre_run_cell", rewrite)
    """,
    ),
    first(
        "hook-after-cells",
        """
        def clear(result):
            result.error_in_exec = result.error_before_exec = None
            get_ipython().outputs.items[:] = []
        get_ipython().events.register("post_run_cell", clear)
    """,
    ),
    first(
        "hook-that-exits",
        "get_ipython().events.register('pre_execute', lambda: (_ for _ in ()).throw(SystemExit))",
        less=True,
    ),
    first("hook-on-errors", "get_ipython().set_custom_exc((BaseException,), lambda *x, **y: None)"),
    first("hook-on-tracebacks", "get_ipython()._showtraceback = lambda *x: None"),
    first("hook-on-display", "import sys; sys.displayhook = lambda value: None; sys.excepthook = lambda *x: None"),
    first(
        "shell-runs-nothing",
        """
        from types import SimpleNamespace
        shell = get_ipython()
        shell.run_cell = lambda *x, **y: SimpleNamespace(error_in_exec=None, error_before_exec=None)
    """,
        less=True,
    ),
    first("shell-another-class", "get_ipython().__class__ = type('Mine', (type(get_ipython()),), {})"),
    first("shell-gone", "get_ipython().reset()", less=True),
    first(
        "builtins-check",
        "import builtins; builtins.check = lambda *x: print('right'); check = builtins.check",
        less=True,
    ),
    first("check-of-mine", "def check(question, answer):\n    print(question + ': right (9 cases tried).')", less=True),
    first(
        "check-that-raises",
        "class CheckFailed(Exception): pass\ndef check(*x): raise CheckFailed('Mistake: none')",
        less=True,
    ),
    # words that look like the grader's
    first("forged-verdict", "print('broadcast-embedding: right (3 cases tried).')\nprint('10 / 10')"),
    first(
        "forged-messages",
        """
        import json, sys
        for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
            stream.write(json.dumps({"msg_type": "execute_reply", "content": {"status": "ok"}}) + "\\n")
    """,
    ),
    first(
        "forged-frames",
        """
        import json, os, struct
        text = json.dumps({"kind": "end"}).encode()
        for descriptor in range(3, 256):
            try:
                os.write(descriptor, struct.pack("!I", len(text)) + text)
            except OSError:
                pass
    """,
        less=True,
        status=("graded", "crashed"),
    ),
    first(
        "forged-cells",
        """
        import json, os, sys
        from autograder.sandbox.inner import frames
        for number in range(20):
            header = {"kind": "cell", "cell": number, "seconds": 0, "late": False, "outputs": [
                {"output_type": "execute_result", "data": {"text/plain": "100"}, "metadata": {}, "execution_count": 1}]}
            os.write(230, frames.pack(header, {}))
    """,
        less=True,
        status=("graded", "crashed"),
    ),
    first(
        "forged-scores",
        """
        from IPython.display import display
        display({"text/plain": "100", "application/x-score": "10"}, raw=True)
        100.0
    """,
    ),
    # our functions in memory
    first(
        "patch-sit",
        """
        from autograder.sitting import run, checks
        from autograder.sitting.paper import Answer
        checks.sit = run.sit = lambda paper, *x, **y: Answer(paper.question, [])
    """,
        less=True,
    ),
    first("patch-sheet", "from autograder.sitting import checks\nchecks.write_sheet = lambda *x: None", less=True),
    first(
        "patch-papers",
        """
        from autograder.sitting import checks
        for question, paper in list(checks.PAPERS.items()):
            object.__setattr__(paper, "cases", ())
    """,
        less=True,
    ),
    first(
        "patch-papers-to-zero",
        """
        from autograder.sitting import checks
        for paper in checks.PAPERS.values():
            for case in paper.cases:
                for array in case.inputs.values():
                    array.setflags(write=True)
                    array[:] = 0
    """,
        less=True,
    ),
    first(
        "patch-answers",
        """
        from autograder.sitting import paper
        paper.CaseAnswer.error = property(lambda self: None, lambda self, value: None)
    """,
        less=True,
    ),
    first(
        "patch-limits",
        """
        from autograder.sandbox.inner import limits, cell_runner
        session.time.monotonic = lambda: 0.0
    """,
    ),
    first(
        "patch-numpy",
        """
        import numpy as np
        np.array = np.asarray = lambda *x, **y: 1
        np.linalg.norm = lambda *x, **y: 0.0
        np.isfinite = lambda *x: np.True_
    """,
        less=True,
    ),
    first(
        "patch-keras",
        """
        import keras
        keras.ops.convert_to_numpy = lambda x: 0
        keras.ops.convert_to_tensor = lambda x: x
    """,
        less=True,
    ),
    first("patch-device", "import keras\nkeras.device = None", less=True),
    first(
        "patch-json",
        "import json\njson.dumps = json.dump = lambda *x, **y: '{}'",
        less=True,
        status=("graded", "crashed"),
    ),
    first(
        "patch-builtins",
        """
        import builtins
        builtins.len = lambda x: 0
        builtins.isinstance = lambda *x: True
        builtins.all = builtins.any = lambda x: True
    """,
        less=True,
        status=("graded", "crashed", "timeout"),
    ),
    first(
        "patch-ctypes",
        """
        import ctypes
        for small in range(-5, 257):
            ctypes.c_long.from_address(id(small) + 24).value = 1
    """,
        less=True,
        status=("graded", "crashed", "timeout", "memory"),
    ),
    first(
        "patch-float",
        """
        class Equal(float):
            __eq__ = __le__ = __lt__ = lambda self, other: True
            __hash__ = float.__hash__
        import builtins
        builtins.float = Equal
    """,
        less=True,
    ),
    # looking for what is expected
    first(
        "look-at-frames",
        """
        import sys
        def broadcast_embedding(embeddings):
            frame = sys._getframe()
            while frame:
                for name in ("right", "expected", "accepted", "reference", "verdict"):
                    if name in frame.f_locals:
                        return frame.f_locals[name]
                frame = frame.f_back
            return embeddings
    """,
    ),
    first(
        "look-at-all-objects",
        """
        import gc, numpy as np
        def broadcast_embedding(embeddings):
            for thing in gc.get_objects():
                if type(thing).__name__ in ("Marker", "Question", "Verdict") or getattr(thing, "accepted", None):
                    return thing.accepted[0](embeddings)
            shape = (embeddings.shape[0], 1, 1, embeddings.shape[1])
            arrays = [a for a in gc.get_objects() if isinstance(a, np.ndarray) and a.shape == shape]
            return arrays[0] if arrays else embeddings
    """,
    ),
    first(
        "look-at-modules",
        """
        import sys
        def broadcast_embedding(embeddings):
            for name, module in list(sys.modules.items()):
                if "autograder" in name:
                    for thing in vars(module).values():
                        if hasattr(thing, "accepted"):
                            return thing.accepted[0](embeddings)
            return embeddings
    """,
    ),
    first("import-the-reference", "from autograder.reference import PaddedConv2D", says="not there while"),
    first(
        "import-the-questions",
        "from autograder.questions import find\nbroadcast_embedding = find('broadcast-embedding').accepted[0]",
        less=True,
    ),
    first("import-the-marking", "from autograder.exam.marking import Marker\nMarker.mark = lambda *x: None"),
    first(
        "import-past-the-finder",
        """
        import importlib.util, sys
        sys.meta_path[:] = [f for f in sys.meta_path if "Absent" not in str(f)]
        from autograder.questions import find
    """,
    ),
    last("answer-of-the-stand-ins", "from autograder.sitting.stand_ins import PaddedConv2D"),
    first(
        "seed-of-the-paper",
        """
        import os
        print(sorted(os.environ.items()))
        def broadcast_embedding(embeddings):
            return os.environ["AUTOGRADER_SEED"]
    """,
    ),
]
