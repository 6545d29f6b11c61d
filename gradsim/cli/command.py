"""What commands are made of: options that the environment may give too, and values that the shell completes."""

import re
import shlex
from contextlib import contextmanager

import click
from click.core import ParameterSource

from ..errors import RequestError
from ..model.options import Choice


def variable(command, option):
    """The name of the environment variable that gives an option of a command: GRADSIM_RUN_THREADS for run --threads."""
    flag = next(name for name in option.opts if name.startswith("--"))
    return f"GRADSIM_{command}_{flag.removeprefix('--')}".replace("-", "_").upper()


class Command(click.Command):
    """A command whose options may come from the environment; what is said of a bad value then names the variable."""

    def __init__(self, name, *arguments, **more):
        super().__init__(name, *arguments, **more)
        for option in self.params:
            if isinstance(option, click.Option):
                option.envvar = variable(name, option)

    def parse_args(self, context, arguments):
        with _origin_told(context):
            return super().parse_args(context, arguments)

    def invoke(self, context):
        with _origin_told(context):
            return super().invoke(context)


@contextmanager
def _origin_told(context):
    try:
        yield
    except RequestError as error:
        if origin := _origin(context, error.typed):
            raise RequestError(f"{error.text}{origin}") from None
        raise
    except click.UsageError as error:
        error.message += _origin(context, error.format_message())
        raise


def _origin(context, message):
    """In brackets, which variables gave the options that a message names; or all that gave any: one of them may be meant."""
    given = [o for o in context.command.params if context.get_parameter_source(o.name) is ParameterSource.ENVIRONMENT]
    named = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", message))
    if found := [option.envvar for option in given if named.intersection(option.opts)]:
        return f" (from {', '.join(found)})"
    return f" (with {', '.join(option.envvar for option in given)} in the environment)" if given else ""


def _completed(names, incomplete):
    from click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class Named(click.Choice):
    """One of a few names, checked by `read` or, without it, as options of a network are, in errors about `option`."""

    def __init__(self, names, read=None, option=None):
        super().__init__(names)
        self._read = read or (lambda text: Choice(tuple(names)).check(option, text))

    def convert(self, value, param, context):
        return self._read(value)


class Text(click.ParamType):
    """Any text; `names()` are those that the shell completes. Several in a variable stand there as a shell has them."""

    name = "text"

    def __init__(self, names=tuple):
        self._names = names

    def convert(self, value, param, context):
        return value

    def split_envvar_value(self, text):
        try:
            return shlex.split(text)
        except ValueError:  # a quotation that does not end
            return text.split()

    def shell_complete(self, context, param, incomplete):
        return _completed(self._names(), incomplete)


class FileName(Text):
    """That of a file."""

    def shell_complete(self, context, param, incomplete):
        from click.shell_completion import CompletionItem

        return [CompletionItem(incomplete, type="file")]


def quantities():
    """The names of all that is recorded."""
    from ..statistics.quantities import QUANTITIES

    return QUANTITIES


def activations():
    """The names of all activations but a user's own."""
    from ..model.activations import ACTIVATIONS

    return [name for entry in ACTIVATIONS for name in (entry.name, *entry.aliases)]


def preset_names():
    """The names of all presets."""
    from ..model.presets import presets

    return [preset.name for preset in presets()]


def initializers():
    """The names of all initializers, without arguments."""
    from ..model.initializers import INITIALIZERS

    return [name for entry in INITIALIZERS for name in (entry.name, *entry.aliases)]
