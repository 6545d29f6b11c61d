"""The page in a real browser, driven by its keys: what it draws, says and loads, and how fast it answers a slider.

Where no Chromium is found these are skipped; with GRADSIM_REQUIRE_CHROMIUM they fail instead (.ci/run installs one).
"""

import os
import re
import shutil

import numpy as np
import pytest

import gradsim
from gradsim.curves import CurveSet
from gradsim.show.style import words
from gradsim.statistics.units import middles

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
REQUIRED = bool(os.environ.get("GRADSIM_REQUIRE_CHROMIUM"))
HOSTILE = "</script><script>hacked=1</script><img src=x onerror=hacked=1><a href='javascript:hacked=1'>a</a>&lt;b&gt;"
ANSWER = 100  # milliseconds
SOME = 9  # answers that are timed

if CHROMIUM is None and not REQUIRED:
    pytest.skip("no Chromium is found here", allow_module_level=True)
if not REQUIRED:
    pytest.importorskip("playwright")


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def opened(browser, tmp_path):
    """A function that opens the page of a set of curves; afterwards nothing may have been amiss, nor loaded from anywhere."""
    faults, asked, tabs = [], [], []

    def open_page(curve_set, **view):
        path = tmp_path / f"{len(tabs)}.html"
        curve_set.report(path, **view)
        tab = browser.new_page(viewport={"width": 1500, "height": 1200})
        tabs.append(tab)
        tab.on("pageerror", lambda error: faults.append(str(error)))
        tab.on("console", lambda message: faults.append(message.text))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(path.as_uri())
        tab.wait_for_selector("body[data-ready]")
        return tab

    yield open_page
    for tab in tabs:
        tab.close()
    assert faults == [] and [url.rpartition("/")[2] for url in asked] == [f"{k}.html" for k in range(len(tabs))]


def settled(tab):
    tab.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    return tab


def drawn(tab, picture=0):
    """[(x, y)] of the lines of a picture, as the library has them: medians, then theory; bands apart."""
    found = tab.evaluate("(k) => document.querySelectorAll('.plot')[k].data.map((d) => [d.x, d.y, d.fill ?? ''])", picture)
    nan = float("nan")
    lines = [(np.array(x), np.array([nan if v is None else v for v in y], float)) for x, y, fill in found if not fill]
    return lines, sum(bool(fill) for *_, fill in found)


def text(tab, selector):
    return tab.inner_text(selector)


@pytest.fixture(scope="module")
def sweep():
    options = {"activation": ["tanh", "relu"], "width": 4, "depth": 12, "replicas": 8, "inputs": 2, "init": "xavier_normal"}
    return gradsim.sweep.run(options | {"weight_gain": [0.5, 1.0, 1.5, 2.0]})


def test_one_network(opened):
    curves = gradsim.simulate(gradsim.mlp(width=8, depth=10, activation="relu"), 20)
    tab = opened(CurveSet([curves]), title="ReLU, once")
    assert tab.title() == text(tab, "h1") == "ReLU, once" and tab.query_selector_all("#axes input, #axes select") == []
    assert text(tab, "#word") == curves.verdict.word and text(tab, "#sentence") == curves.verdict.sentence
    for picture, quantity in enumerate(("preactivation", "gradient")):
        lines, bands = drawn(tab, picture)
        assert len(lines) == 3 and bands == 1  # the median, an exact law and mean field
        theory = curves.with_theory()
        wanted = [theory[f"{name}_{quantity}_log_mean"] / np.log(100) for name in ("mean_field", "exact")]
        wanted.insert(0, curves.decades(quantity))
        for x, y in lines:
            np.testing.assert_array_equal(x, curves.layers)
            assert min(np.nanmax(abs(y[1:] - line[1:])) for line in wanted) < 6e-4
        np.testing.assert_allclose(lines[0][1], wanted[0], atol=6e-4)
    assert tab.evaluate("document.querySelectorAll('.plot svg path.js-line').length") >= 6  # drawn indeed
    for name in ("theory", "bands"):
        tab.uncheck(f"#{name}")
    lines, bands = drawn(settled(tab))
    assert len(lines) == 1 and bands == 0


def test_sliders_and_menus_choose_the_network(opened, sweep):
    tab = opened(sweep)

    def shown():
        settled(tab)
        (number,) = [k for k, row in enumerate(tab.query_selector_all("tbody tr")) if row.get_attribute("class") == "chosen"]
        assert text(tab, "#sentence") == sweep[number].verdict.sentence
        np.testing.assert_allclose(drawn(tab, 1)[0][0][1], sweep[number].decades("gradient"), atol=6e-4)
        return sweep.column("activation")[number], sweep.column("weight_gain")[number]

    assert shown() == ("tanh", 0.5)
    slider, menu = tab.query_selector("input[type=range]"), tab.query_selector("#axes select")
    slider.focus()
    tab.keyboard.press("ArrowRight")
    assert shown() == ("tanh", 1.0) and text(tab, "#axes output") == "1.0"
    assert slider.get_attribute("aria-valuetext") == "1.0"
    menu.select_option("relu")
    assert shown() == ("relu", 1.0)
    slider.focus()
    tab.keyboard.press("End")
    assert shown() == ("relu", 2.0)
    tab.click("[aria-label='show network 2']")
    assert shown() == ("tanh", 1.0) and menu.input_value() == "0"
    for value in ("correlation", "dead_fraction"):
        tab.select_option(".panel select", label=words([value]))
        np.testing.assert_allclose(drawn(settled(tab))[0][0][1][1:], sweep[1][f"{value}_mean"][1:], atol=1e-4)
    assert "theory says nothing of this quantity here" in text(tab, ".notes")


def test_networks_side_by_side(opened, sweep):
    tab = opened(sweep)
    tab.select_option("#along", "weight_gain")
    lines, bands = drawn(settled(tab), 1)
    assert len(lines) == 4 + 4 and bands == 4
    gains = [curves.decades("gradient") for curves in sweep[:4]]
    assert all(min(np.nanmax(abs(y - gain)) for gain in gains) < 6e-4 for _, y in lines[:4])
    assert text(tab, ".legend").split("\n")[:5] == ["weight gain:", "0.5", "1.0", "1.5", "2.0"]
    assert tab.inner_text(".legend .chosen") == "0.5"
    tab.select_option("#along", "all of them")
    lines, _ = drawn(settled(tab), 1)
    assert len(lines) == 16 and "relu, 2.0" in text(tab, ".legend")
    far = "range([{middle: [0, 1], low: [-2000, -1], high: [1, 2]}], {log: true}, ['middle', 'low', 'high'])"
    assert tab.evaluate(far) == pytest.approx([-8.5, 2.5])  # a band that would leave nothing to be seen of the medians
    tab.check("#hold")
    before = tab.evaluate("document.querySelector('.plot').layout.yaxis.range")
    tab.select_option("#along", "")
    assert tab.evaluate("document.querySelector('.plot').layout.yaxis.range") == before


def test_blocks_and_streams(opened):
    cells = [
        {"block": "plain", "depth": 4},
        {"block": "pre_norm", "block_depth": 2, "depth": 3},
        {"block": "residual", "depth": 3},
    ]
    curve_set = gradsim.sweep.run({"width": 4, "replicas": 8, "inputs": 2, "cells": cells})
    tab = opened(curve_set)
    assert text(tab, ".panel select option:checked") == "Stream x, or preactivation h"
    tab.select_option("#axes select >> nth=-1", label="pre_norm")
    settled(tab)
    assert text(tab, "#sentence") == curve_set[1].verdict.sentence  # the nearest there is: its depth follows
    np.testing.assert_allclose(drawn(tab)[0][0][1], curve_set[1].decades("stream"), atol=6e-4)
    tab.select_option(".panel select", label="Preactivation h")
    lines, _ = drawn(settled(tab))
    places = [curve_set[1].places.index(name) for name in ("linear1", "linear2")]
    for (_, y), place in zip(lines, places, strict=False):
        np.testing.assert_allclose(y, curve_set[1].decades("preactivation")[:, place], atol=6e-4)
    assert "linear1" in text(tab, ".legend") and "linear2" in text(tab, ".legend")


def test_what_was_moved_stays_where_a_grid_has_gaps(opened):
    places = [(1.0, 3), (1.0, 4), (2.0, 4), (2.0, 9)]  # (gain, depth)
    networks = [gradsim.mlp(width=2, depth=depth, weight_gain=gain) for gain, depth in places]
    tab = opened(CurveSet([gradsim.simulate(network, 3) for network in networks]), quantity="gradient", theory=False)
    for (name, value), wanted in (
        (("weight gain", "2.0"), 2),
        (("weight gain", "1.0"), 1),
        (("depth", "3"), 0),
        (("depth", "9"), 3),
        (("weight gain", "1.0"), 1),
    ):
        (control,) = [part for part in tab.query_selector_all(".axis") if part.inner_text().startswith(name)]
        chooser = control.query_selector("input, select")
        if chooser.get_attribute("type") == "range":
            chooser.fill(str(("3", "4", "9").index(value)))
        else:
            chooser.select_option(label=value)
        assert settled(tab).evaluate("state.cell") == wanted, name


def test_what_a_picture_cannot_show_is_said(opened):
    networks = [gradsim.mlp(width=4, depth=20, weight_gain=gain) for gain in (1e-9, 1e9)]
    tab = opened(CurveSet([gradsim.simulate(network, 8, arithmetic="float32") for network in networks]))
    notes = [part.inner_text() for part in tab.query_selector_all(".notes")]
    assert "exactly zero in half of the networks at layers" in notes[0] and "at every layer" in notes[1]
    assert "what float32 rounds to zero or infinity has no prediction" in text(tab, "#silences")
    assert "smallest normal bfloat16, float32" in tab.evaluate("document.querySelector('.plot').textContent")
    tab.uncheck("#limits")
    assert "smallest normal" not in settled(tab).evaluate("document.querySelector('.plot').textContent")
    tab.select_option("#axes select", label="1e+09")
    assert "inf or NaN in half of the networks at layers" in text(settled(tab), ".notes")


def test_histograms_of_the_chosen_network(opened):
    networks = [gradsim.mlp(width=30, depth=20, activation="relu", init="normal(0,1)", weight_gain=gain) for gain in (1.0, 1.5)]
    curves = [gradsim.simulate(network, 20, histograms=15) for network in networks]
    bare = gradsim.simulate(gradsim.mlp(width=30, depth=20, activation="relu", init="normal(0,1)", weight_gain=2.0), 5)
    tab = opened(CurveSet([*curves, bare]), theory=False)

    def shown():
        return settled(tab).query_selector_all("#spreads figure")

    assert text(tab, "#counted option:checked") == "Activation x" and len(shown()) == 12
    labels = [figure.query_selector("svg").get_attribute("aria-label") for figure in shown()]
    assert labels[0] == "layer 0" and labels[-1].startswith("layer 20, ") and labels[-1].endswith("% exactly zero")
    assert "first 15 networks" in text(tab, "#spread") and "12 of 21 layers are shown" in text(tab, "#spread")
    assert "too far apart for one scale" in text(tab, "#spread")
    tab.select_option("#counted", label="Preactivation h")
    for number in (0, 1):
        tab.click(f"[aria-label='show network {number + 1}']")
        settled(tab)
        counts, exponents = (curves[number][f"preactivation_histogram{end}"] for end in ("", "_exponent"))
        found = tab.evaluate("histograms(state.cell, 0).all.map((one) => ({ ...one, heights: [...one.heights] }))")
        assert [one["layer"] for one in found] == [1, 3, 4, 6, 8, 10, 11, 13, 15, 17, 18, 20]
        for one in found:
            spread = np.abs(middles())[counts[one["layer"]].cumsum() >= 0.999 * counts[one["layer"]].sum()][0]
            high = spread * 2.0 ** exponents[one["layer"]] / 10.0 ** one["power"]
            assert one["high"] == pytest.approx(high, rel=0.15) and max(one["heights"]) == 200
    # bars as they are drawn: as high as their heights, from the left to the right
    path = shown()[0].query_selector("path[fill-opacity]").get_attribute("d")
    tops = [float(part) for part in re.findall(r"V([0-9.]+)H", path)]
    heights = np.array(found[0]["heights"])
    np.testing.assert_allclose(np.max(tops) - tops, (np.max(tops) - np.min(tops)) * heights / 200, atol=0.5)
    tab.click("[aria-label='show network 3']")
    assert shown() == [] and text(tab, "#spread") == "the units of this network were not counted"


def test_histograms_on_one_scale_or_their_own(opened):
    curves = gradsim.simulate(gradsim.mlp(width=30, depth=6, activation="tanh", init="xavier_normal"), 20, histograms=20)
    tab = opened(CurveSet([curves]), theory=False)

    def axes():
        figures = settled(tab).query_selector_all("#spreads figure")
        return {tuple(part.text_content() for part in figure.query_selector_all("[text-anchor=middle]")) for figure in figures}

    assert len(axes()) == 1 and "too far apart" not in text(tab, "#spread") and "layers are shown" not in text(tab, "#spread")
    tab.uncheck("#alike")
    assert len(axes()) > 1
    without = opened(CurveSet([gradsim.simulate(curves.network, 5)]), theory=False)
    assert not without.is_visible("#histograms")


def test_histograms_that_have_no_room(opened, monkeypatch):
    monkeypatch.setattr("gradsim.report.spreads.ROOM", 100)
    tab = opened(CurveSet([gradsim.simulate(gradsim.mlp(width=8, depth=4), 5, histograms=5)]), theory=False)
    assert "no room on a page of so many networks" in text(tab, "#histograms") and not tab.is_visible("#counted")


def test_texts_of_a_file_are_no_code(opened):
    curves = [gradsim.simulate(gradsim.mlp(width=2, depth=2), 3, stream=stream) for stream in (HOSTILE, "b")]
    tab = opened(CurveSet(curves), title=HOSTILE)
    tab.select_option("#along", "stream")
    tab.hover(".plot >> nth=0")
    tab.mouse.move(300, 500)
    settled(tab)
    assert tab.evaluate("typeof hacked") == "undefined" and tab.query_selector_all("img, a[href^=javascript]") == []
    assert tab.title() == text(tab, "h1") == HOSTILE and HOSTILE in text(tab, ".legend")


def test_what_could_get_in_would_not_run(browser, sweep, tmp_path):
    path, loaded = tmp_path / "a.html", []
    sweep[:1].report(path, theory=False)
    evil = "<script>hacked=1</script><img src=http://127.0.0.1:9/a><img src=x onerror=hacked=1>"
    path.write_text(path.read_text().replace("<main>", f"<main>{evil}"))
    tab = browser.new_page()
    tab.on("requestfinished", lambda request: loaded.append(request.url))
    tab.goto(path.as_uri())
    tab.wait_for_selector("body[data-ready]")
    assert tab.evaluate("typeof hacked") == "undefined" and len(tab.query_selector_all("img")) == 2
    assert loaded == [path.as_uri()]
    tab.close()


def clock_of(tab):
    """A function that gives the milliseconds that the page's thread was busy, so far."""
    session = tab.context.new_cdp_session(tab)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def busy():
        found = session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(entry["value"] for entry in found if entry["name"] == "TaskDuration")

    return busy


def test_histograms_answer_a_slider(opened):
    """As many as a page has of a network."""
    grid = {"width": 4, "depth": 30, "replicas": 4, "histograms": 4, "weight_gain": np.linspace(0.5, 2, SOME + 1)}
    tab = opened(gradsim.sweep.run(grid), theory=False)
    busy, spent, seen = clock_of(tab), [], set()
    tab.focus("input[type=range]")
    for _ in range(SOME):
        before = busy()
        tab.keyboard.press("ArrowRight")
        settled(settled(tab))
        spent.append(busy() - before)
        seen.add(tab.inner_html("#spreads"))
    assert len(seen) == SOME and np.median(spent) < ANSWER, spent


def test_a_thousand_networks_answer_a_slider(browser, tmp_path):
    """The page's thread is busy for less than a tenth of a second: its own time, whatever else the machine does."""
    options = {"width": 3, "depth": 40, "replicas": 3, "init": "xavier_normal", "activation": ["tanh", "relu"]}
    gains, biases = np.linspace(0.5, 2, 25), np.linspace(0, 1, 20)
    curve_set = gradsim.sweep.run(options | {"weight_gain": gains, "bias_std": biases})
    path = tmp_path / "a.html"
    curve_set.report(path, theory=False)
    assert len(curve_set) == 1000 and path.stat().st_size < 10_000_000
    tab = browser.new_page(viewport={"width": 1500, "height": 1200})
    tab.goto(path.as_uri())
    tab.wait_for_selector("body[data-ready]")
    busy = clock_of(tab)
    for turn, along in enumerate(("", "weight_gain"), 1):
        tab.select_option("#along", along)
        tab.focus("input[type=range]")
        settled(tab)
        spent = []
        for _ in range(SOME):
            before = busy()
            tab.keyboard.press("ArrowRight")
            settled(settled(tab))
            spent.append(busy() - before)
        assert text(tab, "#axes output") == f"{gains[turn * SOME]:.9g}"
        assert np.median(spent) < ANSWER, spent
    tab.close()
