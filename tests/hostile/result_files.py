"""Files of results for `gradsim.open` and `plot` that are nearly gradsim's, or after something else.

Each is a good file, r.h5, changed in one way. Beside it lies evil.py, which no file may have imported.
"""

import json
import tempfile
from pathlib import Path

import h5py
import numpy as np

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
        h5(f"without {name}", without(name), sense(name if "_" in name else "r.h5"))
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
    h5("without any curve", lambda f: [f.pop(n) for n in list(f) if "_log" in n], refused(("r.h5", "gradient_log"))),
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
    h5("complex numbers", put(CURVE, lambda v: v.astype(complex)), refused("r.h5", CURVE)),
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
    h5("outputs of a file without", net(outputs=3), sense(("r.h5", "layer"))),
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

INPUTS = [*SCHEMA, *MISSING, *MISSHAPEN, *REQUESTS, *CODE]
