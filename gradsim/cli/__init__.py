"""The command line: one file a command. Commands parse, call the API and print; nothing else."""

import os
import sys
from contextlib import suppress

import click

from ..errors import RequestError, unknown
from ..telling import tell
from .output import Outputs
from .signals import Stopped, in_thread, stoppable
from .terminal import any_terminal, printable

COMPLETION = "_GRADSIM_COMPLETE"  # the variable by which click's completion in a shell asks
LONGEST_LINE = 2000  # characters: names of files may have more
COMMANDS = {
    "run": "Simulate one network and judge its gradient.",
    "sweep": "Simulate every combination of a grid.",
    "status": "Say how far a sweep is.",
    "combine": "Put the files of a sweep's shards together.",
    "show": "Print the verdicts or the layers of a file.",
    "plot": "Draw the curves of a file.",
    "report": "Write a page of a file, for a browser.",
    "export": "Write the curves of a file as tables.",
    "train": "Train networks for a while and say which layers learn.",
    "compare": "Put presets of frameworks side by side.",
    "code": "Write a network in PyTorch, Keras or Flax, to paste.",
    "theory": "Predict one network: mean field, exact laws, float ranges, critical gain.",
    "advise": "Say how to initialize a network, checked by simulation.",
    "phase": "Draw the phase diagram of an activation.",
    "verify": "Hold the simulator against theory on this machine.",
    "list": "List activations, initializers, blocks, presets or quantities.",
    "warmup": "Compile the kernels ahead of the first run.",
}


class Group(click.Group):
    """Loads the file of a command only when it is run, so that --help is immediate."""

    def list_commands(self, context):
        return [*COMMANDS]  # the name `list` is that of a command here, once its file is loaded

    def get_command(self, context, name):
        if name not in COMMANDS:
            if context.resilient_parsing:  # the shell completes what is typed: no errors in between
                return None
            raise unknown("command", name, COMMANDS)
        from importlib import import_module

        return import_module(f".{name}", __name__).command

    def format_commands(self, context, formatter):
        with formatter.section("Commands"):
            formatter.write_dl([*COMMANDS.items()])


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gradsim", message="gradsim %(version)s")
def group():
    """How signals and gradients scale in deep networks at initialization."""


def main(arguments=None):
    """Runs the command line. What a command prints and writes, it prints first.

    Exit codes: 0 done; 1 `verify` found that simulator and theory disagree; 2 a request that cannot be carried out, or a
    result that could not be printed or written (the others are); 3 some cells of a sweep could not be computed (the others are
    kept); 4 a network has a verdict that --fail-on names; 130 interrupted (Ctrl-C), 143 terminated (SIGTERM), 129 terminal
    closed (SIGHUP), each at once but for a file that is being written, and for what a sweep has finished; 141 nobody reads
    stdout any more.
    """
    outputs = Outputs()
    with any_terminal(), stoppable():
        try:
            code = in_thread(lambda: _run(arguments, outputs))
        except Stopped as stopped:
            code = _end(stopped, outputs)
            if arguments is None:  # a process of our own: threads that compute or compile are not waited for
                os._exit(code)
    sys.exit(code)


def _run(arguments, outputs):
    """The exit code of a command."""
    code = 0
    try:
        with outputs.trying():
            code = _called(arguments, outputs)
            if sys.stdout is None:
                raise RequestError("stdout: closed, nothing could be printed")
            sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message())
    except click.ClickException as error:
        code = _complain(error.format_message())
    except click.Abort:  # a module of the user's raised KeyboardInterrupt: signals are heard elsewhere
        return _complain(f"interrupted; {outputs.state}", 130)
    words = [text for text in dict.fromkeys(_words(error) for error in outputs.failures) if text]
    failed = [_complain("; ".join(words))] if words else []
    if any(isinstance(error, BrokenPipeError) for error in outputs.failures):
        with suppress(OSError, ValueError):  # or Python would fail once more at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        failed.append(141)
    return failed[0] if failed else code if isinstance(code, int) else 0


def _called(arguments, outputs):
    """What a command returns; where the shell asks what may be typed, click ends in the middle."""
    try:
        return group.main(arguments, prog_name="gradsim", standalone_mode=False, obj=outputs)
    except SystemExit as done:
        if COMPLETION not in os.environ:
            raise
        return done.code


def _words(error):
    """What failed, in words; of a reader of stdout that has enough there is nothing to be said."""
    if isinstance(error, OSError):
        silent = isinstance(error, BrokenPipeError)
        return "" if silent else f"{'stdout' if error.filename is None else repr(error.filename)}: {error.strerror or error}"
    return error.typed if isinstance(error, RequestError) else str(error)


def _complain(message, code=2):
    line = printable(message)
    half = LONGEST_LINE // 2
    tell(f"gradsim: {line if len(line) <= LONGEST_LINE else f'{line[:half]} ... {line[-half:]}'}")
    return code


def _end(stopped, outputs):
    """Says what a signal leaves behind; the exit code. A second signal does not wait for a file that is being written."""
    with suppress(Stopped):
        outputs.settle()
    outputs.abandon()  # what is written in a stream, of which no part is of use
    line = f"gradsim: {stopped.words}; {outputs.state}"
    if sys.stderr.isatty():  # past the bar, which would draw itself anew: it goes, and the cursor comes back
        os.write(2, f"\r\x1b[K{line}\n\x1b[?25h".encode(sys.stderr.encoding or "ascii", "gradsim.plain"))
    else:
        tell(line)
    return stopped.code
