"""Users' functions by name, "module:function"."""

from ...errors import RequestError
from ...kernels.activations.entry import Activation
from ..importing import file_of, imported
from .custom import custom_entry


def load(text):
    """The Activation of "module:function", or what `gradsim.activation` returned, by that name.

    Its derivative is `function_derivative` in the same module, its kinks, if there are any, `function_kinks`. Raises
    RequestError.
    """
    module_name, _, attribute = text.partition(":")
    if not module_name:
        raise RequestError(f"--activation: {text!r} names no module; write module:function")
    module = imported(module_name, "--activation")
    found = getattr(module, attribute, None)
    if found is None:
        raise RequestError(f"--activation: module {module_name!r} ({file_of(module)}) has no {attribute!r}")
    if isinstance(found, Activation):
        return found
    derivative = getattr(module, f"{attribute}_derivative", None)
    if derivative is None:
        raise RequestError(
            f"--activation: {text!r} needs its derivative beside it, {attribute}_derivative(h) in {file_of(module)}"
        )
    return custom_entry(text, found, derivative, getattr(module, f"{attribute}_kinks", ()))
