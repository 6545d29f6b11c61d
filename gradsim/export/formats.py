"""The files that tables are written to, row by row as cells are read: CSV, Parquet, JSON; and netCDF, which is all of it."""

import csv
import io
import json
import math
import os
from contextlib import ExitStack
from itertools import chain

import numpy as np

from ..errors import RequestError, unknown
from ..store.files import RESULTS, Kind, check_output, create, file_name, replacing
from ..version import __version__
from .tidy import Tables, is_count

PARQUET_START = b"PAR1"
JSON_START = b'{"gradsim_version": '
CSV_START = b"cell,"
OPTION = "path"
ORDER = ("cells", "layers", "histograms")  # in JSON


def export(curve_set, to, path, quantities=None, overwrite=False, histograms=False):
    """Write a CurveSet as `to`, one of FORMATS; the list of files, whole or not there.

    `path` gets the table of layers, and, of CSV and Parquet, a file beside it the table of cells: a.csv and a.cells.csv; with
    `histograms` another one that of their bins, a.histograms.csv. `quantities` are those that are wanted, or None for all;
    netCDF has all. Raises RequestError for what cannot be.
    """
    if to not in FORMATS:
        raise unknown("--to", to, FORMATS)
    make, kind, both = FORMATS[to]
    path = file_name(OPTION, path)
    if to == "netcdf":
        if quantities is not None and len(quantities):
            raise RequestError("quantities: netcdf has all quantities; leave it out")
        if histograms:
            raise RequestError("histograms: netcdf has all that were counted; leave it out")
        from ..store.write import pack

        pack(path, curve_set.layout(), curve_set, overwrite, option=OPTION, provenance=_origin(curve_set))
        return [path]
    beside = ("cells", "histograms") if histograms else ("cells",)
    paths = [path, *(path.with_suffix(f".{name}{path.suffix}") for name in beside if both)]
    for each in paths:
        check_output(OPTION, each, overwrite, kind)
    tables = Tables(curve_set, quantities)
    if histograms and not tables.has_histograms:
        raise RequestError("histograms: units were not counted; see histograms of simulate and of sweep.run")
    with ExitStack() as stack:
        streams = []
        for each in paths:
            temporary, mode = stack.enter_context(replacing(OPTION, each, overwrite, kind))
            streams.append(stack.enter_context(create(temporary, mode)))
        make(curve_set, {name: getattr(tables, name) for name in ("layers", *beside)}, *streams)
        for stream in streams:
            stream.flush()
            os.fsync(stream.fileno())
    return paths


def _origin(curve_set):
    return None if curve_set.provenance is None else {"exported_from": curve_set.provenance}


def _csv(curve_set, tables, *streams):
    for stream, table in zip(streams, tables.values(), strict=True):
        for text in csv_texts(table()):
            stream.write(text.encode())


def csv_texts(blocks):
    """Yield the table of dicts {column: array}, the same columns each time, as pieces of CSV: the names, then the rows."""
    for number, columns in enumerate(blocks):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if not number:
            writer.writerow(columns)
        writer.writerows(zip(*(_texts(values) for values in columns.values()), strict=True))
        yield text.getvalue()


def _texts(values):
    """What a column says in CSV: nothing where it is missing, numbers as short as they are."""
    return ["" if value is None or value != value else value for value in values.tolist()]


def _json(curve_set, tables, stream):
    for text in json_texts(curve_set, **{name: tables[name]() for name in ORDER if name in tables}):
        stream.write(text.encode())


def json_texts(curve_set, **tables):
    """Yield pieces of the JSON object that says what was asked for and has the `tables`, each as `csv_texts` takes them."""
    request, provenance = (json.dumps(x) for x in (curve_set.request, curve_set.provenance))
    yield f'{JSON_START.decode()}{json.dumps(__version__)}, "request": {request}, "provenance": {provenance}'
    for name, blocks in tables.items():
        yield f', "{name}": ['
        for number, row in enumerate(chain.from_iterable(map(json_rows, blocks))):
            yield (",\n" if number else "\n") + json.dumps(row, ensure_ascii=False, allow_nan=False)
        yield "]"
    yield "}\n"


def json_rows(columns):
    """Dicts, one a row of {column: array}, in which what is missing is null, and infinity a text: JSON has no number for it."""
    lists = [[json_number(value) for value in values.tolist()] for values in columns.values()]
    return (dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True))


def json_number(value):
    """A number as JSON has it: null for NaN, and the text "Infinity" or "-Infinity"."""
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _parquet(curve_set, tables, *streams):
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise RequestError("--to parquet needs pyarrow: pip install 'gradsim[tables]'") from None
    for stream, table in zip(streams, tables.values(), strict=True):
        writer = None
        for columns in table():
            schema = pyarrow.schema([(name, _type(pyarrow, name, values)) for name, values in columns.items()])
            arrays = [
                # NaN is what is missing: null there, as in the other formats
                pyarrow.array(values, field.type, mask=np.isnan(values) if values.dtype.kind == "f" else None)
                for field, values in zip(schema, columns.values(), strict=True)
            ]
            writer = writer or parquet.ParquetWriter(stream, schema)
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))
        writer.close()


def _type(pyarrow, name, values):
    if values.dtype.kind == "f":
        return pyarrow.float64()
    return pyarrow.int64() if values.dtype.kind == "i" or is_count(name) else pyarrow.string()


FORMATS = {  # (what writes it, what it replaces, whether the tables are two files)
    "csv": (_csv, Kind("a table of gradsim", lambda content: content[: len(CSV_START)] == CSV_START), True),
    "parquet": (_parquet, Kind("a Parquet file", lambda content: content[: len(PARQUET_START)] == PARQUET_START), True),
    "netcdf": (None, RESULTS, False),
    "json": (_json, Kind("a table of gradsim", lambda content: content[: len(JSON_START)] == JSON_START), False),
}
SUFFIXES = {"csv": ".csv", "parquet": ".parquet", "netcdf": ".nc", "json": ".json"}
