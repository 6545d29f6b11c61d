"""What must be true of an input: it is refused in one line, or done; and never anything else."""

import hashlib
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

REFUSAL_MEMORY = 2**29  # bytes: to say no costs no memory
LONGEST_LINE = 3000  # characters, whatever was typed: a line that fills the screen tells nothing
ALIKE = ("Traceback", "Exception ignored", "Warning:", "core dumped", "Segmentation")


@dataclass(frozen=True)
class Refused:
    """Exit code 2, one line that has all `words` (and one of each tuple among them), nothing on stdout, nothing written.

    `never` must not be said. `late`: what was computed is printed all the same, and what can be written is (`writes`). Of a
    Python call: one of `errors` with such a text.
    """

    words: tuple = ()
    never: tuple = ()
    late: bool = False
    writes: tuple = ()
    code: int = 2
    errors: tuple = ("RequestError",)


@dataclass(frozen=True)
class Done:
    """Exit code 0, nothing on stderr, all `words` on stdout, the files `writes` are new and no other is touched.

    `check(folder, outcome)` asserts what else must be true; `said` allows for lines on stderr with these words.
    """

    words: tuple = ()
    writes: tuple = ()
    check: Callable | None = None
    changes: tuple = ()
    said: tuple = ()


@dataclass(frozen=True)
class Either:
    """Refused, or done right."""

    refused: Refused
    done: Done


@dataclass(frozen=True)
class AnyOf:
    """One of these."""

    truths: tuple


@dataclass(frozen=True)
class Input:
    """`arguments` of the command line, the `source` of a Python call, or both, in a folder that `prepare(folder)` filled."""

    name: str
    truth: object
    arguments: tuple = ()
    source: str | None = None
    prepare: Callable | None = None
    finish: Callable | None = None
    settings: dict = field(default_factory=dict)  # limits, encoding, nobody: see worker.py

    @property
    def calls(self):
        """What is run, in this order, each with its truth."""
        command = [({"arguments": list(self.arguments)}, self.truth)] if self.arguments else []
        alone = self.truth if not command else of_call(self.truth)
        return command + ([({"source": self.source}, alone)] if self.source is not None else [])


def refused(*words, **more):
    return Refused(words, **more)


def done(*words, **more):
    return Done(words, **more)


def either(*words, **more):
    """Refused with these words, or done with what `more` says."""
    return Either(Refused(words), Done(**more))


def _argument(word):
    """A word, or several of which one will do, as Python has it: the name of an argument for an option."""
    if isinstance(word, tuple):
        return tuple(map(_argument, word))
    return word[2:].replace("-", "_") if word.startswith("--") else word


def of_call(truth):
    """What must be true of the Python call beside a command that writes pictures and prints: the same, without these, and with
    the names of arguments."""
    if isinstance(truth, Either):
        return Either(of_call(truth.refused), of_call(truth.done))
    if isinstance(truth, Done):
        return replace(truth, words=(), writes=(), changes=())
    return replace(truth, words=tuple(map(_argument, truth.words)))


def listing(folder):
    """{name: digest} of everything below a folder, links and special files by what they are."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        name, mode = str(path.relative_to(folder)), path.lstat().st_mode
        if "__pycache__" in name:
            continue
        if stat.S_ISREG(mode):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        elif stat.S_ISLNK(mode):
            found[name] = f"link to {os.readlink(path)}"
        else:
            found[name] = f"special {stat.S_IFMT(mode):o}"
    return found


def without_draws(listed, said):
    """A listing without what a sweep keeps beside an output that is there, or says that it keeps (docs/durable.md)."""
    kept = {f"{name}.draws" for name in listed} | set(re.findall(r"is kept in (\S+\.draws);", said))
    return {name: digest for name, digest in listed.items() if not kept & {name, *map(str, Path(name).parents)}}


def problems(truth, outcome, before, after, folder, leftovers=()):
    """What is wrong, in words: an empty list where all is well."""
    if outcome.died:
        return [outcome.died]
    found = []
    if isinstance(truth, AnyOf):
        return min((problems(t, outcome, before, after, folder, leftovers) for t in truth.truths), key=len)
    if isinstance(truth, Either):
        truth = truth.done if outcome.code == 0 else truth.refused
    text = outcome.err + outcome.out + (outcome.message or "")
    found += [f"{word!r} was printed" for word in ALIKE if word in text]
    if outcome.path:
        found.append("sys.path is not what it was")
    if outcome.cwd:
        found.append(f"the current folder is now {outcome.cwd}")
    if outcome.threads > 0:
        found.append(f"{outcome.threads} threads are left")
    if outcome.open:
        found.append(f"still open: {outcome.open}")
    if leftovers:
        found.append(f"temporary files are left: {leftovers}")
    found += (_refused if isinstance(truth, Refused) else _done)(truth, outcome, before, after, folder)
    return found


def _telling(err):
    """Stderr without the lines that say how far a run is."""
    return "".join(line for line in err.splitlines(keepends=True) if "% done" not in line)


def _refused(truth, outcome, before, after, folder):
    if outcome.raised is not None:
        if not set(outcome.raised) & set(truth.errors):
            yield f"it raised {outcome.raised[0]}: {outcome.message}"
        line = outcome.message or ""
        if not line.strip() or "\n" in line.strip("\n"):
            yield f"not one line: {line!r}"
    else:
        line = _telling(outcome.err)
        line = line.removeprefix("\n") if truth.code == 130 else line  # beside the ^C of a terminal
        if outcome.code != truth.code:
            yield f"exit code {outcome.code}, not {truth.code}; stdout {outcome.out[:300]!r}"
        if line.count("\n") != 1 or not line.startswith("gradsim: "):
            yield f"not one line of gradsim's: {line[-1500:]!r}"
        if bool(outcome.out) != truth.late:
            yield f"stdout is {outcome.out[:300]!r}"
    for word in truth.words:
        words = (word,) if isinstance(word, str) else word
        if not any(w.casefold() in line.casefold() for w in words):
            yield f"no {' or '.join(map(repr, words))} in {line[-1500:]!r}"
    yield from (f"{word!r} in {line[-1500:]!r}" for word in truth.never if word.casefold() in line.casefold())
    if len(line) > LONGEST_LINE:
        yield f"a line of {len(line):,} characters"
    rest = {name: digest for name, digest in after.items() if name not in truth.writes}
    if before != rest or not set(truth.writes) <= set(after):
        yield f"files changed: {_difference(before, after)}; expected {truth.writes} new"
    if outcome.memory > REFUSAL_MEMORY:
        yield f"refusing took {outcome.memory / 2**20:.0f} MiB"


def _done(truth, outcome, before, after, folder):
    if outcome.code != 0 or outcome.raised is not None:
        raised = (outcome.raised or ["nothing raised"])[0]
        yield f"exit code {outcome.code}, {raised}: {outcome.message}; stderr {outcome.err[-1500:]!r}"
        return
    for line in _telling(outcome.err).splitlines():
        if not any(word in line for word in truth.said):
            yield f"stderr has {line!r}"
    yield from (f"no {word!r} in {outcome.out[:1500]!r}" for word in truth.words if word not in outcome.out)
    new, changed = set(after) - set(before), {n for n in before if before[n] != after.get(n)}
    if new != set(truth.writes) or changed != set(truth.changes):
        yield f"files changed: {_difference(before, after)}; expected {truth.writes} new, {truth.changes} changed"
    elif truth.check is not None:
        try:
            truth.check(folder, outcome)
        except AssertionError as error:
            yield f"not right: {error}"


def _difference(before, after):
    signs = dict.fromkeys(set(after) - set(before), "+") | dict.fromkeys(set(before) - set(after), "-")
    signs |= {n: "~" for n in set(before) & set(after) if before[n] != after[n]}
    return ", ".join(sign + name for name, sign in sorted(signs.items()))
