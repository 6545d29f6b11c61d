"""Options that several commands share: `gradsim.model.options` on the command line, and where results go."""

import click
from click.core import ParameterSource

from ..model.options import NETWORK, RUN, Choice, Flag
from .command import FileName, Named, Text, activations, initializers, preset_names

LONGEST = 50  # characters of names that stand beside an option; longer ones stand behind what it is for
COMPLETED = {"activation": activations, "init": initializers}  # by the last word of an option's name


class Checked(Text):
    """A value that is read and checked as the table says."""

    def __init__(self, option):
        super().__init__(COMPLETED.get(option.name.rpartition("_")[2], lambda: getattr(option.kind, "names", ())))
        self.name, self._read = option.kind.form, option.read

    def convert(self, value, param, context):
        return self._read(value) if isinstance(value, str) else value


def _apply(options, function):
    for option in reversed(options):
        function = option(function)
    return function


def declared(option):
    """The click option of an `Option`."""
    if isinstance(option.kind, Flag):
        return click.option(option.flag, is_flag=True, help=option.help)
    choices = option.kind.names if isinstance(option.kind, Choice) else ()
    kind = Named(choices, option.read) if choices else Checked(option)
    many = len("|".join(choices)) > LONGEST
    words = f"{option.help} One of {', '.join(choices)}." if many else option.help
    unset = f"  [default: {option.unset}]" if option.unset not in (None, "none") else ""
    return click.option(
        option.flag,
        type=kind,
        metavar="NAME" if many else None,
        default=option.default,
        show_default=option.default is not None,
        help=words + unset,
    )


def some_options(*names):
    """Of a network or a run, by name."""
    table = NETWORK | RUN
    return lambda function: _apply([declared(table[name]) for name in names], function)


network_options = some_options(*NETWORK)  # the arguments of `gradsim.mlp`
kept_options = some_options("keep_samples", "histograms")  # what is kept beside the curves
# Arguments of `gradsim.simulate`, with these and the threads all of them
run_options = some_options(*(name for name in RUN if name not in ("keep_samples", "histograms", "threads")))
threads_option = some_options("threads")
preset_option = click.option(
    "--preset", type=Text(preset_names), metavar="NAME", help="What a framework draws by itself, see `gradsim list presets`."
)


def preset_or_mlp(name, options):
    """(the function that makes the network, the options for it): `mlp`, or that of a preset if there is a name.

    A preset gets no option that was not given: what it says itself and what is asked for are two things.
    """
    from ..model.network import mlp
    from ..model.presets import preset

    if name is None:
        return mlp, options
    given = network_given(options)
    return preset(name).network, {key: value for key, value in options.items() if key not in NETWORK or key in given}


def network_given(options):
    """Those options of a network that were given, and not left to their defaults."""
    source = click.get_current_context().get_parameter_source
    return {key: options[key] for key in NETWORK if key in options and source(key) is not ParameterSource.DEFAULT}


select_option = click.option(
    "--select",
    multiple=True,
    type=Text(),
    metavar="NAME=VALUE",
    help="Only networks with this value, or in LEAST..MOST; repeat for more.",
)


def output_options(function):
    return _apply(
        [
            click.option("--out", "-o", type=FileName(), metavar="PATH", help="Write the curves to this HDF5 file."),
            click.option("--plot", type=FileName(), metavar="PATH", help="Draw the gradient into this .png, .pdf or .svg."),
            click.option(
                "--theory", is_flag=True, help="Put theory beside the curves: in the file, in the picture, in a table."
            ),
            click.option("--overwrite", is_flag=True, help="Replace existing files."),
        ],
        function,
    )
