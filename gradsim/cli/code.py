"""gradsim code: a network in the words of a framework."""

import click

from .command import Command, Named
from .options import network_options, preset_option, preset_or_mlp

FRAMEWORKS = ("torch", "keras", "flax")  # without NumPy; a test compares
for_option = click.option(
    "--for", "framework", type=Named(FRAMEWORKS, option="--for"), help="In whose words to write the network."
)


@click.command("code", cls=Command)
@for_option
@preset_option
@network_options
def command(framework, preset, **options):
    """Write a network in PyTorch, Keras or Flax, to paste.

    make_model() of the code that is printed draws it anew each time, every weight and bias with the law that it has here. What
    cannot be said there is named in a comment.
    """
    from ..errors import RequestError
    from ..frameworks import code_for

    if framework is None:
        raise RequestError(f"--for: give it one of {', '.join(FRAMEWORKS)}")
    make, given = preset_or_mlp(preset, options)
    click.echo(code_for(make(**given), framework), nl=False)
