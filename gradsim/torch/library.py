"""PyTorch, which nothing else here needs."""

import importlib

from ..errors import RequestError


def needed(what):
    """Raises RequestError where PyTorch is not installed, which `what` needs."""
    try:
        importlib.import_module("torch")
    except ImportError:
        raise RequestError(f"{what} needs PyTorch: pip install 'gradsim[torch]'") from None


def said(error):
    """An exception in a line."""
    return f"{type(error).__name__}: {' '.join(str(error).split()) or 'it says nothing'}"
