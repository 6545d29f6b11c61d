"""gradsim: how signals and gradients scale in deep networks at initialization."""

__version__ = "0.1.0.dev0"
