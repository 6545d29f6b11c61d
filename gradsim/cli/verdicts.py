"""--fail-on: an exit code for whoever has gradsim look after networks, as in CI."""

import click

from ..errors import unknown
from ..telling import tell

FOUND = 4  # exit code where a network has one of the verdicts that were named
WORDS = ("stable", "vanishing", "exploding", "split", "zero", "symmetric", "non-finite")  # without NumPy; a test compares


class Words(click.ParamType):
    """Verdicts in a word each, separated by commas."""

    name = "word[,word...]"

    def convert(self, value, param, context):
        return value if isinstance(value, frozenset) else frozenset(map(self._one, value.split(",")))

    @staticmethod
    def _one(text):
        word = text.strip().lower().replace("_", "-")
        if word not in WORDS:
            raise unknown("--fail-on", text.strip(), WORDS)
        return word

    def shell_complete(self, context, param, incomplete):
        from click.shell_completion import CompletionItem

        before, comma, last = incomplete.rpartition(",")
        return [CompletionItem(before + comma + word) for word in WORDS if word.startswith(last)]


fail_on_option = click.option(
    "--fail-on",
    type=Words(),
    help=f"Exit with {FOUND} if any network has one of these verdicts: {', '.join(WORDS)}.",
)


def judged(curve_set, words):
    """The exit code: FOUND, with a line that says why, if any network of a CurveSet has one of the `words`, or None; else 0."""
    if not words:
        return 0
    verdicts = curve_set.column("verdict").tolist()
    found = [word for word in verdicts if word in words]
    if not found:
        return 0
    counts = ", ".join(f"{found.count(word):,} {word}" for word in dict.fromkeys(found))
    tell(f"gradsim: --fail-on: {counts} of {len(verdicts):,} network{'s' * (len(verdicts) != 1)}")
    return FOUND
