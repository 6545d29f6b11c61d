"""The page of a file without a browser: what lies in it, how large it is, what it loads, what cannot be written."""

import base64
import json
import math
import re
import sys
import zlib
from html import unescape

import numpy as np
import pytest

import gradsim
from gradsim.cli import main
from gradsim.curves import CurveSet
from gradsim.report import lines as report_lines
from gradsim.report import spreads as report_spreads
from gradsim.report.contents import limits
from gradsim.report.page import LARGEST, _library, contents, page
from gradsim.statistics.quantities import THEORIES
from gradsim.statistics.units import BINS, HISTOGRAMMED, middles

MEGABYTE = 1_000_000
HOSTILE = "</script><script>hacked=1</script><img src=x onerror=hacked=1><!--{{library}}&lt;\u2028"


def call(*arguments):
    with pytest.raises(SystemExit) as exit:
        main([str(a) for a in arguments])
    return exit.value.code


@pytest.fixture(scope="module")
def sweep():
    options = {"activation": ["tanh", "relu"], "width": 4, "depth": 6, "replicas": 8, "inputs": 2, "init": "xavier_normal"}
    return gradsim.sweep.run(options | {"weight_gain": [0.5, 1.0, 0.1 + 0.2]})


@pytest.fixture(scope="module")
def blocks():
    cells = [{"block": "plain"}, {"block": "pre_norm", "block_depth": 2}]
    return gradsim.sweep.run({"width": 4, "depth": 3, "replicas": 8, "inputs": 2, "cells": cells})


def data_of(content):
    text = content.decode()
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def numbers_of(text):
    """The whole numbers in a text."""
    planes = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8).reshape(4, -1).astype(np.int64)
    signed = planes[0] + (planes[1] << 8) + (planes[2] << 16) + (planes[3] << 24)
    numbers = np.cumsum(np.where(signed % 2, -(signed + 1) // 2, signed // 2))
    return (numbers + 2**31) % 2**32 - 2**31


def spreads_of(packed):
    """[{quantity: (how many layers have it, {layer: (note, edges of bars over 10^power, power, heights)})}], one a cell."""
    numbers, at, result = iter(numbers_of(packed["numbers"]).tolist()), range(packed["bars"] + 1), []
    for _ in packed["counted"]:
        found = {}
        for quantity in packed["quantities"]:
            shown, there = next(numbers), next(numbers)
            panels = {}
            for _ in range(shown):
                layer, power, low, high, note = (next(numbers) for _ in range(5))
                edges = (low + (high - low) * np.array(at) / packed["bars"]) / 10 ** packed["digits"]
                panels[layer] = packed["notes"][note], edges, power, np.array([next(numbers) for _ in range(packed["bars"])])
            found[quantity["name"]] = there, panels
        result.append(found)
    assert next(numbers, None) is None
    return result


def unpacked(packed):
    """{(quantity, place, kind): float64 (cells, points)}, by the description in the page's script."""
    numbers, result, start = numbers_of(packed["numbers"]), {}, 0
    cells = -1
    for quantity in packed["quantities"]:
        names, kinds = quantity["places"], quantity["kinds"]
        cells = packed["cells"]
        count = cells * len(names) * len(kinds) * packed["points"]
        part = numbers[start : start + count].reshape(cells, len(names), len(kinds), packed["points"])
        start += count
        steps = np.broadcast_to(np.array(quantity["steps"]), cells)[:, None]
        for place, name in enumerate(names):
            for k, kind in enumerate(kinds):
                values, here = part[:, place, k] * steps, part[:, place, k]
                for code, meaning in (("undefined", math.nan), ("zero", -math.inf), ("broken", math.inf)):
                    values = np.where(here == packed["special"][code], meaning, values)
                result[quantity["name"], name, kind] = values
    assert start == len(numbers)
    return result


def check_lines(curve_set, found, thin=False):
    """All that lies in a page is what the curves say, to half a step; returns how many numbers were compared."""
    packed, compared = found["lines"], 0
    drawn = unpacked(packed | {"cells": len(curve_set)})
    for cell, curves in enumerate(curve_set):
        curves = curves.with_theory()
        at = packed["layers"][str(len(curves.layers))]
        assert at[0] == 0 and at[-1] == curves.layers[-1] and (np.diff(at) > 0).all() and thin == (len(at) < len(curves.layers))
        for quantity in packed["quantities"]:
            name = quantity["name"]
            assert (name in curves.blocks.rows) or np.isnan(drawn[name, quantity["places"][0], "middle"][cell]).all()
            if name not in curves.blocks.rows:
                continue
            step = quantity["steps"][0 if quantity["log"] else cell]
            for place in quantity["places"]:
                wanted = expected(curves, quantity, place)
                for kind in quantity["kinds"]:
                    line = drawn[name, place, kind][cell]
                    assert np.isnan(line[len(at) :]).all()
                    beyond = abs(wanted[kind][at]) > report_lines.LARGEST * step  # theory of what float32 could not
                    assert kind in THEORIES or not beyond[np.isfinite(wanted[kind][at])].any()
                    far, near = np.where(beyond, line[: len(at)], 0), np.where(beyond, 0, line[: len(at)])
                    np.testing.assert_allclose(near, np.where(beyond, 0, wanted[kind][at]), atol=0.51 * step, rtol=1e-6)
                    assert (np.sign(far[beyond]) == np.sign(wanted[kind][at][beyond])).all()
                    compared += np.isfinite(line).sum()
    return compared


def expected(curves, quantity, place):
    name = quantity["name"]

    def at(values):
        if len(curves.blocks.shape(name)) == 1:
            return values if place == "" else np.full(len(values), math.nan)
        return values[:, curves.places.index(place)] if place in curves.places else np.full(len(values), math.nan)

    if quantity["log"]:
        found = {kind: curves.decades(name, q) for kind, q in (("low", 0.05), ("middle", 0.5), ("high", 0.95))}
    else:
        mean, deviation = curves[f"{name}_mean"], np.sqrt(curves[f"{name}_variance"])
        found = {"low": mean - deviation, "middle": mean, "high": mean + deviation}
    for theory in ("mean_field", "exact"):
        predicted = curves.variables.get(f"{theory}_{name}_{'log_mean' if quantity['log'] else 'mean'}")
        factor = 1 / math.log(10) / 2 if quantity["log"] else 1
        found[theory] = found["middle"] * math.nan if predicted is None else predicted * factor
    return {kind: at(values) for kind, values in found.items()}


def test_what_is_drawn_is_what_the_curves_say(sweep, blocks):
    for curve_set in (sweep, blocks):
        found = contents(curve_set, "x")
        assert check_lines(curve_set, found) > 500
        for cell, curves in enumerate(curve_set):
            assert found["verdicts"][cell]["sentence"] == curves.verdict.sentence
    assert {"stream", "preactivation", "norm_gain_gradient"} <= {quantity["name"] for quantity in found["lines"]["quantities"]}
    assert found["start"] == ["signal", "judged"] and found["menu"][1]["names"] == ["stream_gradient", "gradient"]


def test_axes_are_what_networks_differ_in(sweep):
    activation, gain = contents(sweep, "x", theory=False)["axes"]
    assert (activation["levels"], activation["numeric"], activation["of"]) == (["tanh", "relu"], False, [0, 0, 0, 1, 1, 1])
    assert (gain["words"], gain["levels"], gain["of"]) == ("weight gain", ["0.3", "0.5", "1.0"], [1, 2, 0, 1, 2, 0])
    one = contents(sweep.select(activation="tanh", weight_gain=1.0), "x", theory=False)
    assert one["axes"] == [] and ["activation", "tanh"] in one["common"] and ["weight gain", "1.0"] in one["common"]
    twice = CurveSet([sweep[0], sweep[0], sweep[1]])
    axes = contents(twice, "x", theory=False)["axes"]
    assert [axis["words"] for axis in axes] == ["weight gain", "network"] and axes[1]["levels"] == ["1", "2", "3"]
    close = CurveSet([gradsim.simulate(gradsim.mlp(width=2, depth=2, weight_gain=g), 2) for g in (1.0, 1.0 + 2**-52)])
    assert contents(close, "x", theory=False)["axes"][0]["levels"] == ["1.0", "1.0000000000000002"]


def test_zeros_and_what_is_not_finite_stay_so():
    networks = [gradsim.mlp(width=4, depth=20, weight_gain=gain) for gain in (1e-9, 1e9)]
    curve_set = CurveSet([gradsim.simulate(network, 8, arithmetic="float32") for network in networks])
    found = contents(curve_set, "x")
    drawn = unpacked(found["lines"] | {"cells": 2})
    middle = drawn["gradient", "", "middle"]
    assert (middle[0, 1:] == -math.inf).all() and (middle[1, 1:] == math.inf).all() and np.isnan(middle[:, 0]).all()
    check_lines(curve_set, found)


def test_theory_and_where_it_is_silent(sweep):
    found = contents(sweep[:1], "x")
    assert "mean_field" in found["lines"]["quantities"][0]["kinds"]
    silent = [found["silences"][k] for k in found["silent"][0]]
    assert silent == ["exact law: no prediction (inputs: exact laws are of one input)"]
    without = contents(sweep[:1].with_theory(), "x", theory=False)
    assert without["lines"]["quantities"][0]["kinds"] == ["low", "middle", "high"] and without["silent"] == [[]]
    one = contents(CurveSet([gradsim.simulate(gradsim.mlp(width=4, depth=3), 8)]), "x")
    assert one["lines"]["quantities"][0]["kinds"] == ["low", "middle", "high", "mean_field", "exact"]


def test_a_function_that_is_not_known_here_has_no_theory(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bent_for_report.py").write_text("def f(h):\n    return 2 * h\n\n\ndef f_derivative(h):\n    return 2.0\n")
    gradsim.simulate(gradsim.mlp(width=4, depth=3, activation="bent_for_report:f"), 8).save("a.h5")
    forgotten = sys.modules["gradsim.model.activations"]._GIVEN
    monkeypatch.setattr(sys.modules["gradsim.model.activations"], "_GIVEN", {})
    assert call("report", "a.h5") == 0
    found = data_of((tmp_path / "a.html").read_bytes())
    assert "is not known to this process" in found["silences"][found["silent"][0][0]]
    monkeypatch.setattr(sys.modules["gradsim.model.activations"], "_GIVEN", forgotten)
    assert call("report", "a.h5", "--activation", "bent_for_report:f", "--overwrite") == 0
    found = data_of((tmp_path / "a.html").read_bytes())
    assert not any("is not known" in line for line in found["silences"])
    assert "mean_field" in found["lines"]["quantities"][0]["kinds"]


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """Of a file: networks whose units were counted, in blocks of two maps too, and one whose units were not."""
    cells = [{"depth": 30}, {"block": "pre_norm", "block_depth": 2, "depth": 3}, {"depth": 2, "histograms": 0}]
    grid = {"width": 40, "replicas": 30, "histograms": 20, "inputs": 2, "activation": "relu", "init": "normal(0,1)"}
    return gradsim.sweep.run(grid | {"cells": cells}, out=tmp_path_factory.mktemp("counted") / "a.h5")


def test_histograms_are_what_was_counted(counted):
    """Their moments, of what is within the bars: to the width of a bin, and five standard errors of how heights are rounded."""
    packed = contents(counted, "x", theory=False)["spreads"]
    assert packed["counted"] == [20, 20, 0] and packed["bars"] == 60
    found = spreads_of(packed)
    for curves, cell in zip(counted[:2], found, strict=False):
        for name in HISTOGRAMMED:
            counts = curves.blocks.last(name, curves[f"{name}_histogram"])
            exponents = curves.blocks.last(name, curves[f"{name}_histogram_exponent"])
            layers = np.flatnonzero(counts[:, 0] >= 0)
            there, panels = cell[name]
            assert there == len(layers) and len(panels) == min(12, there)
            assert {layers[0], layers[-1]} <= panels.keys() <= {*layers}
            for layer, (_, edges, power, heights) in panels.items():
                values = middles() * 2.0 ** (exponents[layer] - power * math.log2(10))
                inside = (values > edges[0]) & (values < edges[-1]) & (np.arange(BINS) != BINS // 2)
                weights = counts[layer] * inside
                assert weights.sum() > 0.99 * (counts[layer].sum() - counts[layer, BINS // 2]) and heights.max() == 200
                centres, mean = (edges[1:] + edges[:-1]) / 2, np.average(values[inside], weights=weights[inside])
                size = math.sqrt(np.average(values[inside] ** 2, weights=weights[inside]))
                for power_of, wanted, close in ((1, mean, 0.02 * size), (2, size**2, 0.05 * size**2)):
                    rounding = 5 * math.sqrt((centres ** (2 * power_of)).sum() / 12) / heights.sum()
                    found_here = np.average(centres**power_of, weights=heights)
                    assert found_here == pytest.approx(wanted, abs=close + rounding)
    assert [cell["activation"] for cell in found[2:]] == [(0, {})]
    note = found[0]["activation"][1][30][0]
    assert note.endswith(" % exactly zero") and 40 < int(note.split()[0]) < 60 and found[0]["activation"][1][0][0] == ""
    assert found[0]["gradient"][1][1][2] > 15  # powers of ten


def test_what_bars_do_not_show_is_said():
    network = gradsim.mlp(width=20, depth=40, activation="relu", weight_gain=40)
    curves = gradsim.simulate(network, 20, histograms=20, arithmetic="float32")
    panels = spreads_of(contents(CurveSet([curves]), "x", theory=False)["spreads"])[0]["activation"][1]
    assert panels[40][0] == "no number" and not panels[40][3].any()
    words = set("\n".join(note for note, *_ in panels.values()).split("\n"))
    assert any(text.endswith("not a number") for text in words) and any(text.endswith("exactly zero") for text in words)


def test_histograms_are_of_what_is_asked_for(counted):
    assert contents(counted[2:], "x", theory=False)["spreads"] is None
    assert contents(counted, "x", ["dead_fraction"], theory=False)["spreads"] is None
    packed = contents(counted, "x", ["gradient", "stream"], theory=False)["spreads"]
    assert [entry["name"] for entry in packed["quantities"]] == ["gradient"]


def test_histograms_take_the_room_that_there_is(counted):
    """Fewer layers first, then coarser bars, of the same units; then none."""
    spreads = report_spreads.Spreads(HISTOGRAMMED)
    for _ in range(3):
        for curves in counted:
            spreads.add(curves)
    sizes, means = [], []
    room = report_spreads.ROOM
    for layers, bars in report_spreads.FORMS:
        packed = spreads.packed(room)
        there, panels = spreads_of(packed)[0]["activation"]
        assert (there, len(panels), packed["bars"]) == (31, layers, bars) and {0, 30} <= panels.keys()
        _, edges, _, heights = panels[30]
        means.append(np.average((edges[1:] + edges[:-1]) / 2, weights=heights))
        sizes.append(len(json.dumps(packed)))
        room = sizes[-1] - 1
    assert sizes == sorted(sizes, reverse=True) and np.ptp(means) < 0.1 * means[0]
    assert spreads.packed(room) == {"counted": [20, 20, 0] * 3}


def test_a_page_with_histograms_stays_below_ten_megabytes(counted, monkeypatch):
    whole = page(counted, "x", theory=False)
    assert data_of(whole)["spreads"]["numbers"]
    monkeypatch.setattr("gradsim.report.page.LARGEST", len(whole) - 3000)
    monkeypatch.setattr(report_lines, "LEAST_POINTS", 2)
    smaller = page(counted, "x", theory=False)
    assert len(smaller) < len(whole) - 3000


def test_any_numbers_come_back():
    rng = np.random.default_rng(0)
    ends = np.array([2**31 - 1, -(2**31), 0, -1, 1, 2**30 + 3, -(2**30)])
    for numbers in (rng.integers(-(2**31), 2**31, 1000), np.cumsum(rng.integers(-9, 9, 1000)), ends):
        quantity = {"name": "a", "places": [""], "kinds": ["middle"], "steps": [1.0]}
        packed = {"numbers": report_lines.text_of(numbers.astype(np.int32)), "points": len(numbers), "cells": 1}
        nothing = dict.fromkeys(("undefined", "zero", "broken"))
        found = unpacked(packed | {"quantities": [quantity], "special": nothing})["a", "", "middle"]
        np.testing.assert_array_equal(found[0], numbers)


def test_deep_networks_are_thinned():
    curve_set = CurveSet([gradsim.simulate(gradsim.mlp(width=2, depth=depth), 3) for depth in (5, 900)])
    found = contents(curve_set, "x")
    layers = found["lines"]["layers"]
    assert layers["6"] == [0, 1, 2, 3, 4, 5] and len(layers["901"]) == found["lines"]["points"] == 400
    check_lines(curve_set[1:], contents(curve_set[1:], "x"), thin=True)


def test_lines_take_the_room_that_there_is(sweep, monkeypatch):
    """Noise, which cannot be packed: first layers are left out, then quantities."""
    rng, asked = np.random.default_rng(0), ("gradient", "activation")
    monkeypatch.setattr(report_lines, "of_curves", lambda *_: rng.normal(size=(1, 5, 7)).astype(np.float32) * 100)
    lines = report_lines.Lines(400, asked, True)
    for _ in range(400):
        lines.add(sweep[0])
    with pytest.raises(gradsim.RequestError, match="a page cannot hold 400 networks with 2 quantities; choose networks"):
        lines.packed("report", 60_000)
    for least, enough, layers, quantities in (
        (2, (), [0, 2, 4, 6], asked),
        (7, ("gradient", "stream"), [0, 1, 2, 3, 4, 5, 6], asked[:1]),
    ):
        monkeypatch.setattr(report_lines, "LEAST_POINTS", least)
        packed = lines.packed("report", 60_000, enough)
        assert len(packed["numbers"]) <= 60_000 and packed["layers"] == {"7": layers}
        assert {entry["name"] for entry in packed["quantities"]} == set(quantities)


def test_a_page_stays_below_ten_megabytes(sweep, monkeypatch):
    whole = len(page(sweep, "x"))
    assert LARGEST < 10 * MEGABYTE
    monkeypatch.setattr("gradsim.report.page.LARGEST", whole - 1000)
    monkeypatch.setattr(report_lines, "LEAST_POINTS", 2)
    assert whole - 10_000 < len(page(sweep, "x")) < whole - 1000


def test_nothing_is_loaded_and_all_is_there_once(sweep, tmp_path):
    sweep.report(tmp_path / "a.html")
    content = (tmp_path / "a.html").read_bytes()
    text, library = content.decode(), _library()
    assert content.startswith(b"<!DOCTYPE html>") and text.count(library) == 1 and len(content) < len(library) + 100_000
    own = text.replace(library, "")
    for word in ("src=", "href=", "@import", "url(", "import(", "fetch(", "XMLHttpRequest", "eval(", "{{"):
        assert word not in own
    assert re.findall(r"https?://[^\"]*", own) == ["http://www.w3.org/2000/svg"]  # a name, which is nowhere loaded from
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', own)[1]
    assert "default-src 'none'" in policy and policy.count("'sha256-") == 2 and "script-src 'sha256-" in policy


def test_texts_are_no_code(tmp_path):
    curves = gradsim.simulate(gradsim.mlp(width=2, depth=2), 3, stream=HOSTILE)
    other = gradsim.simulate(gradsim.mlp(width=2, depth=2), 3, stream="b")
    CurveSet([curves, other]).report(tmp_path / "a.html", title=HOSTILE)
    content = (tmp_path / "a.html").read_bytes()
    own = content.decode().replace(_library(), "")
    assert own.count("<script") == 3 == own.count("</script") and "<img" not in own and "<!--" not in own
    assert unescape(re.search("<title>(.*)</title>", own)[1]) == HOSTILE
    assert HOSTILE in data_of(content)["axes"][0]["levels"]


def test_limits_of_float_types():
    found = {(line["which"], *line["names"]): line["decades"] for line in limits()}
    assert found == {
        ("largest", "float16"): 4.816,
        ("largest", "bfloat16", "float32"): 38.53,
        ("smallest normal", "float16"): -4.214,
        ("smallest normal", "bfloat16", "float32"): -37.93,
    }


def test_pages_on_the_command_line(sweep, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    sweep.save("a.h5")
    sweep[0].save("b.h5")
    assert call("report", "a.h5") == 0 and capsys.readouterr().out == "written: a.html\n"
    found = data_of((tmp_path / "a.html").read_bytes())
    assert found["title"] == "a.h5" and found["theory"] and len(found["verdicts"]) == 6
    chosen = ("--select", "weight_gain=0.5..1", "--quantity", "gradient", "--quantity", "correlation", "--no-theory")
    assert call("report", "a.h5", *chosen, "--overwrite", "--title", "A lecture") == 0
    found = data_of((tmp_path / "a.html").read_bytes())
    assert found["title"] == "A lecture" and not found["theory"] and len(found["verdicts"]) == 4
    assert [entry["value"] for entry in found["menu"]] == ["gradient", "correlation"] and found["start"] == ["gradient"] * 2
    assert call("report", "a.h5", "b.h5", "-o", "both.html") == 0
    found = data_of((tmp_path / "both.html").read_bytes())
    assert found["axes"][-1]["levels"] == ["a.h5", "b.h5"] and found["title"] == "a.h5, b.h5"
    sweep[0].report("one.htm", quantity="gradient")
    assert data_of((tmp_path / "one.htm").read_bytes())["title"] == "one"


@pytest.fixture(scope="module")
def folder(sweep, tmp_path_factory):
    """Two files, and a page of somebody else's."""
    made = tmp_path_factory.mktemp("files")
    sweep[:1].save(made / "a.h5")
    gradsim.simulate(gradsim.mlp(width=2, depth=2), 3, quantiles=(0.5,)).save(made / "few.h5")
    (made / "notes.html").write_text("<!DOCTYPE html>mine")
    return made


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["a.h5", "-o", "page.png"], "--out: 'page.png' should end in .html"),
        (["a.h5", "-o", "notes.html", "--overwrite"], "'notes.html' is not a page of gradsim"),
        (["a.h5", "-o", "notes.html"], "--out: 'notes.html' exists"),
        (["a.h5", "-o", "no/a.html"], "--out: cannot write 'no/a.html'"),
        (["a.h5", "-o", ""], "--out: '' is not the name of a file"),
        (["none.h5"], "no such file"),
        (["a.h5", "--quantity", "gradints"], "--quantity: unknown name 'gradints'; did you mean gradient?"),
        (["a.h5", "--quantity", "loss"], "--quantity: loss is one number a network"),
        (["a.h5", "--quantity", "stream"], "--quantity: none of these networks has stream"),
        (["a.h5", "--select", "weight_gain=7"], "--select: no network has weight_gain=7"),
        (["few.h5"], "report: the quantiles [0.05, 0.95] were not kept"),
        (["a.h5", "--activation", "nowhere:f"], "nowhere"),
    ],
)
def test_what_cannot_be_a_page_is_one_line(arguments, words, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert call("report", *arguments) == 2
    line = capsys.readouterr().err
    assert words in line and line.count("\n") == 1
    assert (folder / "notes.html").read_text() == "<!DOCTYPE html>mine" and len(list(folder.iterdir())) == 3


def test_errors_in_python_name_the_argument(sweep, tmp_path, monkeypatch):
    for view, words in (
        ({"quantity": 3}, "^quantity: 3 names no quantity"),
        ({"quantity": ["gradient", "los"]}, "^quantity: unknown name 'los'"),
        ({"path": "a.pdf"}, "^path: 'a.pdf' should end in .html"),
        ({"path": 3}, "^path: 3 is not the name of a file"),
    ):
        with pytest.raises(gradsim.RequestError, match=words):
            sweep.report(**{"path": tmp_path / "a.html"} | view)
    monkeypatch.setattr("gradsim.report.page.MOST_CELLS", 5)
    with pytest.raises(gradsim.RequestError, match="report: 6 networks are more than the 5 of a page"):
        page(sweep, "x")
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    with pytest.raises(gradsim.RequestError, match=r"report needs plotly: pip install 'gradsim\[report\]'"):
        sweep.report(tmp_path / "a.html")
