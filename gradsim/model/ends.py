"""First and last layers of their own: another initializer, gain or activation at the ends of a network."""

from dataclasses import replace

from ..errors import RequestError
from .parts import Activation, Linear, Repeat, Residual, changed


def with_ends(made, options):
    """The Network `made`, of checked options of `mlp`, with first and last layers of their own."""
    first, last = {"init": options["first_init"]}, {"init": options["last_init"], "gain": options["last_gain"]}
    if first["init"] and last["init"] and len(made.linear_maps) == 1:
        raise RequestError("--first-init: does not go with --last-init, since there is one linear map")
    activation = options["last_activation"]
    if not (any(first.values()) or last["init"] or last["gain"] is not None or activation):
        return made
    # one by one, so that ends can be told from what is between them
    stem, readout = list(made.stem), list(made.readout)
    blocks = [Repeat(repeat.parts, times) for repeat in made.blocks for times in _ends(repeat.times)]
    sections = [stem, *(list(repeat.parts) for repeat in blocks), readout]
    if first["init"]:
        _replace(sections, Linear, _like(first, options["bias"]))
    if last["init"] or last["gain"] is not None:
        _replace(sections, Linear, _like(last, options["bias"]), backwards=True)
    if activation and made.outputs is not None:
        sections[-1].append(Activation(activation))
    elif activation:
        _replace(sections, Activation, lambda part: Activation(activation), backwards=True)
    stem, *parts, readout = sections
    blocks = tuple(Repeat(block, repeat.times) for block, repeat in zip(parts, blocks, strict=True))
    return replace(made, stem=tuple(stem), blocks=blocks, readout=tuple(readout))


def _ends(times):
    """`times` with the first and the last one by themselves."""
    return (1, times - 2, 1) if times > 2 else (1,) * times


def _like(fields, bias):
    """A function that gives a Linear other `fields`, and its biases: `bias`, or what comes with its initializer."""
    fields = {name: value for name, value in fields.items() if value is not None}
    return lambda part: Linear(**{"width": part.width, "init": part.init, "gain": part.gain, "bias": bias} | fields)


def _replace(sections, kind, change, backwards=False):
    """Puts change(part) in the place of the first or the last part of a kind: in program order, within Residuals too."""
    step = reversed if backwards else iter
    for section in step(sections):
        if _replaced(section, kind, change, step):
            return


def _replaced(parts, kind, change, step):
    for k in step(range(len(parts))):
        if isinstance(parts[k], kind):
            parts[k] = change(parts[k])
            return True
        if isinstance(parts[k], Residual):
            branch, skip = list(parts[k].parts), [parts[k].skip] if parts[k].skip is not None else []
            if any(_replaced(some, kind, change, step) for some in step([branch, skip])):
                parts[k] = changed(parts[k], parts=tuple(branch), skip=skip[0] if skip else None)
                return True
    return False
