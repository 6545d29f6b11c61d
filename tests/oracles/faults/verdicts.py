"""Faults planted in verdicts, exits from float types, sentences and tables."""

from . import Fault

JUDGED, TOLD, HELD = "tests/test_verdict.py::test_", "tests/test_report.py::test_", "tests/test_curves.py::test_"

FAULTS = {
    "a rate over layers for steps": Fault(
        "results/verdict.py", "decades * 100 / (depth - 1)", "decades * 100 / depth", tests=(f"{JUDGED}issue_networks",)
    ),
    "the spread of the loss counts as a split": Fault(
        "results/verdict.py",
        "growth = spread if math.isinf(spread) else _difference(spread, before)",
        "growth = spread",
        tests=(f"{JUDGED}a_spread_that_the_loss_brings_along_is_no_split",),
    ),
    "the pace of few networks is believed": Fault(
        "results/verdict.py",
        "abs(decades) > SURE * error and",
        "abs(decades) > 0 * error and",
        tests=(f"{JUDGED}shallow_networks_are_judged_by_their_pace_where_it_is_known",),
    ),
    "more than half": Fault(
        "results/exits.py",
        "share[layers] >= HALF",
        "share[layers] > HALF",
        tests=(f"{JUDGED}half_of_the_networks_is_enough_and_ways_may_differ",),
    ),
    "gradients leave from below": Fault(
        "results/exits.py",
        'curves.layers[::-1] if "gradient" in quantity else curves.layers',
        "curves.layers",
        tests=(f"{JUDGED}half_of_the_networks_leave_at_the_layers_of_the_textbook",),
    ),
    "what is not finite is no overflow": Fault(
        "results/exits.py",
        'np.fmax(column["overflow"], broken)',
        'np.maximum(column["overflow"], broken)',
        tests=(f"{JUDGED}inputs_that_a_type_does_not_hold_are_layer_0",),
    ),
    "a pace over layers for steps": Fault(
        "results/sentence.py",
        'else "grow", abs(decades) / (depth - 1)',
        'else "grow", abs(decades) / depth',
        tests=(f"{JUDGED}issue_networks",),
    ),
    "zero from the wrong side": Fault(
        "results/sentence.py",
        "reach[reach <= depth].max()",
        "reach[reach <= depth].min()",
        tests=(f"{JUDGED}gradients_that_are_zero_name_their_layer",),
    ),
    "the change for the rate": Fault(
        "show/table.py",
        'number(verdict.decades_per_100_layers, "+.3g")',
        'number(verdict.decades, "+.3g")',
        tests=(f"{TOLD}the_figures_of_the_table_are_those_of_the_verdict",),
    ),
    "arrows exchanged": Fault(
        "show/table.py",
        '{"overflow": "↑", "underflow": "↓"}',
        '{"overflow": "↓", "underflow": "↑"}',
        tests=(f"{TOLD}cells_of_the_table",),
    ),
    "the last layer at which inputs merge": Fault("show/table.py", "{min(merged)}", "{max(merged)}", tests=(f"{TOLD}remarks",)),
    "biases left out of the table": Fault(
        "results/cells.py",
        ' and all(c["bias"] == "zeros" or c["bias_std"] for c in cells)',
        "",
        tests=(f"{TOLD}networks_that_differ_are_told_apart",),
    ),
    "one median for another quantile": Fault(
        "curves/curves.py", "[..., column[0]]", "[..., column[0] - 1]", tests=(f"{HELD}samples_agree_with_the_statistics",)
    ),
    "branches that are exactly zero underflow": Fault(
        "statistics/leaving.py",
        "if way.beside:",
        "if not way.beside:",
        tests=("tests/theory/test_streams_and_theory.py::test_branches_that_are_zero_leave_no_type[rezero]",),
    ),
}
