"""The table of verdicts as it is printed: read from top to bottom, so that it has an end."""

import io

from gradsim import mlp, simulate
from gradsim.curves import CurveSet
from gradsim.show import comparison, table


def test_a_screen_has_the_first_networks_and_says_how_many_there_are():
    networks = [mlp(width=2, depth=2, weight_gain=1 + k / 100) for k in range(table.MOST_ROWS + 3)]
    curve_set = CurveSet([simulate(network, 2, stream="one") for network in networks])
    out = io.StringIO()
    table.show(curve_set, out)
    rows = [line for line in out.getvalue().splitlines() if line[:2] in ("1.", "2.")]
    assert len(rows) == 2 * table.MOST_ROWS and "The first 100 of 103 networks" in out.getvalue()
    assert "The first" not in curve_set.table() and curve_set.table().count("\n2.02") == 2  # Python gives what is asked for
    out = io.StringIO()
    comparison.show(curve_set[:2].with_theory(), out)
    assert "\n1.01" in out.getvalue()
