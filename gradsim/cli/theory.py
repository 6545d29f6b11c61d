"""gradsim theory: what theory says of one network, without simulating it."""

import click

from .options import network_options


@click.command("theory")
@network_options
@click.option("--inputs", type=int, default=1, show_default=True, help="Inputs carried side by side.")
@click.option("--input-correlation", type=float, default=0.0, show_default=True, help="Correlation between any two inputs.")
@click.option("--probe", default="independent", show_default=True, help="independent for each input, or shared by all.")
@click.option("--json", "as_json", is_flag=True, help="Print everything, layer by layer, as JSON.")
def command(as_json, inputs, input_correlation, probe, **options):
    """Predict one network: mean field, exact laws at its width, float ranges, and its critical gain."""
    from ..network import mlp
    from ..request import checked
    from ..theory.summary import summary

    checked(inputs=inputs, input_correlation=input_correlation, probe=probe)
    found = summary(mlp(**options), inputs=inputs, input_correlation=input_correlation, probe=probe)
    if as_json:
        click.echo(found.to_json())
    else:
        from ..theory.summary_report import show

        show(found)
