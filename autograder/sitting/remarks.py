"""What can be seen of a learner's layer class by looking at it, and is not seen from what it gives."""

import difflib
import types
from typing import Any

import keras

from autograder.adapters.tensorflow_parts import is_compiled

OUTSIDE, COMPILED, NO_CALL = "call-outside", "call-compiled", "call-missing"
NAMED, INSIDE = "call-named", "call-inside"  # each followed by a name
WITH_NAME = (NAMED, INSIDE)
REMARKS = (OUTSIDE, COMPILED, NO_CALL, *WITH_NAME)


def remarks_on(layer_class: Any) -> tuple[str, ...]:
    """What is odd about the `call` of a layer class, in fixed words: `call-named cal`, `call-compiled`.

    Looking at a class may run code of the learner's; whatever that raises, there is nothing to remark.
    """
    try:
        if not isinstance(layer_class, type) or not issubclass(layer_class, keras.layers.Layer):
            return ()
        call = getattr(layer_class, "call", None)
        if call is not keras.layers.Layer.call:
            return (COMPILED,) if is_compiled(call) else ()
        return (_where_call_is(layer_class),)
    except KeyboardInterrupt:
        raise
    except BaseException:
        return ()


def _where_call_is(layer_class: type) -> str:
    """What stands where `call` should: another name, inside another method, outside of the class, or nothing."""
    methods = {name: made for name, made in vars(layer_class).items() if isinstance(made, types.FunctionType)}
    for name, method in methods.items():
        inner = [code for code in method.__code__.co_consts if isinstance(code, types.CodeType)]
        if any(code.co_name == "call" for code in inner):
            return f"{INSIDE} {name}"
    lowered = {name.lower().strip("_"): name for name in methods if name not in ("__init__", "build")}
    close = [name for name in ("call", "forward") if name in lowered] or difflib.get_close_matches("call", lowered)
    if close:
        return f"{NAMED} {lowered[close[0]]}"
    own = methods.get("__init__") or next(iter(methods.values()), None)
    return OUTSIDE if own is not None and callable(own.__globals__.get("call")) else NO_CALL
