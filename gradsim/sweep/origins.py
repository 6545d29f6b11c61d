"""How files that are combined came to be, by their provenance: told to the user where they differ, and kept in the output.

A provenance is a dict out of a file (`store.provenance`): nothing is taken for granted of what is in it.
"""

import json

from ..errors import shown
from ..results.columns import number
from ..store.layout import LARGEST_ATTRIBUTE

ROOM = LARGEST_ATTRIBUTE // 2  # bytes
MOST_SHOWN = 5
KEPT = (
    *("command_line", "created", "machine", "system", "cpu", "vector_instructions"),
    *("machines", "gradsim", "threads", "workers", "seconds"),
)
ALIKE = (
    "machine",
    "system",
    "cpu",
    "vector_instructions",
    "machines",
    "gradsim",
    "threads",
    "workers",
)  # where these agree the rest is added up


def origins(provenance, file, cells):
    """What a file with so many cells says of how it came to be, a list of dicts: of a combined one, what its parts said."""
    provenance = provenance if isinstance(provenance, dict) else {}
    parts = provenance.get("parts")
    if isinstance(parts, list) and parts and all(isinstance(found, dict) for found in parts):
        return parts
    return [{"file": file, "cells": cells} | {name: provenance[name] for name in KEPT if name in provenance}]


def summary(found):
    """The same of several files, for a provenance: of each, or of all that were computed alike where that would be too much."""
    if _fits(found):
        return found
    alike = {}
    for one in found:
        alike.setdefault(json.dumps([one.get(name) for name in ALIKE]), []).append(one)
    merged = [{name: group[0][name] for name in ALIKE if name in group[0]} | _total(group) for group in alike.values()]
    return merged if _fits(merged) else [{"files": len(found), "cells": _sum(found, "cells")}]


def cpu(origin):
    """The CPU and its widest vectors, in words; those of others where these computed it."""
    others = origin.get("machines")
    if isinstance(others, list) and others:
        return " and ".join(shown(words).strip(chr(39)) for words in others[:MOST_SHOWN])
    vectors = origin.get("vector_instructions")
    vectors = vectors if isinstance(vectors, list) else None
    widest = next((words for name, words in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if name in (vectors or ())), "others")
    name = origin.get("cpu")
    return f"{shown(name).strip(chr(39)) if name else 'an unknown CPU'} ({widest if vectors else 'unknown'} vectors)"


def unlike(found):
    """Yield what should be known of files that were not computed alike."""
    kinds = list(dict.fromkeys(cpu(one) for one in found))
    if len(kinds) > 1:
        yield (
            f"computed on several kinds of CPU: {_listed(kinds)}; sums on other vectors differ in their last digits, so that "
            "no single one of them gives all of these bits"
        )
    versions = list(dict.fromkeys(shown(one.get("gradsim")).strip("'") for one in found))
    if len(versions) > 1:
        yield f"computed by several versions of gradsim: {_listed(versions)}"


def _listed(names):
    rest = len(names) - MOST_SHOWN
    return ", ".join(names[:MOST_SHOWN]) + (f" and {rest:,} more" if rest > 0 else "")


def _fits(found):
    return len(json.dumps(found).encode()) <= ROOM


def _total(found):
    files = sum(int(number(one.get("files", 1)) or 1) for one in found)
    return {"files": files, "cells": _sum(found, "cells"), "seconds": round(_sum(found, "seconds"), 3)}


def _sum(found, name):
    return sum(number(one.get(name)) or 0 for one in found)
