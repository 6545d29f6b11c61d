"""A user's own PyTorch model on the command line: FILE.py:FUNCTION, which makes it anew each time it is called."""

from typing import NamedTuple

from ..errors import RequestError

MODEL = "MODEL"


class Model(NamedTuple):
    """What can be said of it: Curves of `observed` models, and the `network` of gradsim that it is, or why it is `none`."""

    observed: object
    network: object
    none: str


def maker(text):
    """The function that FILE.py:FUNCTION or module:function names. Raises RequestError."""
    from ..model.importing import file_of, imported, imported_file

    place, _, name = text.rpartition(":")
    if not place or not name.isidentifier():
        raise RequestError(f"{MODEL}: {text!r} is not FILE.py:FUNCTION, as model.py:make_model")
    module = (imported_file if place.endswith(".py") else imported)(place, MODEL)
    found = getattr(module, name, None)
    if not callable(found):
        what = "no" if found is None else "no function"
        raise RequestError(f"{MODEL}: {place!r} ({file_of(module)}) has {what} {name!r}")
    return found


def looked_at(text, inputs, input_width, replicas, seed):
    """The Model of `text`, which gets normal inputs, (inputs, input_width), anew for each of the replicas."""
    from ..torch.library import needed

    needed("gradsim advise MODEL")
    import torch

    from ..torch import observe, translate

    make = maker(text)
    observed = observe(make, lambda: torch.randn(inputs, input_width), replicas, seed=seed)
    try:
        with torch.random.fork_rng([]):
            torch.manual_seed(seed % 2**63)
            return Model(observed, translate(make()), "")
    except RequestError as error:
        return Model(observed, None, str(error))
