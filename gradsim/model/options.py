"""Every option of a network and of a run, once: its name, what it may be, its default, what it means.

The command line, TOML grids, `mlp` and `simulate` all take names, checks, defaults and help from these tables. To check is to
look at one value alone; what several options mean together is found out in `network` and `request`.
"""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import RequestError, finite_number, is_list, plain, several, shown, unknown, whole_number

LARGEST_WIDTH = 65_536  # width^2 / 4 blocks of random numbers a layer must fit a 32-bit counter word
MOST = 2**32  # replicas, layers, inputs: each is one 32-bit word of the counter; memory ends long before (`memory`)
LARGEST_SEED = 2**128 - 1  # what secrets.randbits(128) gives; the key is a hash of it
MOST_LISTED = 10**7  # widths, one by one
LONGEST_TEXT = 1000  # characters of a name that is kept in every cell of a file
ENGINES = ("auto", "matrix_free", "dense", "cuda")
LOSSES = ("probe", "mse", "cross_entropy")
PROBES = ("independent", "shared")
ARITHMETICS = ("carried", "float32", "float64")
FLOAT_TYPES = ARITHMETICS[1:]  # of training
OPTIMIZERS = ("sgd", "adam")
BLOCKS = (
    "plain",
    "residual",
    "pre_norm",
    "post_norm",
    "resnet_v1",
    "resnet_v2",
    "rezero",
    "fixup",
    "skipinit",
    "deepnorm",
)
NORMS = ("layer", "rms", "batch", "none")
SCALES = ("1/sqrt(depth)", "1/depth", "zero")


class Whole:
    """A whole number; `most` may be a function, where it takes time to find out."""

    form = "integer"

    def __init__(self, least=1, most=None):
        self.least, self.most = least, most

    def check(self, option, value):
        return whole_number(option, value, self.least, self.most() if callable(self.most) else self.most)

    def read(self, option, text):
        return self.check(option, _number(text))


class Real:
    """A finite number."""

    form = "number"

    def __init__(self, least=-math.inf):
        self.least = least

    def check(self, option, value):
        return finite_number(option, value, self.least)

    def read(self, option, text):
        return self.check(option, _number(text))


class Probability:
    """A number from 0 to below 1."""

    form = "number"

    def check(self, option, value):
        number = finite_number(option, value)
        if not 0 <= number < 1:
            raise RequestError(f"{option}: {shown(value)} is not from 0 to below 1; it is the probability of dropping")
        return number + 0.0  # -0 is 0

    def read(self, option, text):
        return self.check(option, _number(text))


class Scale:
    """A finite number, or one of a few texts that stand for one."""

    form = "number|name"

    def __init__(self, names):
        self.names = names

    def check(self, option, value):
        if not isinstance(value, str):
            return finite_number(option, value) + 0.0
        text = "".join(value.lower().split())
        if text not in self.names:
            raise RequestError(f"{option}: {shown(value)} is neither a number nor one of {', '.join(self.names)}")
        return text

    def read(self, option, text):
        return self.check(option, _number(text))


class Layers:
    """A list of parts, or of tables that describe them; `network.mlp` reads these. Text is TOML's."""

    form = "[{part=...},...]"

    def check(self, option, value):
        parts = several(value)
        if not parts or not all(map(self._one, parts)):
            raise RequestError(
                f'{option}: {shown(value)} is not a list of tables like {{part = "Linear", width = 64}}, one for each part'
            )
        return parts

    def holds(self, value):
        """Whether `value`, a list, is one value and not a list of them."""
        return bool(value) and all(map(self._one, value))

    @staticmethod
    def _one(entry):
        return isinstance(entry, dict) or hasattr(entry, "nesting")  # a part

    def read(self, option, text):
        import tomllib

        try:
            found = tomllib.loads(f"layers = {text}")
        except (ValueError, RecursionError) as error:
            reason = " ".join(str(error).split())[:200]
            raise RequestError(f"{option}: {shown(text)} is not a list of tables in TOML: {reason}") from None
        return self.check(option, found["layers"] if len(found) == 1 else found)


class Choice:
    """One of a few names."""

    form = "name"

    def __init__(self, names):
        self.names = names

    def check(self, option, value):
        if not isinstance(value, str) or value not in self.names:
            raise unknown(option, value, self.names)
        return str(value)

    read = check


class Text:
    """A text that fits a file; `example` says what it is like."""

    form = "text"

    def __init__(self, example):
        self.example = example

    def check(self, option, value):
        if not isinstance(value, str) or not value or len(value) > LONGEST_TEXT:
            raise RequestError(f"{option}: {shown(value)} is not a text of 1 to {LONGEST_TEXT:,} characters, {self.example}")
        if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise RequestError(f"{option}: {shown(value)} has characters that are not text (UTF-8)")
        return str(value)

    read = check


class Widths:
    """One width, or a list with one entry a layer."""

    form = "integer[,integer...]"

    def check(self, option, value):
        if is_list(value):
            if not len(value):
                raise RequestError(f"{option}: {shown(value)} is an empty list; give one width a layer")
            if len(value) > MOST_LISTED:
                raise RequestError(f"{option}: a list of {len(value):,} widths is longer than {MOST_LISTED:,}")
            return [whole_number(option, width, 1, LARGEST_WIDTH) for width in value]
        return whole_number(option, value, 1, LARGEST_WIDTH)

    def read(self, option, text):
        widths = [whole_number(option, _number(part), 1, LARGEST_WIDTH) for part in text.split(",")]
        return widths if len(widths) > 1 else widths[0]


class Steps:
    """Increasing whole numbers from 0 on."""

    form = "integer[,integer...]"

    def check(self, option, value):
        steps = [whole_number(option, step, 0) for step in several(value) or [value]]
        if steps != sorted(set(steps)):
            raise RequestError(f"{option}: {shown(value)} are not increasing steps")
        return tuple(steps)

    def read(self, option, text):
        return self.check(option, [_number(part) for part in text.split(",")])


class Rows:
    """A path or an array; `data.samples` reads it."""

    form = "file"

    def check(self, option, value):
        if isinstance(value, str | os.PathLike) or hasattr(value, "description") or hasattr(value, "__array__"):
            return value
        if isinstance(value, list | tuple):
            return value
        raise RequestError(f"{option}: {shown(value)} is neither the name of a file nor an array")

    def read(self, option, text):
        return text


class Flag:
    """Yes or no."""

    form = None

    def check(self, option, value):
        if not isinstance(value, bool):
            raise RequestError(f"{option}: {shown(value)} is not true or false")
        return value


def _number(text):
    """The number that a text of the command line stands for; the text itself where it is none, which no check lets pass."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _cores():
    from numba import config

    return config.NUMBA_NUM_THREADS


@dataclass(frozen=True)
class Option:
    """One option. `unset` says in words what a default of None stands for; an option without it must be given a value."""

    name: str
    kind: Any
    default: Any
    help: str
    unset: str | None = None
    in_grids: bool = True  # whether a sweep's grid may give it

    @property
    def flag(self) -> str:
        """Its name on the command line and in messages."""
        return f"--{self.name.replace('_', '-')}"

    def check(self, value: object) -> Any:
        """`value` as a plain one. Raises RequestError, one line with the option, the value and what is allowed."""
        value = plain(value)
        if value is None and self.unset is not None:
            return None
        return self.kind.check(self.flag, value)

    @property
    def read(self) -> Callable[[str], Any]:
        """From a text of the command line, checked."""
        return lambda text: self.kind.read(self.flag, text)


def _table(*options):
    return {option.name: option for option in options}


NETWORK = _table(
    Option("activation", Text("like relu"), "relu", "See `gradsim list activations`."),
    Option("init", Text("like he_normal"), "he_normal", "See `gradsim list initializers`."),
    Option("width", Widths(), 256, "Units of a hidden layer, or one number a layer separated by commas."),
    Option("depth", Whole(1, MOST), None, "Hidden layers, or blocks.", "100"),
    Option("weight_gain", Real(), 1.0, "Factor on the scale of the weights."),
    Option(
        "bias",
        Text("like normal(0.1)"),
        None,
        "zeros, constant(c), normal(std), uniform(min,max) or fan_in_uniform.",
        "the initializer's",
    ),
    Option("bias_std", Real(0.0), 0.0, "Short for --bias normal(std)."),
    Option("input_width", Whole(1, LARGEST_WIDTH), None, "Units of the input.", "the first width"),
    Option("outputs", Whole(1, LARGEST_WIDTH), None, "Add a linear readout with so many outputs.", "none"),
    Option("block", Choice(BLOCKS), "plain", "What is between input and readout, `depth` times: see `gradsim list blocks`."),
    Option("norm", Choice(NORMS), None, "layer, rms, batch or none.", "none, or what the block is known for"),
    Option("block_depth", Whole(1, MOST), None, "Linear maps in the branch of a block.", "2"),
    Option("residual_scale", Scale(SCALES), None, f"Factor on a branch: a number, {', '.join(SCALES)}.", "1"),
    Option("dropout", Probability(), 0.0, "Probability of dropping a unit behind each activation."),
    Option("final_norm", Flag(), False, "Put a norm behind the last block."),
    Option("first_init", Text("like uniform(-1,1)"), None, "Initializer of the first linear map.", "that of all"),
    Option(
        "last_init", Text("like zeros"), None, "Initializer of the last linear map, the readout if there is one.", "that of all"
    ),
    Option("last_gain", Real(), None, "Factor on the scale of its weights.", "that of all"),
    Option(
        "last_activation",
        Text("like tanh"),
        None,
        "Activation of the last layer, behind a readout too.",
        "that of all, none behind a readout",
    ),
    Option("layers", Layers(), None, 'Any other network, part by part: [{part = "Linear", width = 64}, ...].', "none"),
)
RUN = _table(
    Option("replicas", Whole(1, MOST), 1000, "Networks to draw."),
    Option("seed", Whole(0, LARGEST_SEED), 0, "Seed of the random numbers."),
    Option("inputs", Whole(1, MOST), 1, "Inputs carried side by side."),
    Option("input_correlation", Real(), 0.0, "Correlation between any two Gaussian inputs."),
    Option("input_file", Rows(), None, "Inputs are rows of X.npy, X.csv or X.h5:/path instead.", "Gaussian inputs"),
    Option("target_file", Rows(), None, "Targets or labels of these rows, in such a file.", "random"),
    Option("loss", Choice(LOSSES), "probe", "probe, mse or cross_entropy."),
    Option("probe", Choice(PROBES), "independent", "independent for each input, or shared by all."),
    Option(
        "arithmetic",
        Choice(ARITHMETICS),
        "carried",
        "carried exponents (nothing overflows), or plain float32 or float64 as in practice.",
    ),
    Option(
        "engine",
        Choice(ENGINES),
        "auto",
        "auto (no weight matrices where the law allows), matrix_free, dense, or cuda: matrix_free on a GPU.",
    ),
    Option(
        "stream",
        Text("like shared"),
        None,
        "Name of the random stream; networks of one stream share random numbers.",
        "the network's own",
    ),
    Option("keep_samples", Flag(), False, "Keep every network's curves in the file too."),
    Option("histograms", Whole(0, MOST), 0, "Networks whose units are counted by their values, layer by layer."),
    Option("threads", Whole(1, _cores), None, "Threads to use.", "all cores", in_grids=False),
)
OPTIONS = NETWORK | RUN
TRAINING = _table(
    Option("loss", Choice(LOSSES[:0:-1]), "cross_entropy", "cross_entropy of labels, or mse."),
    Option("learning_rate", Real(0.0), 0.05, "Learning rate."),
    Option("momentum", Real(0.0), 0.0, "Momentum of sgd, below 1."),
    Option("optimizer", Choice(OPTIMIZERS), "sgd", "sgd, stochastic gradient descent, or adam."),
    Option("batch_size", Whole(1, MOST), 32, "Samples in a batch, drawn anew at every step."),
    Option("steps", Whole(1, MOST), 300, "Updates of the weights."),
    Option("replicas", Whole(1, MOST), 50, "Networks to train."),
    RUN["seed"],
    Option("float_type", Choice(FLOAT_TYPES), "float32", "float32, as in practice, or float64."),
    Option("record_at", Steps(), None, "Steps on record, layer by layer, like 0,10,100.", "0,1,3,10,30... and the last"),
    Option("held_out", Real(0.0), 0.2, "Share of the samples that is not trained on, below 1."),
    RUN["stream"],
    RUN["threads"],
)


def check_all(table, options):
    """The checked value of every option of the table: those given, else their defaults. Raises RequestError."""
    for name in options:
        if name not in table:
            raise unknown("option", name, table)
    given = ((name, option, options.get(name, option.default)) for name, option in table.items())
    return {name: value if value is option.default else option.check(value) for name, option, value in given}
