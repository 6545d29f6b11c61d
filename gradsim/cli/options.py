"""Options that several commands share, and what they mean in Python."""

import click


class Widths(click.ParamType):
    """One width, or several separated by commas."""

    name = "integer[,integer...]"

    def convert(self, value, param, context):
        if not isinstance(value, str):
            return value
        try:
            widths = [int(part) for part in value.split(",")]
        except ValueError:
            self.fail(f"{value!r} is not a whole number, nor several separated by commas", param, context)
        return widths if len(widths) > 1 else widths[0]


def _apply(options, function):
    for option in reversed(options):
        function = option(function)
    return function


def network_options(function):
    """The arguments of `gradsim.mlp`."""
    return _apply(
        [
            click.option("--activation", default="relu", show_default=True, help="See `gradsim list activations`."),
            click.option("--init", default="he_normal", show_default=True, help="See `gradsim list initializers`."),
            click.option(
                "--width",
                type=Widths(),
                default=256,
                show_default=True,
                help="Units of a hidden layer, or one number a layer separated by commas.",
            ),
            click.option("--depth", type=int, help="Hidden layers.  [default: 100]"),
            click.option(
                "--weight-gain", type=float, default=1.0, show_default=True, help="Factor on the scale of the weights."
            ),
            click.option(
                "--bias",
                help="zeros, constant(c), normal(std), uniform(min,max) or fan_in_uniform.  [default: the initializer's]",
            ),
            click.option("--bias-std", type=float, default=0.0, show_default=True, help="Short for --bias normal(std)."),
            click.option("--input-width", type=int, help="Units of the input.  [default: the first width]"),
            click.option("--outputs", type=int, help="Add a linear readout with so many outputs."),
        ],
        function,
    )


def run_options(function):
    """The arguments of `gradsim.simulate`."""
    return _apply(
        [
            click.option("--replicas", type=int, default=1000, show_default=True, help="Networks to draw."),
            click.option("--seed", type=int, default=0, show_default=True, help="Seed of the random numbers."),
            click.option("--inputs", type=int, default=1, show_default=True, help="Inputs carried side by side."),
            click.option(
                "--input-correlation",
                type=float,
                default=0.0,
                show_default=True,
                help="Correlation between any two Gaussian inputs.",
            ),
            click.option("--input-file", help="Inputs are rows of X.npy, X.csv or X.h5:/path instead."),
            click.option("--target-file", help="Targets or labels of these rows, in such a file.  [default: random]"),
            click.option("--loss", default="probe", show_default=True, help="probe, mse or cross_entropy."),
            click.option(
                "--probe", default="independent", show_default=True, help="independent for each input, or shared by all."
            ),
            click.option(
                "--arithmetic",
                default="carried",
                show_default=True,
                help="carried exponents (nothing overflows), or plain float32 or float64 as in practice.",
            ),
            click.option(
                "--engine",
                default="auto",
                show_default=True,
                help="auto (no weight matrices where the law allows), matrix_free or dense.",
            ),
            click.option("--stream", help="Name of the random stream; networks of one stream share random numbers."),
        ],
        function,
    )


def threads_option(function):
    return click.option("--threads", type=int, help="Threads to use.  [default: all cores]")(function)


def output_options(function):
    return _apply(
        [
            click.option("--out", type=click.Path(), help="Write the curves to this HDF5 file."),
            click.option("--plot", type=click.Path(), help="Draw the gradient into this .png, .pdf or .svg."),
            click.option(
                "--theory", is_flag=True, help="Put theory beside the curves: in the file, in the picture, in a table."
            ),
            click.option("--overwrite", is_flag=True, help="Replace existing files."),
        ],
        function,
    )
