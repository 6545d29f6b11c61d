"""Small networks with every step and every way to put them together."""

from gradsim.model.network import Network
from gradsim.model.parts import Activation, BatchNorm, Dropout, LayerNorm, Linear, Repeat, Residual, RMSNorm


def tree(*block, times=3, input_width=6, stem=(), readout=()):
    """A network whose one block, of these parts, stands there so many times."""
    return Network(input_width, stem, (Repeat(block, times),), readout)


def linear(width=6, **more):
    return Linear(width, **{"init": "lecun_normal", "bias": "normal(0.3)", **more})


TANH, GELU = Activation("tanh"), Activation("gelu")
BRANCH = (linear(9), GELU, linear())
TREES = {
    "plain": tree(linear(), TANH, readout=(linear(3),)),
    "two maps in a row": tree(linear(9), linear(), TANH),
    "maps and no activation": tree(linear()),
    "each part its own": tree(
        linear(init="xavier_uniform", gain=1.7),
        Activation("softplus"),
        linear(init="orthogonal", gain=-0.8, bias="constant(0.2)"),
        Activation("silu"),
        times=2,
        input_width=4,
        stem=(linear(init="rademacher(0.4)", bias="uniform(-1,0.5)"), GELU),
        readout=(linear(3, gain=0.1, bias="zeros"),),
    ),
    "residual": tree(Residual(BRANCH)),
    "residual with a scale": tree(Residual(BRANCH, scale=-0.3), input_width=4, stem=(linear(),), readout=(linear(3),)),
    "projection": tree(Residual((linear(9), TANH, linear(5)), skip=linear(5), scale=0.5), TANH, times=2),
    "nested": tree(Residual((linear(), Residual((TANH, linear()), scale=0.6), Residual((linear(), GELU)), linear())), times=2),
    "read three times": tree(Residual((Residual((linear(), TANH), scale=0.7), linear()), scale=1.3), times=2),
    "pre_norm": tree(Residual((LayerNorm(), *BRANCH)), readout=(LayerNorm(), linear(3))),
    "post_norm": tree(Residual(BRANCH), LayerNorm(), input_width=4, stem=(linear(),)),
    "rms": tree(Residual((RMSNorm(), *BRANCH)), RMSNorm()),
    "norm of the input": tree(LayerNorm(), linear(), TANH),
    "batch norm": tree(linear(), BatchNorm(), TANH, readout=(linear(3),)),
    "residual batch norm": tree(Residual((linear(9), BatchNorm(), GELU, linear(), BatchNorm()))),
    "both kinds of norms": tree(linear(), LayerNorm(), GELU, linear(), BatchNorm(), TANH, RMSNorm()),
    "large epsilon": tree(linear(), LayerNorm(3.0), TANH, linear(), BatchNorm(2.0), TANH, RMSNorm(10.0)),
    "epsilon zero": tree(linear(), LayerNorm(0.0), TANH, linear(), BatchNorm(0.0), TANH, RMSNorm(0.0)),
    "dropout": tree(linear(), GELU, Dropout(0.4), readout=(linear(3),)),
    "dropout of the input and of the stream": tree(
        Residual((linear(9), TANH, Dropout(0.2), linear(), Dropout(0.3))), Dropout(0.1), stem=(Dropout(0.1),)
    ),
}
