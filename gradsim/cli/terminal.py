"""What is printed, on any terminal: characters that it lacks in plain ones, and nothing that it would obey."""

import codecs
import io
import sys
from contextlib import contextmanager

PLAIN = {
    "∞": "inf",
    "–": "-",
    "—": "-",
    "−": "-",
    "±": "+-",
    "≤": "<=",
    "≥": ">=",
    "≈": "~",
    "↑": "^",
    "↓": "v",
    "←": "<-",
    "→": "->",
    "×": "x",
    "·": "*",
    "²": "^2",
    "√": "sqrt",
    "φ": "phi",
    "χ": "chi",
    "σ": "sigma",
    "…": "...",
    "’": "'",
    "“": '"',
    "”": '"',
}
REPLACED = ("strict", "surrogateescape", "backslashreplace")  # error handlers that nobody asked for; others stay


def _plain(error):
    """For codecs: what cannot be encoded in plain characters; bytes of a file's name that are no text as \\xff."""

    def one(character):
        code = ord(character)
        if 0xDC80 <= code <= 0xDCFF:
            return f"\\x{code - 0xDC00:02x}"
        return PLAIN.get(character) or character.encode("ascii", "backslashreplace").decode()

    return "".join(one(character) for character in error.object[error.start : error.end]), error.end


codecs.register_error("gradsim.plain", _plain)


@contextmanager
def any_terminal():
    """Within, stdout and stderr take every character; what is printed to a stderr that is closed is dropped."""
    before = []
    closed = sys.stderr is None
    if closed:
        sys.stderr = io.StringIO()
    for stream in (sys.stdout, sys.stderr):
        if getattr(stream, "errors", None) in REPLACED and hasattr(stream, "reconfigure"):
            before.append((stream, stream.errors))
            stream.reconfigure(errors="gradsim.plain")
    try:
        yield
    finally:
        for stream, errors in before:
            stream.reconfigure(errors=errors)
        if closed:
            sys.stderr = None


def printable(text):
    """One line, in which control characters and bytes that are no text are spelled out."""
    return "".join(c if c.isprintable() else _spelled(c) for c in " ".join(str(text).split()))


def _spelled(character):
    code = ord(character)
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else character.encode("unicode_escape").decode()
