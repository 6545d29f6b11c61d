"""gradsim theory: what theory says of one network, and which gain to use, checked by simulation."""

import click

from .command import Command
from .options import network_options, preset_option, preset_or_mlp, some_options


@click.command("theory", cls=Command)
@preset_option
@network_options
@some_options("inputs", "input_correlation", "probe")
@click.option(
    "--seconds",
    type=float,
    default=10.0,
    show_default=True,
    help="Most work, in seconds of one core, for the simulation that checks the advice; 0 for none.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything, layer by layer, as JSON.")
def command(preset, as_json, inputs, input_correlation, probe, seconds, **options):
    """Predict one network: mean field, exact laws at its width, float ranges, its critical gain; recommend a gain.

    What is recommended was simulated at the network's own width.
    """
    from ..advice.summary import summary
    from ..errors import finite_number
    from ..model.request import checked
    from .progress import compile_first

    checked(inputs=inputs, input_correlation=input_correlation, probe=probe)
    finite_number("--seconds", seconds, 0.0)
    make, given = preset_or_mlp(preset, options)
    options = {"network": make(**given), "inputs": inputs, "input_correlation": input_correlation, "probe": probe}
    found = summary(**options, seconds=seconds, prepare=lambda: compile_first("carried"))
    if as_json:
        click.echo(found.to_json())
    else:
        from ..advice.summary_report import show

        show(found)
