"""`gradsim verify`: it agrees, it disagrees where it should, and its p-values are what they claim."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from gradsim.errors import RequestError
from gradsim.kernels.record import RECORDED
from gradsim.model.activations import ACTIVATIONS
from gradsim.model.initializers import BIASES, INITIALIZERS
from gradsim.model.options import LOSSES, PROBES
from gradsim.program.graph import KINDS, graph
from gradsim.theory import finite_width
from gradsim.theory.log_laws import LayerLaw
from gradsim.verification import (
    CHECKS,
    NOT_CHECKED,
    activations,
    block_engines,
    block_replicas,
    drawn,
    engines,
    laws,
    replicas,
    select,
    verify,
)
from gradsim.verification.check import ALARM, Result, from_p_values, from_scores, from_share, mean_score, variance_score
from gradsim.verification.formulas import FORMULAS
from gradsim.verification.overall import overall
from gradsim.verification.twins import Twin

RANDOM = np.random.default_rng(5)


def test_every_check_names_its_closed_form_and_source():
    assert len(CHECKS) > 20 and {check.kind for check in CHECKS.values()} == {"exact", "limit", "identity"}
    assert all(check.claim and check.source for check in CHECKS.values())


def test_false_alarms_are_as_rare_as_stated():
    """At most one run in 3,000: checks with chance in them, and the z-scores together, disagree with probability ALARM each."""
    assert (sum(check.kind != "identity" for check in CHECKS.values()) + 1) * ALARM <= 1 / 2900


def test_every_entry_of_every_table_is_looked_at():
    assert {name.split("(")[0] for name in activations.NAMES} == {entry.name for entry in ACTIVATIONS} == set(FORMULAS)
    schemes = {entry.name for entry in INITIALIZERS}
    assert {scheme.split("(")[0] for scheme in replicas.SCHEMES} == schemes
    assert {scheme.split("(")[0] for scheme in (*drawn.LAWS, *drawn.SQUARES, *drawn.FIXED)} == schemes
    assert {bias.split("(")[0] for bias in replicas.BIASES} == set(BIASES)
    for cases in (replicas.of_losses(), [(network, options) for _, network, options in engines.CASES]):
        assert {options.get("loss", "probe") for _, options in cases} == set(LOSSES)
        assert {options.get("probe", "independent") for _, options in cases} == set(PROBES)


def test_every_quantity_is_compared_somewhere():
    compared = set()
    for network, options in (*replicas.of_losses(), *block_replicas.of_norms()):
        twin = Twin(network, 0, **options)
        row = twin.records()
        compared |= {quantity for quantity, at in twin.placed.items() if np.isfinite(row[at.columns]).any()}
    assert compared == set(RECORDED)


def test_every_kind_of_step_is_in_replicas_and_engines():
    families = [network for network, _ in block_replicas.of_families()]
    for networks in (families, [network for _, network, _ in block_engines.CASES]):
        assert {node.kind for network in networks for node in graph(network)} == set(KINDS)
    made = "".join(network.to_json() for network in families)
    assert all(text in made for text in ("LayerNorm", "RMSNorm", "BatchNorm", "Dropout", "skip"))


def test_what_is_not_checked_is_said():
    assert len(NOT_CHECKED) >= 5 and all(NOT_CHECKED)


def test_selection():
    assert [c.name for c in select(["tenths"])] == ["product of tenths"]
    assert len(select([])) == len(CHECKS)
    with pytest.raises(RequestError, match="did you mean threads"):
        select(["thraeds"])


def test_the_whole_run_agrees():
    report = verify()
    assert report.passed, {name: r.figures for name, r in report.results.items() if not r.passed}
    assert report.overall.z.size > 1500


def with_wrong(monkeypatch, change):
    """Theory that is wrong by `change(law)` in every layer's law, forward and backward."""

    def wrong(network):
        found = finite_width(network)
        return dataclasses.replace(
            found, forward=tuple(map(change, found.forward)), backward=tuple(map(change, found.backward))
        )

    monkeypatch.setattr(laws, "finite_width", wrong)


def test_a_wrong_mean_is_found(monkeypatch):
    """By 2 % of the standard deviation, which 240 z-scores of 4,000 networks show only together."""
    with_wrong(monkeypatch, lambda law: dataclasses.replace(law, log_constant=law.log_constant + 0.01))
    report = verify(["layers: relu, he_normal"])
    assert not report.passed and "layers: relu, he_normal, matrix_free" in report.results


class Wide(LayerLaw):
    """A law that claims a variance 10 % too large."""

    @property
    def log_variance(self):
        return 1.1 * super().log_variance


def test_a_wrong_variance_is_found(monkeypatch):
    with_wrong(monkeypatch, lambda law: Wide(law.log_constant, law.length, law.gates))
    assert not verify(["layers: linear, xavier"]).passed


def test_error_bars_that_are_wrong_are_found():
    """Scores 12 % too large, too small, or shifted: 2,000 of them tell; standard normal ones do not."""
    z = stats.norm.ppf((RANDOM.permutation(2000) + 0.5) / 2000)
    assert overall(z).passed
    for wrong in (1.12 * z, 0.88 * z, z + 0.15, stats.laplace.ppf(stats.norm.cdf(z)) / np.sqrt(2)):
        assert not overall(wrong).passed


def test_p_values_of_scores_are_uniform():
    """2,000 fake checks of 30 scores: the share of p below 0.05 is at most that (the p-values are Bonferroni's, so less)."""
    p = np.array([from_scores(RANDOM.normal(size=30)).p for _ in range(2000)])
    assert 0.02 < (p < 0.05).mean() < 0.05 + 5 * np.sqrt(0.05 * 0.95 / 2000)


def test_scores_are_standard_normal():
    samples = RANDOM.gamma(4.0, size=(2000, 1000))
    assert overall(mean_score(samples, 4.0)).passed
    # fourth cumulant of a gamma law of shape 4 is 6 * 4
    z = variance_score(samples, 4.0, 24.0)
    assert abs(z.std() - 1) < 5 / np.sqrt(2 * z.size)


def test_not_a_number_disagrees():
    assert not from_scores(np.array([0.1, np.nan])).passed and not Result(0.0, "").passed
    assert not from_p_values([0.5, np.nan]).passed and not from_share(np.nan, "", "").passed
