"""A list of parts as a chain of blocks, each with a width: what makes the form of a network canonical.

Equal blocks one after another are a run, (parts of one block, times), so that a million of them are two numbers.
"""

from typing import NamedTuple

from ..errors import RequestError
from .parts import Linear, Repeat, Residual, changed


class Chain(NamedTuple):
    """Parts before the first block, and runs of blocks. A block begins with a Linear or a Residual, and goes on to the next."""

    head: tuple
    runs: list


def chain(parts):
    """The Chain of parts. Repeats are taken apart, but for equal blocks."""
    found = Chain((), [])
    for part in parts:
        if isinstance(part, Repeat):
            found = _joined(found, _repeated(chain(part.parts), part.times))
        else:
            found = _joined(found, Chain((), [((part,), 1)]) if isinstance(part, Linear | Residual) else Chain((part,), []))
    return found


def _joined(first, second):
    """Takes `first` apart to make it."""
    if not first.runs:
        return Chain(first.head + second.head, second.runs)
    if second.head:
        parts, times = first.runs.pop()
        add(first.runs, parts, times - 1)
        add(first.runs, parts + second.head, 1)
    for parts, times in second.runs:
        add(first.runs, parts, times)
    return first


def _repeated(one, times):
    if times == 1 or not one.runs:
        return Chain(one.head * times, one.runs)
    closed = _joined(Chain((), list(one.runs)), Chain(one.head, []))  # as it is before another one
    if len(closed.runs) == 1:
        parts, count = closed.runs[0]
        before = [(parts, count * (times - 1))]
    else:
        before = closed.runs * (times - 1)
    return _joined(Chain(one.head, before), Chain((), one.runs))


def add(runs, parts, times):
    """Adds a run at the end, to the last one where blocks are equal."""
    if not times:
        return
    if runs and (runs[-1][0] is parts or runs[-1][0] == parts):
        times += runs.pop()[1]
    runs.append((parts, times))


def fitted_runs(runs, width):
    """(runs with all widths, the width of what they give); `width` goes in. Raises RequestError for what does not fit."""
    found, known = [], {}

    def fit(parts, into):
        at = (id(parts), into)
        if at not in known:
            known[at] = fitted(parts, into)
        return known[at]

    for parts, times in runs:
        first, width = fit(parts, width)
        add(found, first, 1)
        if times > 1:
            rest, width = fit(parts, width)  # from the second on all blocks are alike
            add(found, rest, times - 1)
    return found, width


def fitted(parts, width):
    """(parts with all widths and without Repeats, the width of what they give). Raises RequestError."""
    found = []
    for part in parts:
        if isinstance(part, Repeat):
            for times in (1, part.times - 1) if part.times > 1 else (1,):
                inner, width = fitted(part.parts, width)
                found.extend(inner * times)
            continue
        if isinstance(part, Linear):
            part = _wide(part, width)
            width = part.width
        elif isinstance(part, Residual):
            part, width = _residual(part, width)
        found.append(part)
    same = len(found) == len(parts) and all(a is b for a, b in zip(found, parts, strict=True))
    return (parts if same else tuple(found)), width


def _wide(linear, width):
    return changed(linear, width=width) if linear.width is None else linear


def _residual(part, width):
    branch, out = fitted(part.parts, width)
    skip = None if part.skip is None else _wide(part.skip, out)
    if skip is None and out != width:
        raise RequestError(
            f"Residual: {width:,} units go in and its parts give {out:,}; a skip between different widths needs a projection: "
            "Residual(..., skip=Linear())"
        )
    if skip is not None and skip.width != out:
        raise RequestError(f"Residual: its skip gives {skip.width:,} units and its parts {out:,}; they are added")
    same = branch is part.parts and skip is part.skip
    return (part if same else changed(part, parts=branch, skip=skip)), out


def width_behind(parts, width):
    """The width of what parts with widths give."""
    for part in reversed(parts):
        if isinstance(part, Linear):
            return part.width
        if isinstance(part, Residual):
            return width_behind(part.parts, width) if part.skip is None else part.skip.width
    return width


def linear_maps(parts, width):
    """Yield (fan-in, Linear) in the order of the program (`program.graph`): a branch before its skip."""
    for part in parts:
        if isinstance(part, Linear):
            yield width, part
        elif isinstance(part, Residual):
            yield from linear_maps(part.parts, width)
            if part.skip is not None:
                yield width, part.skip
        width = width_behind((part,), width)


def inner(parts):
    """Yield all parts, those in a Residual after it."""
    for part in parts:
        yield part
        if isinstance(part, Residual):
            yield from inner(part.parts)
            if part.skip is not None:
                yield part.skip


def first_width(parts):
    """The width that parts are made for, where they say it: that of the first linear map, or of the stream if a Residual
    comes first; None where they do not."""
    for part in parts:
        if isinstance(part, Linear):
            return part.width
        if isinstance(part, Residual):
            return _last_width(part.parts) if part.skip is None else first_width(part.parts)
        if isinstance(part, Repeat) and any(isinstance(p, Linear | Residual) for p in inner_all(part.parts)):
            return first_width(part.parts)
    return None


def _last_width(parts):
    """The width that a branch gives, where it says it."""
    for part in reversed(parts):
        if isinstance(part, Linear):
            if part.width is not None:
                return part.width
        elif isinstance(part, Residual | Repeat):
            width = _last_width((part.skip,)) if getattr(part, "skip", None) is not None else _last_width(part.parts)
            if width is not None:
                return width
    return None


def inner_all(parts):
    """As `inner`, of parts with Repeats among them: those in one come once."""
    for part in parts:
        yield part
        if isinstance(part, Residual | Repeat):
            yield from inner_all(part.parts)


def repeats(runs):
    """A Repeat of each run, (parts, times); the same one for the same run."""
    known = {}
    for parts, times in runs:
        if (id(parts), times) not in known:
            known[id(parts), times] = Repeat(parts, times)
    return tuple(known[id(parts), times] for parts, times in runs)


def shape(parts):
    """All of a tuple of parts but laws, activations and scales, as nested tuples of plain values."""
    return tuple(map(_part_shape, parts))


def _part_shape(part):
    if isinstance(part, Linear):
        return part.width
    if isinstance(part, Repeat):
        return part.times, shape(part.parts)
    if isinstance(part, Residual):
        return shape(part.parts), None if part.skip is None else part.skip.width
    return type(part).__name__


def ends_in_readout(runs):
    """Whether the last block is a bare Linear, and not the only one."""
    return bool(runs) and [type(part) for part in runs[-1][0]] == [Linear] and sum(times for _, times in runs) > 1
