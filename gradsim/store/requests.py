"""What a file of curves says was asked for: read without its curves."""

import json

from .read import Stored


def requests(path):
    """(a dict of network and run for each cell, the names of its variables, the grid, the Share) of the file at `path`.

    All its bytes are those that were written. Raises RequestError where it is no file of gradsim, or damaged.
    """
    stored = Stored(path)
    with stored._told():
        stored._source.check()
    return [json.loads(text) for text in stored.column("request")], stored.names, stored.request, stored.share
