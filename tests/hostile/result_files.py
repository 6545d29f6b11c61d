"""Files of results for `gradsim.open` and `plot`: damaged, nearly gradsim's, cut in xarray, or after something else.

Each is a good file, r.h5, changed in one way. Beside it lies evil.py, which no file may have imported.
"""

import contextlib
import functools
import io
import json
import os
import shutil
import tempfile
from pathlib import Path

import h5py
import numpy as np

from .special import circle, device, fifo
from .truths import Either, Input, done, refused

EVIL = "open('pwned', 'w')\ndef f(h):\n    return h\ndef f_derivative(h):\n    return 1.0\n"
MAKE = """
import gradsim
from gradsim.curves import CurveSet
two = gradsim.simulate(gradsim.mlp(width=4, depth=3, activation="tanh"), 20, inputs=2)
readout = gradsim.simulate(gradsim.mlp(width=[5, 3], activation="relu", outputs=2), 20, keep_samples=True)
CurveSet([two, readout]).save("r.h5")
"""
OPEN = "import gradsim\nprint(gradsim.open('r.h5').table())"
DIGEST = """
import gradsim, hashlib, json
found = hashlib.sha256()
for c in gradsim.open("r.h5"):
    found.update(json.dumps([c.network.to_json(), c.run, c.quantile_method, c.verdict.sentence], default=str).encode())
    found.update(c.quantiles.tobytes())
    for name in sorted(c.variables):
        found.update(name.encode() + c.variables[name].tobytes())
print(found.hexdigest())
"""
GOOD = {}  # name: bytes of the files that a good run leaves, and what they say


def make(workshop):
    """Fills GOOD."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = workshop.run(folder, source=MAKE, seconds=60)
        assert outcome.code == 0, outcome
        GOOD["r.h5"] = Path(folder, "r.h5").read_bytes()
        GOOD["table"] = workshop.run(folder, source=OPEN).out
        GOOD["digest"] = workshop.run(folder, source=DIGEST).out


def same_table(folder, outcome):
    assert outcome.out.startswith("written") or outcome.out.split() == GOOD["table"].split(), outcome.out


def same_numbers(folder, outcome):
    assert outcome.out == GOOD["digest"], "it reads as other numbers, without a word"


DRAWN = done(writes=("r.png",))  # it still makes sense
SAME = done(writes=("r.png",), check=same_table)  # and says the same


def sense(*words):
    """Refused with these words, or drawn: whatever makes sense."""
    return Either(refused(*words), DRAWN)


def same(*words):
    return Either(refused(*words), SAME)


def file(note, change, truth, source=OPEN, arguments=("plot", "r.h5"), **rest):
    """The Input of a changed r.h5; `change(path)`."""

    def prepare(folder):
        (folder / "r.h5").write_bytes(GOOD["r.h5"])
        (folder / "evil.py").write_text(EVIL)
        change(folder / "r.h5")

    return Input(f"results {note}", truth, arguments, source, prepare, **rest)


def h5(note, change, truth, **rest):
    """The same with `change(file)` of the open file."""

    def opened(path):
        with h5py.File(path, "r+", locking=False) as file:
            change(file)

    return file(note, opened, truth, **rest)


def attribute(name, value):
    def change(file):
        del file.attrs[name]
        if value is not None:
            file.attrs[name] = value

    return change


def without(*names):
    def change(file):
        for name in names:
            del file[name]

    return change


def put(name, values):
    """The dataset replaced by another, on the same scales where its shape allows."""

    def change(file):
        was = file[name]
        new = values(was[()]) if callable(values) else values
        scales = [d[0] if len(d) else None for d in was.dims]
        del file[name]
        made = file.create_dataset(name, data=new)
        for axis, scale in zip(range(made.ndim), scales, strict=False):
            if scale is not None and len(scale) == made.shape[axis]:
                made.dims[axis].attach_scale(scale)

    return change


SCHEMA = [
    h5("as it is", lambda file: None, SAME),
    *(
        h5(f"schema_version {value!r}", attribute("schema_version", value), refused("r.h5", ("schema", "gradsim")))
        for value in (None, "1.5", b"one", -1, 0, 99, 2**40, 1.5, float("nan"), [1, 1], h5py.Empty("i8"))
    ),
    h5("schema_version '1'", attribute("schema_version", "1"), same("schema")),
    h5("schema_version 1.0", attribute("schema_version", 1.0), same("schema")),
    h5("no gradsim_version", attribute("gradsim_version", None), same("gradsim")),
    h5("a gradsim_version of 3", attribute("gradsim_version", 3), same("gradsim")),
    h5("no provenance", attribute("provenance", None), same("provenance")),
    h5("no request of the whole", attribute("request", None), same("request")),
    h5("a request of the whole that is no JSON", attribute("request", "{"), same("request")),
    h5("a request of the whole that is a number", attribute("request", 3), same("request")),
]

MISSING = [
    h5("without request", without("request"), refused("r.h5", "request")),
    h5("without quantile", without("quantile"), refused("r.h5", "quantile")),
    *(
        h5(f"without {name}", without(name), sense("r.h5", name))
        for name in (
            "quantile_method",
            "layer",
            "cell",
            "precision",
            "layer_width",
            "verdict",
            "activation",
            "seed",
            "gradient_log_quantile",
            "gradient_log_mean",
            "gradient_overflow_fraction",
            "gradient_underflow_fraction",
            "activation_unit_variance_mean",
            "log_one_minus_correlation_nonfinite_count",
            "preactivation_log_quantile",
            "gradient_log",
            "loss_log_mean",
        )
    ),
    h5("without any curve", lambda f: [f.pop(n) for n in list(f) if "_log" in n], refused("r.h5")),
    h5("without anything", lambda f: [f.pop(n) for n in list(f)], refused("r.h5")),
]

CURVE = "gradient_log_quantile"
MISSHAPEN = [
    h5("one cell too few", put(CURVE, lambda v: v[:1]), refused("r.h5", CURVE)),
    h5("one cell too many", put(CURVE, lambda v: np.concatenate([v, v[:1]])), refused("r.h5", CURVE)),
    h5("one layer too few", put(CURVE, lambda v: v[:, :2]), refused("r.h5", CURVE)),
    h5("one quantile too few", put(CURVE, lambda v: v[..., :-1]), refused("r.h5", CURVE)),
    h5("no quantile axis", put(CURVE, lambda v: v[..., 0]), refused("r.h5", CURVE)),
    h5("one axis too many", put(CURVE, lambda v: v[..., None]), refused("r.h5", CURVE)),
    h5("a scalar", put(CURVE, 3.0), refused("r.h5", CURVE)),
    h5("texts", put(CURVE, lambda v: np.full(v.shape, b"x")), refused("r.h5", CURVE)),
    h5("complex numbers", put(CURVE, lambda v: v * 1j), refused("r.h5", CURVE)),
    h5("a compound", put(CURVE, lambda v: np.zeros(v.shape, [("a", float)])), refused("r.h5", CURVE)),
    h5("an empty dataset", put(CURVE, h5py.Empty("f8")), refused("r.h5", CURVE)),
    h5("axes in another order", put(CURVE, lambda v: v.transpose(2, 0, 1)), refused("r.h5", CURVE)),
    h5("counts that are texts", put("gradient_zero_count", lambda v: np.full(v.shape, b"x")), refused("gradient_zero_count")),
    h5("all missing", put(CURVE, lambda v: np.full(v.shape, np.nan)), sense("r.h5", CURVE)),
    h5("quantile texts", put("quantile", lambda v: np.full(v.shape, b"x")), refused("r.h5", "quantile")),
    h5("quantile too short", put("quantile", lambda v: v[:-1]), refused("r.h5", "quantile")),
    h5("quantile beyond 1", put("quantile", lambda v: v * 3), refused("r.h5", "quantile")),
    h5("quantile nan", put("quantile", lambda v: v * np.nan), refused("r.h5", "quantile")),
    h5("quantile of two axes", put("quantile", lambda v: v[None]), refused("r.h5", "quantile")),
    h5("quantile a scalar", put("quantile", 0.5), refused("r.h5", "quantile")),
    h5("quantile_method numbers", put("quantile_method", np.arange(2)), sense("r.h5", "quantile_method")),
    h5("quantile_method too short", put("quantile_method", [b"exact"]), sense("r.h5", "quantile_method")),
    h5("layer from 1", put("layer", lambda v: v + 1), refused("r.h5", "layer")),
    h5("layer backwards", put("layer", lambda v: v[::-1]), sense("r.h5", "layer")),
    h5("precision of others", put("precision", lambda v: v[::-1]), same("r.h5", "precision")),
    h5("request numbers", put("request", np.arange(2)), refused("r.h5", "request")),
    h5("request one too few", put("request", lambda v: v[:1]), refused("r.h5")),
    h5("request a scalar", put("request", "{}"), refused("r.h5", "request")),
    h5("request not UTF-8", put("request", [b"\xff", b"\xfe"]), refused("r.h5", "request")),
]


def asked(change):
    """`change(network, run)` of the first cell's request."""

    def changed(file):
        texts = list(file["request"].asstr()[()])
        first = json.loads(texts[0])
        made = change(first["network"], first["run"])
        file["request"][0] = made if isinstance(made, str) else json.dumps(first)

    return changed


def net(**fields):
    return asked(lambda network, run: network.update(fields))


def run(**fields):
    return asked(lambda network, run: run.update(fields))


R = ("r.h5", ("request", "network", "run", "cell"))
REQUESTS = [
    *(
        h5(f"request {ascii(text)[:30]}", asked(lambda n, r, text=text: text), refused(*R))
        for text in ("", "{", "[]", "3", "null", '"text"', "{}", '{"network": {}, "run": {}}', "[" * 100_000, '{"network": 1}')
    ),
    h5("no widths", asked(lambda n, r: n.pop("widths") and None), refused(*R)),
    *(
        h5(f"widths {value!r}"[:60], net(widths=value), refused("r.h5"))
        for value in ("x", 4, [], [0, 4, 4], [-1, 4, 4], ["a"], [4.5, 4, 4], [[4], 4, 4], [4] * 300, [4], None, {"a": 1})
    ),
    h5("input_width text", net(input_width="x"), refused("r.h5")),
    h5("outputs of a file without", net(outputs=3), refused("r.h5")),
    h5("unknown activation", net(activation="nope"), sense("r.h5", "nope")),
    h5("activation a number", net(activation=3), refused("r.h5", "activation")),
    h5("activation null", net(activation=None), refused("r.h5", "activation")),
    h5("init unknown", net(init="nope"), sense("r.h5", "nope")),
    h5("init a list", net(init=[]), refused("r.h5", "init")),
    h5("weight_gain text", net(weight_gain="x"), refused("r.h5", ("weight_gain", "weight-gain"))),
    h5("an unknown field", net(colour="red"), sense("r.h5", "colour")),
    h5("a missing field", asked(lambda n, r: n.pop("bias") and None), refused("r.h5", "bias")),
    h5("format 99", net(format=99), refused("r.h5", "99")),
    h5("no replicas", asked(lambda n, r: r.pop("replicas") and None), refused("r.h5", "replicas")),
    *(h5(f"replicas {v!r}", run(replicas=v), refused("r.h5", "replicas")) for v in ("x", -3, None, 2.5, [20])),
    *(h5(f"inputs {v!r}", run(inputs=v), refused("r.h5", "inputs")) for v in ("x", -1, None, [2])),
    h5("keep_samples of a file without", run(keep_samples=True), sense("r.h5", "samples")),
    h5("no keep_samples", asked(lambda n, r: r.pop("keep_samples", 0) and None), sense("r.h5", "keep_samples")),
    h5("input_file a text", run(input_file="x"), refused("r.h5", "input_file")),
    h5("input_file a list", run(input_file=[1]), refused("r.h5", "input_file")),
    h5("stream a number", run(stream=3), refused("r.h5", "stream")),
    h5("engine null", run(engine=None), sense("r.h5", "engine")),
    h5("loss a list", run(loss=[1]), refused("r.h5", "loss")),
    h5("run a text", asked(lambda n, r: json.dumps({"network": n, "run": "x"})), refused(*R)),
    h5("run NaN", run(input_correlation=float("nan")), sense("r.h5")),
]

THEORY = ("plot", "r.h5", "--theory")
WITH_THEORY = "import gradsim\ngradsim.open('r.h5')[0].with_theory()"
CODE = [
    h5("of evil:f", net(activation="evil:f"), sense("evil:f")),
    h5("of evil:f, with theory", net(activation="evil:f"), sense("evil:f"), arguments=THEORY, source=WITH_THEORY),
    h5("of os:system, with theory", net(activation="os:system"), sense("os:system"), arguments=THEORY, source=WITH_THEORY),
    h5("of a user's function", net(activation="bump"), sense("bump"), arguments=THEORY, source=WITH_THEORY),
    h5("of an unknown function", net(activation="nope"), sense("nope"), arguments=THEORY, source=WITH_THEORY),
    h5(
        "an unknown quantity",
        lambda f: None,
        refused("--quantity", "gradient"),
        arguments=("plot", "r.h5", "--quantity", "gradints"),
        source=None,
    ),
    h5("a plain quantity", lambda f: None, sense("--quantity"), arguments=("plot", "r.h5", "--quantity", "loss"), source=None),
]


def cut(change, truth, note, **options):
    """What xarray makes of it, written by xarray."""

    def changed(path):
        import xarray

        path.unlink()
        change(_loaded(), xarray).to_netcdf(path, engine="h5netcdf", **options)

    return file(f"xarray {note}", changed, truth)


@functools.cache
def _loaded():
    """The good file, without the variables that neither the table nor the picture needs: they would take time."""
    import xarray

    with xarray.open_dataset(io.BytesIO(GOOD["r.h5"]), engine="h5netcdf") as opened:
        return opened.drop_vars([n for n in opened.variables if n.startswith(LONG)]).load()


LONG = ("weight_gradient", "bias_gradient", "input_gradient", "loss_", "preactivation_max", "gradient_max", "dead", "saturated")


def _numbers(dataset):
    return dataset.drop_vars([name for name in dataset.variables if dataset[name].dtype.kind in "OTU"])


CUT = [
    cut(lambda d, x: d, SAME, "as it is"),
    cut(lambda d, x: d.isel(cell=slice(0, 1)), DRAWN, "isel(cell=slice(0, 1))"),
    cut(lambda d, x: d.isel(cell=[1, 0]), DRAWN, "isel(cell=[1, 0])"),
    cut(lambda d, x: d.isel(cell=0), sense("r.h5", "cell"), "isel(cell=0)"),
    cut(lambda d, x: d.isel(cell=slice(0, 0)), refused(("r.h5", "network", "cell")), "no cell"),
    cut(lambda d, x: d.sel(layer=slice(1, 3)), refused("r.h5", "layer"), "sel(layer=slice(1, 3))"),
    cut(lambda d, x: d.sel(layer=slice(0, 1)), refused("r.h5", "layer"), "sel(layer=slice(0, 1))"),
    cut(lambda d, x: d.sel(layer=2), refused("r.h5", "layer"), "sel(layer=2)"),
    cut(lambda d, x: d.isel(layer=slice(None, None, -1)), same("r.h5", "layer"), "layers backwards"),
    cut(lambda d, x: d.isel(quantile=slice(None, None, -1)), same("r.h5", "quantile"), "quantiles backwards"),
    cut(lambda d, x: d.isel(precision=slice(None, None, -1)), same("r.h5", "precision"), "precisions backwards"),
    cut(lambda d, x: d.isel(precision=slice(0, 2)), same("r.h5", "precision"), "two precisions"),
    cut(lambda d, x: d.sel(quantile=[0.05, 0.5, 0.95], method="nearest"), DRAWN, "three quantiles"),
    cut(lambda d, x: d.sel(quantile=[0.5], method="nearest"), sense("quantile"), "one quantile"),
    cut(lambda d, x: d.sel(quantile=0.5, method="nearest"), refused("r.h5", "quantile"), "no quantile axis"),
    cut(lambda d, x: d.isel(replica=slice(0, 5)), sense("r.h5", ("replica", "samples")), "five replicas"),
    cut(lambda d, x: d.drop_vars("request"), refused("r.h5", "request"), "drop_vars(request)"),
    cut(lambda d, x: d.drop_vars("verdict"), SAME, "drop_vars(verdict)"),
    cut(lambda d, x: d.drop_vars("layer"), sense("r.h5", "layer"), "drop_vars(layer)"),
    cut(lambda d, x: d.drop_vars("gradient_log_mean"), sense("r.h5", "gradient_log_mean"), "drop_vars(gradient_log_mean)"),
    cut(lambda d, x: d.drop_vars(CURVE), refused("r.h5", CURVE), f"drop_vars({CURVE})"),
    cut(lambda d, x: d.drop_dims("precision"), sense("r.h5"), "drop_dims(precision)"),
    cut(lambda d, x: d.drop_dims("replica"), sense("r.h5"), "drop_dims(replica)"),
    cut(lambda d, x: d.drop_attrs(), refused("r.h5", "gradsim"), "drop_attrs()"),
    cut(lambda d, x: d[["gradient_log_mean"]], refused("r.h5"), "one variable"),
    cut(lambda d, x: x.concat([d, d], "cell"), DRAWN, "concat"),
    cut(lambda d, x: d.transpose(..., "cell"), same("r.h5"), "transposed"),
    cut(lambda d, x: d.rename(layer="depth_"), refused("r.h5", "layer"), "a dimension renamed"),
    cut(lambda d, x: d.rename({CURVE: "mine"}), refused("r.h5", CURVE), "a variable renamed"),
    cut(lambda d, x: d.assign(mine=("cell", [1, 2])), SAME, "a variable more"),
    cut(lambda d, x: _numbers(d).mean("cell"), refused("r.h5"), "mean over cells"),
    cut(lambda d, x: _numbers(d), refused("r.h5"), "numbers only"),
]


def raw(change):
    return lambda path: path.write_bytes(change(path.read_bytes()))


def at(share):
    return raw(lambda found: found[: int(share * len(found)) if isinstance(share, float) else share])


def _zeros(found):
    middle = len(found) // 2
    return found[:middle] + bytes(512) + found[middle + 512 :]


def instead(make_it):
    """Something else in its place."""

    def change(path):
        path.unlink()
        make_it(path)

    return change


def _netcdf3(path):
    from scipy.io import netcdf_file

    with netcdf_file(path, "w") as file:
        file.createDimension("layer", 4)
        file.createVariable("gradient_log_mean", "f8", ("layer",))[:] = 1.0


def _virtual(file):
    shape = file[CURVE].shape
    layout = h5py.VirtualLayout(shape, "f8")
    layout[:] = h5py.VirtualSource("nothing.h5", "x", shape)
    del file[CURVE]
    file.create_virtual_dataset(CURVE, layout)


def _huge(file):
    del file[CURVE]
    file.create_dataset(CURVE, (10**7, 10**4, 7), "f8", chunks=(1, 1000, 7), compression="gzip")


def _link(kind):
    def change(file):
        del file[CURVE]
        file[CURVE] = kind

    return change


def _group(name):
    def change(file):
        del file[name]
        file.create_group(name)

    return change


DAMAGED = [
    *(
        file(f"cut at {share}", at(share), refused("r.h5"))
        for share in (0, 1, 7, 8, 100, 511, 2048, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, -1, -512)
    ),
    file("followed by more", raw(lambda found: found + b"more"), same("r.h5")),
    file("zeros in the middle", raw(_zeros), Either(refused("r.h5"), done(check=same_numbers)), DIGEST, ()),
    file("a text before it", raw(lambda found: b"x" * 512 + found), same("r.h5")),
    file("a text", raw(lambda found: b"hello\n"), refused("r.h5")),
    file("a picture", raw(lambda found: b"\x89PNG\r\n\x1a\n" + bytes(100)), refused("r.h5")),
    file("netCDF-3", instead(_netcdf3), refused("r.h5")),
    file("another HDF5 file", instead(lambda path: h5py.File(path, "w").close()), refused("r.h5", "gradsim")),
    file("a folder", instead(os.mkdir), refused("r.h5")),
    file("a fifo", instead(fifo), refused("r.h5")),
    file("/dev/zero", instead(device(1, 5)), refused("r.h5")),
    file("a link to itself", instead(circle), refused("r.h5")),
    file("a link to a good file", lambda path: (shutil.move(path, path.with_name("g.h5")), os.symlink("g.h5", path)), SAME),
    h5("a virtual curve without its source", _virtual, refused("r.h5", CURVE)),
    h5("a curve that claims 5 TB", _huge, refused("r.h5", CURVE)),
    h5("a curve linked to itself", _link(h5py.SoftLink(f"/{CURVE}")), refused("r.h5", CURVE)),
    h5("a curve linked to another file", _link(h5py.ExternalLink("nothing.h5", "/x")), refused("r.h5", CURVE)),
    h5("a group for a curve", _group(CURVE), refused("r.h5", CURVE)),
    h5("a group for the request", _group("request"), refused("r.h5", "request")),
    h5("a group for the quantiles", _group("quantile"), refused("r.h5", "quantile")),
]


def flip(seed):
    """One bit of the file, anywhere, or among the values of one of its datasets."""

    def change(path):
        draw = np.random.default_rng(seed)
        content = bytearray(path.read_bytes())
        place = int(draw.integers(len(content)))
        with contextlib.suppress(OSError), h5py.File(path, "r", locking=False) as file:
            name = sorted(file)[int(draw.integers(len(file)))]
            offset, size = file[name].id.get_offset(), file[name].id.get_storage_size()
            if seed % 2 and offset is not None and size:
                place = offset + int(draw.integers(size))
        content[place] ^= 1 << int(draw.integers(8))
        path.write_bytes(bytes(content))

    return change


FLIPPED = [
    file(f"bit {seed} changed", flip(seed), Either(refused(), done(check=same_numbers)), DIGEST, ()) for seed in range(60)
]

INPUTS = [*SCHEMA, *MISSING, *MISSHAPEN, *REQUESTS, *CODE, *CUT, *DAMAGED, *FLIPPED]
