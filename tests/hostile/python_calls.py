"""Calls from Python: what nobody would pass on purpose, and what a slip of the hand passes."""

from .truths import Either, Input, Refused, done, refused

NETWORK = "gradsim.mlp(width=4, depth=2)"
HEAD = """
import sys
from pathlib import Path
import gradsim
import numpy as np
net = gradsim.mlp(width=4, depth=2)
class Silent:
    def __repr__(self):
        raise RuntimeError("no text")
    __str__ = __repr__
class Sly(str):
    pass
"""


def call(source, truth, note=None):
    return Input(f"call {note or source[:60]!r}", truth, source=HEAD + source)


def typed(*words):
    """RequestError, or Python's own TypeError for arguments that do not exist."""
    return Refused(words, errors=("RequestError", "TypeError"))


def calls(template, *values, truth=None, words=()):
    return [call(template.format(value), truth or refused(*words)) for value in values]


MLP = [
    *calls(
        "gradsim.mlp(width={})",
        "True",
        "b'4'",
        "'x'",
        "{4}",
        "{'a': 4}",
        "object",
        "Silent()",
        "4j",
        "[]",
        "4.5",
        words=("width",),
    ),
    *calls("gradsim.mlp(width=[{}])", "True", "'4'", "None", "[4]", "float('inf')", "Silent()", words=("width",)),
    *calls(
        "gradsim.mlp(width=4, depth={})",
        "True",
        "b'4'",
        "'4'",
        "{4}",
        "[4]",
        "Silent()",
        "10**10",
        "1e300",
        "float('nan')",
        words=("depth",),
    ),
    *calls(
        "gradsim.mlp(width=4, activation={})",
        "3",
        "None",
        "b'relu'",
        "['relu']",
        "{'relu'}",
        "len",
        "Silent()",
        "True",
        words=("activation",),
    ),
    *calls(
        "gradsim.mlp(width=4, init={})",
        "3",
        "None",
        "b'he_normal'",
        "['he_normal']",
        "{}",
        "len",
        "Silent()",
        words=("init",),
    ),
    *calls("gradsim.mlp(width=4, bias={})", "3", "b'zeros'", "['zeros']", "{}", "Silent()", words=("bias",)),
    *calls(
        "gradsim.mlp(width=4, weight_gain={})",
        "None",
        "True",
        "'1'",
        "[1]",
        "1j",
        "Silent()",
        "np.ones(2)",
        "10**400",
        words=("weight",),
    ),
    *calls("gradsim.mlp(width=4, bias_std={})", "None", "'1'", "[1]", "1j", "10**400", words=("bias",)),
    *calls("gradsim.mlp(width=4, outputs={})", "'2'", "True", "[2]", "2.5", "Silent()", words=("outputs",)),
    call("gradsim.mlp(widht=4)", typed("widht")),
    call("gradsim.mlp(4)", Refused(errors=("RequestError", "TypeError"))),
]

SIMULATE = [
    *calls("gradsim.simulate({})", "None", "3", "'relu'", "[net]", "Silent()", words=("network",)),
    *calls("gradsim.simulate(net, {})", "None", "True", "'8'", "[8]", "8.5", "b'8'", "Silent()", "10**30", words=("replicas",)),
    *calls("gradsim.simulate(net, 8, {})", "None", "True", "'1'", "[1]", "1.5", "-1", words=("seed",)),
    *calls("gradsim.simulate(net, 8, inputs={})", "None", "True", "'2'", "[2]", "10**30", "10**9", words=("inputs",)),
    *calls("gradsim.simulate(net, 8, engine={})", "3", "None", "['auto']", "{}", "b'auto'", "Silent()", words=("engine",)),
    *calls("gradsim.simulate(net, 8, loss={})", "3", "None", "len", "{'mse'}", words=("loss",)),
    *calls("gradsim.simulate(net, 8, probe={})", "3", "None", words=("probe",)),
    *calls("gradsim.simulate(net, 8, arithmetic={})", "32", "np.float32", "None", words=("arithmetic",)),
    *calls("gradsim.simulate(net, 8, stream={})", "3", "b'a'", "['a']", "True", "'\\ud800'", words=("stream",)),
    *calls("gradsim.simulate(net, 8, threads={})", "0", "'2'", "True", "10**6", "1.5", words=("threads",)),
    *calls(
        "gradsim.simulate(net, 8, quantiles={})",
        "3",
        "'abc'",
        "None",
        "[0.5, 0.4]",
        "[0.1]",
        "[]",
        "['x']",
        "[0.5, 2]",
        words=("quantiles",),
    ),
    *calls("gradsim.simulate(net, 8, keep_samples={})", "'yes'", "2", "None", "[]", words=("keep",)),
    *calls("gradsim.simulate(net, 8, progress={})", "3", "'x'", words=("progress",)),
    *calls(
        "gradsim.simulate(net, 8, histograms={})",
        "-1",
        "1.5",
        "'x'",
        "None",
        "[]",
        "float('nan')",
        "True",
        words=("histograms",),
    ),
    *calls("gradsim.simulate(net, 8, input_correlation={})", "None", "'1'", "[1]", "2", words=("correlation",)),
    *calls(
        "gradsim.simulate(net, 8, input_file={})",
        *(
            "3",
            "len",
            "{}",
            "b'x.npy'",
            "[[1, 2], [3]]",
            "np.array([Silent()])",
            "np.ones((0, 4))",
            "np.ones(())",
            "Silent()",
        ),
        *("np.ma.masked_array(np.ones((4, 4)), np.eye(4))", "np.ones((3, 4)) * np.nan", "['a', 'b']", "np.ones((3, 5))"),
        words=("input",),
    ),
    *calls(
        "gradsim.simulate(net, 8, loss='mse', input_file=np.eye(4), target_file={})",
        "np.ones(3)",
        "'x.npy'",
        "3",
        words=("target",),
    ),
    call("gradsim.simulate(net, 8, sed=3)", typed("sed")),
]

GOOD = [
    call("assert gradsim.mlp(width=np.int64(4), depth=np.int32(2)) == net", done(), "numpy integers"),
    call("assert gradsim.mlp(width=4.0, depth=2) == net", done(), "a whole float"),
    call("assert gradsim.mlp(width=np.array([4, 4])) == net", Either(refused("width"), done()), "an array of widths"),
    call("assert gradsim.mlp(width=(4, 4)) == net", done(), "a tuple of widths"),
    call("assert gradsim.mlp(width=range(4, 6)) == gradsim.mlp(width=[4, 5])", Either(refused("width"), done()), "a range"),
    call("assert gradsim.mlp(width=4, depth=2, activation=Sly('relu')) == net", done(), "a kind of str"),
    call("assert gradsim.mlp(width=4, depth=2, weight_gain=np.float32(1)) == net", done(), "a numpy float"),
    call("assert gradsim.simulate(net, np.int64(8), np.uint8(3)).run['seed'] == 3", done(), "numpy replicas and seed"),
    call("assert len(gradsim.sweep.run({'width': [4, 5], 'depth': 2, 'replicas': 4})) == 2", done(), "a sweep"),
    call(
        "np.save('x.npy', np.eye(4))\n"
        "s = gradsim.sweep.run({'width': 4, 'depth': 2, 'replicas': 4, 'input_file': [Path('x.npy')]})\n"
        "s.save('a.h5'); assert gradsim.open('a.h5')[0].run['input_file']['name'] == 'x.npy'",
        done(writes=("x.npy", "a.h5")),
        "a Path in a sweep",
    ),
    call(
        "s = gradsim.sweep.run({'width': 4, 'depth': 2, 'replicas': 4, 'input_file': np.eye(4)})\n"
        "s.save('a.h5'); assert gradsim.open('a.h5')[0].run['input_file']['shape'] == [4, 4]",
        done(writes=("a.h5",)),
        "an array in a sweep",
    ),
    call("gradsim.simulate(net, 8).save(Path('a.h5')); gradsim.open(Path('a.h5'))", done(writes=("a.h5",)), "a Path to save"),
]

SWEEP = [
    *calls("gradsim.sweep.run({})", "3", "None", "[]", "b'classic'", "Silent()", "'clasic'", "len"),
    *calls("gradsim.sweep.run({{'width': 4, {}: 4}})", "3", "None", "('depth',)", "b'depth'"),
    *calls(
        "gradsim.sweep.run({{'width': 4, 'depth': 2, 'replicas': 4, {}}})",
        "'loss': 3",
        "'engine': True",
        "'bias': {}",
        "'sed': 1",
        "'seed': []",
    ),
    call("gradsim.sweep.run({'width': 4, 'depth': 2}, threads='2')", refused("threads")),
    *calls(
        "gradsim.sweep.run({{'width': 4, 'depth': 2, 'replicas': 4}}, histograms={})",
        *("-1", "2.5", "'x'", "[1]", "True", "float('nan')", "10**30"),
        words=("histograms",),
    ),
    call("gradsim.sweep.run({'seed': list(range(10**5)), 'replicas': list(range(1, 10**5))})", refused(), "1e10 cells"),
    call("gradsim.sweep.read_plan('nothing.toml')", refused("nothing.toml")),
]

CURVES = "c = gradsim.simulate(net, 8)\n"
NEAR = ("KeyError", "RequestError")
HELD = [
    call(
        CURVES + "c['gradient_log_meen']", Refused(("gradient_log_meen", "gradient_log_mean"), errors=NEAR), "a typo of a name"
    ),
    call(CURVES + "c['activation_logmean']", Refused(("activation_log_mean",), errors=NEAR), "an underscore"),
    call(CURVES + "c['gradient']", Refused(("gradient_log_mean",), errors=NEAR), "a quantity alone"),
    call(CURVES + "c['']", Refused(errors=NEAR), "an empty name"),
    call(CURVES + "c[3]", Refused(("3",), errors=(*NEAR, "TypeError")), "a number for a name"),
    call(CURVES + "c[None]", Refused(("None",), errors=(*NEAR, "TypeError")), "None for a name"),
    call(CURVES + "c[['gradient_log_mean']]", Refused(errors=(*NEAR, "TypeError")), "a list for a name"),
    call(CURVES + "c.quantile('gradint', 0.5)", Refused(("gradint", "gradient"), errors=NEAR), "a quantity's typo"),
    call(CURVES + "c.quantile('gradient', 0.33)", refused("0.33"), "a quantile that was not kept"),
    call(CURVES + "c.quantile('gradient', 'x')", Refused(("'x'",), errors=("RequestError",)), "a text for a quantile"),
    call(CURVES + "c.plot(quantity='gradints')", refused("gradints", "gradient"), "a typo of a picture"),
    call(CURVES + "c.plot(quantity=3)", refused("3"), "a number for a picture"),
    call(CURVES + "c.plot(quantity=None)", done(), "the gradient of the network, whichever it is"),
    *(
        call(CURVES + f"c.plot(samples={v})", refused("samples"), f"thin lines of {v}")
        for v in ("-1", "'x'", "float('nan')", "5")
    ),
    *(call(CURVES + f"c.plot(ax={v})", refused("ax"), f"a picture into {v}") for v in ("3", "'x'", "[]", "[None]", "Silent()")),
    *(call(CURVES + f"c.plot(share={v})", refused("share"), f"scales shared: {v}") for v in ("'no'", "3", "None", "[]")),
    *(call(CURVES + f"c.plot(histograms={v})", refused("histograms"), f"histograms: {v}") for v in ("True", "'x'", "3")),
    call(CURVES + "c.plot('a.txt')", refused("a.txt", "png"), "a picture of text"),
    *(call(CURVES + f"c.plot({v})", refused(), f"a picture in {v}") for v in ("3", "[]")),
    call(CURVES + "c.plot(b'a.png')", done(writes=("a.png",)), "a picture in bytes"),
    call(CURVES + "c.report(b'a.html', title='\\ud800')", done(writes=("a.html",)), "a page in bytes, with half a letter"),
    *(call(CURVES + f"c.report({v})", refused(), f"a page in {v}") for v in ("3", "[]", "None", "'a.txt'")),
    *(call(CURVES + f"c.report('a.html', quantity={v})", refused("quantity"), f"a page of {v}") for v in ("3", "[3]", "'los'")),
    call(CURVES + "c.report('a.html', quantity=[])", refused("quantity"), "a page of nothing"),
    call(CURVES + "c.report('a.html', title=3)", refused("title"), "a page called 3"),
    *(
        call(CURVES + f"c.save({v})", refused(), f"saved in {v}")
        for v in ("3", "None", "[]", "Silent()", "''", "'.'", "sys.stdout")
    ),
    call(CURVES + "c.save('a\\0.h5')", refused(), "saved in NUL"),
    call(
        CURVES + "import os; os.mkdir('d'); os.rmdir('d'); c.save('d/a.h5')",
        refused("d/a.h5"),
        "saved in a folder that is gone",
    ),
    *(
        call(f"gradsim.open({v})", refused(), f"opened {v}")
        for v in ("3", "None", "[]", "Silent()", "''", "'.'", "'a\\0.h5'", "b'a.h5'")
    ),
    call("gradsim.CurveSet([])", refused("network"), "no curves"),
    call("gradsim.CurveSet([3])", refused(), "curves that are none"),
    call(CURVES + "assert list(gradsim.CurveSet(c)) == [c]", done(), "curves of one network"),
    call("gradsim.nothing", Refused(("nothing",), errors=("AttributeError",)), "a name that is not there"),
]

THEORY = [
    *calls("gradsim.theory.mean_field({})", "None", "3", "'relu'", words=("network",)),
    *calls("gradsim.theory.finite_width({})", "None", "3", words=("network",)),
    *calls("gradsim.theory.mean_field(net, inputs={})", "0", "'2'", "True", "None", "2.5", words=("inputs",)),
    *calls(
        "gradsim.theory.mean_field(net, inputs=2, input_correlation={})", "2", "'x'", "float('nan')", words=("correlation",)
    ),
    *calls("gradsim.theory.fixed_point({}, weight_std=1.0)", "3", "None", "'tahn'", "Silent()", words=("activation",)),
    *calls(
        "gradsim.theory.fixed_point('tanh', weight_std={})",
        "'x'",
        "None",
        "-1",
        "float('nan')",
        "[1]",
        "True",
        "1e300",
        words=("weight_std",),
    ),
    *calls(
        "gradsim.theory.critical_point('tanh', bias_std={})", "'x'", "None", "-1", "float('inf')", "[1]", words=("bias_std",)
    ),
    *calls(
        "gradsim.theory.phase_diagram('tanh', weight_std={}, bias_std=[0.0, 1.0])",
        "'x'",
        "[]",
        "[None]",
        "[-1.0]",
        "[float('nan')]",
    ),
    call(
        "gradsim.theory.mean_field(net)['gradient_log_meen']", Refused(("gradient_log_mean",), errors=NEAR), "a typo in theory"
    ),
]

ACTIVATION = [
    *calls(
        "gradsim.activation({}, lambda h: h, lambda h: 1.0)",
        "3",
        "None",
        "''",
        "'a b'",
        "'relu'",
        "'a:b'",
        "['x']",
        "Silent()",
        "b'x'",
    ),
    *calls(
        "gradsim.activation('f', {}, lambda h: 1.0)", "3", "None", "'h'", "Silent()", "lambda: 1.0", "lambda h: 'x'", "print"
    ),
    *calls(
        "gradsim.activation('f', lambda h: h, lambda h: 1.0, kinks={})",
        "3",
        "'x'",
        "[None]",
        "['x']",
        "[float('nan')]",
        words=("kinks",),
    ),
    call("gradsim.activation('f', lambda h: h)", Refused(errors=("RequestError", "TypeError")), "no derivative"),
]

TWO = "two = gradsim.CurveSet([gradsim.simulate(gradsim.mlp(width=w, depth=2), 3) for w in (4, 8)])\n"
VIEWS = {
    "x={}": ("3", "'widht'", "b'width'", "['width']", "np.arange(3)", "Silent()", "'depth'"),
    "x='width', y={}": ("3", "'init'", "'width'", "{}", "np.arange(3)", "Silent()"),
    "panels={}": ("3", "'widht'", "[3]", "[['width']]", "Silent()", "{'width'}"),
    "x='width', at={}": ("'x'", "1.5", "True", "float('nan')", "[1]", "np.arange(3)", "Silent()", "99"),
    "colour={}": ("3", "'widht'", "['width']", "'depth'", "Silent()"),
    "x='width', quantity={}": ("3", "'x'", "['gradient']", "Silent()"),
}
PICTURES = [
    call(TWO + f"two.plot({view.format(value)})", refused(view[:-3].split()[-1]), f"two.plot({view.format(value)})")
    for view, values in VIEWS.items()
    for value in values
]

INPUTS = [*MLP, *SIMULATE, *GOOD, *SWEEP, *HELD, *THEORY, *ACTIVATION, *PICTURES]
