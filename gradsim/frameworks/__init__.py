"""Networks in the words of PyTorch, Keras and Flax: code that draws what gradsim draws, to paste."""

from ..errors import RequestError, shown, unknown
from ..model.network import Network
from . import flax, keras, torch

FRAMEWORKS = {"torch": torch.code, "keras": keras.code, "flax": flax.code}


def code_for(network: Network, framework: str) -> str:
    """Lines for "torch", "keras" or "flax" whose make_model() draws the network anew each time, with gradsim's laws.

    Every weight and every bias has the law that it has here, at float32; random numbers are the framework's. What cannot be
    said there, as a user's activation, is named in a comment. Raises RequestError for other frameworks.
    """
    if not isinstance(network, Network):
        raise RequestError(f"network: {shown(network)} is not a Network; make one with gradsim.mlp(...)")
    if not isinstance(framework, str) or framework not in FRAMEWORKS:
        raise unknown("--for", framework, FRAMEWORKS)
    return FRAMEWORKS[framework](network)


__all__ = ["FRAMEWORKS", "code_for"]
