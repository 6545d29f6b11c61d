"""Faults planted in theory: fixed points, exact laws, exits, z-scores and advice."""

from . import Fault

CHECKS, COMPARISON, COMPARISON_REPORT, EXACT, FIXED, RANGES, WIDE, ADVICE, ADVICE_REPORT, SUMMARY = (
    f"{name}.py"
    for name in (
        "advice/checks",
        "theory/comparison",
        "show/comparison",
        "theory/exact_laws",
        "theory/fixed_points",
        "theory/float_ranges",
        "theory/infinite_width",
        "advice/recommendation",
        "advice/recommendation_report",
        "advice/summary",
    )
)
POINTS, LAWS, SCORES, EXITS, CURVES, ADVISED = (
    f"tests/theory/test_{name}.py::test_"
    for name in ("fixed_points", "exact_laws", "comparison", "float_ranges", "infinite_width", "recommendation")
)

FAULTS = {
    "ordered and chaotic exchanged": Fault(
        FIXED,
        "PHASES[0] if chi_perp < 1 else PHASES[2]",
        "PHASES[2] if chi_perp < 1 else PHASES[0]",
        tests=(f"{POINTS}published_fixed_points",),
    ),
    "what repels from above is stable": Fault(
        FIXED,
        "return not grows and (q == 0 or",
        "return (q == 0 or",
        tests=(f"{POINTS}critical_points_are_unstable_below_the_half_stable_one",),
    ),
    "the depth scale of gradients for that of correlations": Fault(
        FIXED,
        "depth_scale(slope)",
        "depth_scale(chi_c)",
        tests=(f"{POINTS}correlations_of_relu_close_by_a_power_law_at_any_gain",),
    ),
    "the first branch, stable or not": Fault(
        FIXED,
        "next((p for p in branches if p.stable), branches[0])",
        "branches[0]",
        tests=(f"{POINTS}of_several_branches_the_first_stable_one_is_told",),
    ),
    "the stable part of the edge is the other": Fault(
        FIXED,
        "parallel <= slope_square",
        "parallel > slope_square",
        tests=(f"{POINTS}the_edge_goes_through_the_critical_points",),
    ),
    "decades of squares in a phase diagram": Fault(
        FIXED,
        "50 * np.log10(self.chi_perp)",
        "100 * np.log10(self.chi_perp)",
        tests=(f"{POINTS}phase_diagrams_hold_the_fixed_points[tanh]",),
    ),
    "a signal that lived counted twice at a readout": Fault(
        EXACT,
        "given(-x.log_alive if number <= depth else 0.0)",
        "given(-x.log_alive)",
        tests=(f"{LAWS}networks_with_explicit_matrices",),
    ),
    "second moments that shrink with death": Fault(
        EXACT,
        "self.log_second_ratio - log_alive",
        "self.log_second_ratio + log_alive",
        tests=(f"{LAWS}second_moments_of_networks_that_die",),
    ),
    "an input of mean square n": Fault(
        EXACT,
        "LayerLaw(-math.log(n), ChiSquare(n)",
        "LayerLaw(0.0, ChiSquare(n)",
        tests=(f"{LAWS}networks_with_explicit_matrices",),
    ),
    "the mean of the log of chi-square": Fault(
        WIDE,
        "-math.log(2) - np.euler_gamma",
        "-math.log(2) + np.euler_gamma",
        tests=(f"{CURVES}the_loss_of_a_probe_is_a_normal_number",),
    ),
    "fan_in for fan_out into the input": Fault(
        WIDE,
        "delta + log(first.weights.variance * first.fan_out)",
        "delta + log(first.weights.variance * first.fan_in)",
        tests=(f"{CURVES}curves_against_the_recursion_by_brute_force",),
    ),
    "z without rounding": Fault(
        COMPARISON,
        "gap / math.hypot(error, ROUNDING)",
        "gap / error if error else math.inf",
        tests=(f"{SCORES}rounding_is_no_disagreement",),
    ),
    "z over a standard deviation": Fault(
        COMPARISON,
        "math.sqrt(variance / number)",
        "math.sqrt(variance)",
        tests=(f"{SCORES}scores_are_over_the_standard_error_of_what_is_alive",),
    ),
    "z over all networks, the dead ones too": Fault(
        COMPARISON,
        'number = curves.run["replicas"] - lost',
        'number = curves.run["replicas"]',
        tests=(f"{SCORES}scores_are_over_the_standard_error_of_what_is_alive",),
    ),
    "gradients compared where they start": Fault(
        COMPARISON,
        'int(layers[0] if which == "first" else layers[-1])',
        "int(layers[-1])",
        tests=(f"{SCORES}scores_are_of_the_ends",),
    ),
    "natural logs in a table of decades": Fault(
        COMPARISON_REPORT,
        'factor = DECADES if row.statistic == "log_mean" else 1.0',
        "factor = 1.0",
        tests=(f"{SCORES}the_table_is_in_decades",),
    ),
    "exits on the way back from below": Fault(
        RANGES, "range(len(size) - 1, 0, -1)", "range(1, len(size))", tests=(f"{SCORES}exits_predicted_and_measured",)
    ),
    "half dead is alive": Fault(
        RANGES,
        '_zero_probability"] >= 0.5',
        '_zero_probability"] >= 0.9',
        tests=(f"{EXITS}layers_in_which_half_of_the_networks_are_dead",),
    ),
    "narrow networks are trusted": Fault(
        RANGES,
        'self.source == "exact" or self.depth_over_width <= TRUSTED',
        'self.source == "exact" or self.depth_over_width >= 0',
        tests=(f"{EXITS}exits_of_a_narrow_network_are_marked",),
    ),
    "safe whatever the spread": Fault(
        CHECKS,
        " and self.spread <= SAFE_SPREAD",
        "",
        tests=(f"{ADVISED}a_split_ensemble_has_no_safe_gain_and_is_told_what_helps",),
    ),
    "the better of two ways": Fault(
        CHECKS,
        "return min(self.forward[name]",
        "return max(self.forward[name]",
        tests=(f"{ADVISED}words_on_who_leaves",),
    ),
    "a gain judged by the networks it was found with": Fault(
        ADVICE,
        '"recommendation: search"',
        '"recommendation: check"',
        tests=(f"{ADVISED}what_was_searched_with_is_not_what_is_checked_with",),
    ),
    "another gain where the one asked for is safe": Fault(
        ADVICE,
        '{"as asked": 0, "balanced": 1}',
        '{"as asked": 1, "balanced": 0}',
        tests=(f"{ADVISED}what_is_asked_for_is_kept_where_it_is_safe",),
    ),
    "the share that stays for the share that leaves": Fault(
        ADVICE_REPORT, "_share(1 - row.inside(name))", "_share(row.inside(name))", tests=(f"{ADVISED}words_on_who_leaves",)
    ),
    "a gain for the edge without that of the network": Fault(
        SUMMARY,
        "network.usual_gain * critical.weight_std / weight_std",
        "critical.weight_std / weight_std",
        tests=("tests/cli/test_theory_commands.py::test_theory_as_json",),
    ),
}
