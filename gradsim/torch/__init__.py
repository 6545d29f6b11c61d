"""Models of PyTorch: what they do at initialization, measured as gradsim measures its own, and as networks of gradsim.

    curves = gradsim.torch.observe(lambda: MyModel(), torch.randn(8, 32), replicas=100)
    network = gradsim.torch.translate(MyModel())

PyTorch itself is imported when one of these is called.
"""

from .observing import observe
from .translating import translate

__all__ = ["observe", "translate"]
