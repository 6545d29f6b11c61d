"""Ready families of blocks, each a few lines that build parts: what `mlp(block=...)` and `--block` name.

x is the stream, of the width of the block, s the scale of the branch and L the number of blocks (`depth`). The branch f of a
block has `block_depth` linear maps with an activation between any two, or before the only one: Linear, Activation, Linear
for 2, the default. Dropout follows every activation. Where the width of the stream changes, its skip is a linear map.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..errors import RequestError
from .parts import EPSILON, Activation, BatchNorm, Dropout, LayerNorm, Linear, Residual, RMSNorm

NORMS = {"layer": LayerNorm, "rms": RMSNorm, "batch": BatchNorm}
SCALES = {"1/sqrt(depth)": lambda depth: depth**-0.5, "1/depth": lambda depth: 1 / depth, "zero": lambda depth: 0.0}
BLOCK_DEPTH = 2  # where a block has a branch and nothing else is said


@dataclass(frozen=True)
class Bricks:
    """What a block is built of: the options of `mlp`, for a stream of `fan_in` units that becomes one of `width`."""

    width: int
    fan_in: int
    depth: int
    block_depth: int
    scale: float
    activation: str
    dropout: float
    init: str
    gain: float
    bias: str | None
    norm: str

    def linear(self, **other):
        """A linear map, with `other` fields where they differ."""
        return Linear(**{"width": self.width, "init": self.init, "gain": self.gain, "bias": self.bias} | other)

    @property
    def activated(self):
        """An activation and the dropout behind it."""
        return (Activation(self.activation), *([Dropout(self.dropout)] if self.dropout else []))

    def normed(self, epsilon=EPSILON):
        """The norm, if there is one."""
        return () if self.norm == "none" else (NORMS[self.norm](epsilon),)

    def branch(self):
        """Linear, Activation, Linear, ...; Activation, Linear where there is one map."""
        if self.block_depth == 1:
            return (*self.activated, self.linear())
        return (self.linear(), *(*self.activated, self.linear()) * (self.block_depth - 1))

    def added(self, branch, scale=None):
        """The sum of the stream and a branch."""
        skip = None if self.fan_in == self.width else self.linear()
        return Residual(tuple(branch), self.scale if scale is None else scale, skip)


def plain(b):
    """A linear map and its activation; a norm stands before the activation."""
    return (b.linear(), *b.normed(), *b.activated)


def residual(b):
    """x + s f(x)"""
    return (b.added(b.branch()),)


def pre_norm(b):
    """x + s f(norm(x)): transformers since GPT-2."""
    return (b.added((*b.normed(), *b.branch())),)


def post_norm(b):
    """norm(x + s f(x)): the first transformers (Vaswani et al. 2017, arXiv:1706.03762)."""
    return (b.added(b.branch()), *b.normed())


def resnet_v1(b):
    """He et al. 2015 (arXiv:1512.03385): activation(x + f(x)), f = Linear, norm, Activation, ..., Linear, norm.

    Batch norm, and the weights of He (arXiv:1502.01852), the default here. The paper's projections have a norm of their own
    behind them, the skips here have none.
    """
    mapped = (b.linear(), *b.normed())
    return (b.added((*mapped, *(*b.activated, *mapped) * (b.block_depth - 1))), *b.activated)


def resnet_v2(b):
    """He et al. 2016 (arXiv:1603.05027), full pre-activation: x + f(x), f = norm, Activation, Linear, and so on.

    Batch norm and the weights of He, as before. The paper has one more norm behind the last block: `final_norm`.
    """
    return (b.added((*b.normed(), *b.activated, b.linear()) * b.block_depth),)


def rezero(b):
    """Bachlechner et al. 2020 (arXiv:2003.04887): x + a f(x), a trained and 0 at initialization; no norm, any weights.

    The stream and its gradient are those of the identity, and no gradient comes to the matrices of the branches.
    """
    return (b.added(b.branch(), 0.0),)


def fixup(b):
    """Zhang et al. 2019 (arXiv:1901.09321): x + f(x) without norms; f has m >= 2 linear maps, of which the last is zero and
    the others are L^(-1/(2m - 2)) times their ordinary weights (He's in the paper). The readout is zero as well.

    The paper's scalar biases are 0 and its multipliers 1 at initialization, so there are none here; activations behind
    the sum are left out, as where it derives the rule.
    """
    scaled = b.linear(gain=b.gain * b.depth ** (-1 / (2 * b.block_depth - 2)))
    inner = (scaled, *b.activated) * (b.block_depth - 1)
    return (b.added((*inner, zero(b)), 1.0),)


def zero(b, **other):
    """A linear map of zeros."""
    return b.linear(init="zeros", **other)


def skipinit(b):
    """De & Smith 2020 (arXiv:2002.10444): x + a f(x), a trained and 0 at initialization, behind a branch of pre-activation
    ResNets (`resnet_v2`) without its norms; the weights of He, the default here."""
    return (b.added((*b.activated, b.linear()) * b.block_depth, 0.0),)


def deepnorm(b):
    """Wang et al. 2022 (arXiv:2203.00555), of encoders: norm(a x + f(x)), a = (2N)^(1/4), and the weights of branches have the
    gain b = (8N)^(-1/4) (on Xavier's: --init xavier_normal), N the number of transformer layers.

    A layer has two branches, attention and feed-forward. A block here is one of them, so that 2N = L: a = L^(1/4) and
    b = (4L)^(-1/4). The norm is blind to scale, up to its epsilon: what is built is norm(x + f(x) / a) with epsilon / a^2,
    the same function.
    """
    scale = b.depth**-0.25
    made = replace(b, gain=b.gain * (4 * b.depth) ** -0.25)
    return (b.added(made.branch(), scale), *b.normed(EPSILON * scale**2))


@dataclass(frozen=True)
class Family:
    """`build(bricks)` gives the parts of one block. The first of `norms` is what is taken where none is given;
    `least` linear maps are in a branch at least (0: there is no branch); `scaled`: its scale is an option."""

    build: Callable
    norms: tuple
    least: int = 1
    scaled: bool = False

    @property
    def summary(self):
        return " ".join(self.build.__doc__.split("\n\n")[0].split())


NORMED = tuple(NORMS)
BATCH = ("batch", "layer", "rms")
FAMILIES = {
    "plain": Family(plain, ("none", *NORMED), least=0),
    "residual": Family(residual, ("none",), scaled=True),
    "pre_norm": Family(pre_norm, NORMED, scaled=True),
    "post_norm": Family(post_norm, NORMED, scaled=True),
    "resnet_v1": Family(resnet_v1, BATCH, scaled=True),
    "resnet_v2": Family(resnet_v2, BATCH, scaled=True),
    "rezero": Family(rezero, ("none",)),
    "fixup": Family(fixup, ("none",), least=2),
    "skipinit": Family(skipinit, ("none",)),
    "deepnorm": Family(deepnorm, ("layer", "rms")),
}


def check_family(options):
    """Raises RequestError where checked options of `mlp` do not go with their block."""
    block, norm, maps = options["block"], options["norm"], options["block_depth"]
    family = FAMILIES[block]
    for_the_end = options["final_norm"] and family.norms == ("none",) and norm != "none"
    if norm is not None and norm not in family.norms and not for_the_end:
        also = "; with --final-norm it names that one" if family.norms == ("none",) else ""
        raise RequestError(f"--norm: {norm} does not go with --block={block}, which takes {', '.join(family.norms)}{also}")
    if maps is not None and not family.least:
        raise RequestError(f"--block-depth: {maps} does not go with --block={block}, which has no branch")
    if maps is not None and maps < family.least:
        raise RequestError(f"--block-depth: {maps} does not go with --block={block}, whose branch has {family.least} or more")
    if options["residual_scale"] is not None and not family.scaled:
        why = "which has a scale of its own" if family.least else "which has no branch"
        raise RequestError(f"--residual-scale: {options['residual_scale']} does not go with --block={block}, {why}")


def norm_of(options):
    """The norm of blocks: that which is given, or the family's."""
    norms = FAMILIES[options["block"]].norms
    return options["norm"] if options["norm"] in norms else norms[0]


def scale_of(options):
    """The scale of branches."""
    scale = options["residual_scale"]
    return 1.0 if scale is None else SCALES[scale](options["depth"]) if isinstance(scale, str) else scale


def _bricks(options, width, fan_in):
    return Bricks(
        width,
        fan_in,
        options["depth"],
        options["block_depth"] or BLOCK_DEPTH,
        scale_of(options),
        options["activation"],
        options["dropout"],
        options["init"],
        options["weight_gain"],
        options["bias"],
        norm_of(options),
    )


def block_of(options, width):
    """The parts of one block on a stream that keeps its width, of options that stand for themselves (see `_bricks`)."""
    given = {"block_depth": None, "residual_scale": None, "norm": None} | options
    return FAMILIES[options["block"]].build(_bricks(given, width, width))


def own_gain(block, gain, depth, maps, digits):
    """The `weight_gain` with which the first linear map of a block has this gain; None where there is no such block."""
    if block == "deepnorm":
        return float(f"{gain * (4 * depth) ** 0.25:.{digits}g}")
    if block == "fixup":
        return None if maps < 2 else float(f"{gain * depth ** (1 / (2 * maps - 2)):.{digits}g}")
    return gain


def stem_of(options, width):
    """Parts that make a stream of so many units of the input; none for what is as wide, or where there is no stream."""
    if not FAMILIES[options["block"]].least or options["input_width"] == width:
        return ()
    return (_bricks(options, width, width).linear(),)


def blocks_of(options, groups):
    """(parts, times) of the blocks of `groups`, (width, times) each; `options` are checked, with depth and input width."""
    family, known, found, stream = FAMILIES[options["block"]], {}, [], groups[0][0]

    def built(width, fan_in):
        if (width, fan_in) not in known:
            known[width, fan_in] = family.build(_bricks(options, width, fan_in))
        return known[width, fan_in]

    for width, times in groups:
        first = 1 if family.least and width != stream else 0
        if first:
            found.append((built(width, stream), 1))
        if times > first:
            found.append((built(width, width), times - first))
        stream = width
    return found


def readout_of(options, width):
    """Parts behind the last block, `width` units wide: a norm and a linear map, if they are asked for."""
    b = _bricks(options, width, width)
    found = ()
    if options["final_norm"]:
        asked = options["norm"] if options["norm"] not in (None, "none") else None
        found = replace(b, norm=asked or (b.norm if b.norm != "none" else "layer")).normed()
    if options["outputs"] is not None:
        made = zero if options["block"] == "fixup" else Bricks.linear
        found += (made(b, width=options["outputs"]),)
    return found
