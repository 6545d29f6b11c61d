"""The command line: one file a command. Commands parse, call the API and print; nothing else."""

import sys

import click

from ..errors import RequestError, unknown

COMMANDS = {
    "run": "Simulate one network and judge its gradient.",
    "sweep": "Simulate every combination of a grid.",
    "plot": "Draw the curves of a file.",
    "theory": "Predict one network: mean field, exact laws, float ranges, critical gain.",
    "phase": "Draw the phase diagram of an activation.",
    "verify": "Hold the simulator against theory on this machine.",
    "list": "List activations or initializers.",
    "warmup": "Compile the kernels ahead of the first run.",
}


class Group(click.Group):
    """Loads the file of a command only when it is run, so that --help is immediate."""

    def list_commands(self, context):
        return list(COMMANDS)

    def get_command(self, context, name):
        if name not in COMMANDS:
            raise unknown("command", name, COMMANDS)
        from importlib import import_module

        return import_module(f".{name}", __name__).command

    def format_commands(self, context, formatter):
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gradsim", message="gradsim %(version)s")
def group():
    """How signals and gradients scale in deep networks at initialization."""


def main(arguments=None):
    """Runs the command line. Exit codes: 0 done, 2 a request that cannot be carried out, 130 interrupted."""
    try:
        code = group.main(arguments, prog_name="gradsim", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message())
        code = 0
    except click.ClickException as error:
        code = _complain(error.format_message())
    except RequestError as error:
        code = _complain(error)
    except (KeyboardInterrupt, click.Abort):
        print("gradsim: interrupted; nothing was written", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        sys.stderr.close()
        code = 141
    sys.exit(code if isinstance(code, int) else 0)


def _complain(message):
    print(f"gradsim: {' '.join(str(message).split())}", file=sys.stderr)
    return 2
