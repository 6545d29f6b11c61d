"""Faults planted in theory: fixed points, exact laws, exits, z-scores and advice."""

from . import Fault

ADVICE, ADVICE_REPORT, BLOCKS, CHECKS, SUMMARY = (
    f"advice/{name}.py" for name in ("recommendation", "recommendation_report", "block_report", "checks", "summary")
)
COMPARISON, EXACT, FIXED, RANGES, WIDE, LINEAR = (
    f"theory/{name}.py"
    for name in ("comparison", "exact_laws", "fixed_points", "float_ranges", "infinite_width", "steps/linear")
)
COMPARISON_REPORT, EXIT_TABLE, SPELLING = "show/comparison.py", "show/exit_table.py", "model/spelling.py"
POINTS, LAWS, SCORES, EXITS, CURVES, ADVISED, STREAMS = (
    f"tests/theory/test_{name}.py::test_"
    for name in (
        "fixed_points",
        "exact_laws",
        "comparison",
        "float_ranges",
        "infinite_width",
        "recommendation",
        "streams_and_theory",
    )
)
INSTEAD = "tests/advice/test_advise.py::test_"
TOLD = "tests/cli/test_theory_of_blocks.py::test_"

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
        "np.multiply(50, np.log10(self.chi_perp))",
        "np.multiply(100, np.log10(self.chi_perp))",
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
        LINEAR,
        "log(kept.weights.variance * kept.fan_out)",
        "log(kept.weights.variance * kept.fan_in)",
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
        RANGES,
        "range(count - 1, -1, -1) if down else range(count)",
        "range(count)",
        tests=(f"{STREAMS}exits_are_the_first_on_the_way",),
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
        "advice/desk.py",
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
    "another initialization where the one in use holds": Fault(
        "advice/advise.py",
        "in_use.points <= best.points + WORTH",
        "in_use.points <= best.points",
        tests=(f"{INSTEAD}what_holds_is_kept_unless_another_is_better_by_a_point",),
    ),
    "less room for more": Fault(
        "advice/criteria.py",
        "(value - other) * self.better > 0",
        "(value - other) > 0",
        tests=(f"{INSTEAD}gelu_gets_a_bias_at_which_the_edge_is_stable",),
    ),
    "biases next to the half-stable point": Fault(
        "advice/candidates.py",
        "b >= least and critical_point",
        "critical_point",
        tests=(f"{INSTEAD}biases_are_those_at_which_the_edge_is_stable",),
    ),
    "the room of networks that have most": Fault(
        CHECKS,
        "np.quantile(rooms, ENDS[0]",
        "np.quantile(rooms, ENDS[2]",
        tests=(f"{INSTEAD}figures_are_those_of_the_kept_samples",),
    ),
    "other blocks tried where an initialization holds": Fault(
        "advice/advise.py",
        " and not any(scheme.holds for scheme in found)",
        "",
        tests=(f"{INSTEAD}named_schemes_and_gains_of_theory_are_compared",),
    ),
    "a gain for the edge without that of the network": Fault(
        SUMMARY,
        "network.usual_gain * critical.weight_std / weight_std",
        "critical.weight_std / weight_std",
        tests=("tests/cli/test_theory_commands.py::test_theory_as_json",),
    ),
    "exits without the stream": Fault(
        RANGES, "if wide.streams:", "if not wide.streams:", tests=(f"{STREAMS}a_stream_leaves_before_its_branches",)
    ),
    "a branch that is zero leaves every type": Fault(
        RANGES,
        "zero = way.log_square == -np.inf",
        "zero = way.log_square == np.inf",
        tests=(f"{STREAMS}branches_that_are_zero_leave_no_type[rezero]",),
    ),
    "networks of a branch that is zero leave every type": Fault(
        CHECKS,
        "np.where(idle, math.inf, size).min",
        "size.min",
        tests=(f"{STREAMS}branches_that_are_zero_leave_no_type[fixup]",),
    ),
    "never, where theory knows nothing": Fault(
        EXIT_TABLE,
        "layer_word(None) if known",
        "layer_word(None) if True",
        tests=(f"{STREAMS}what_theory_does_not_know_is_no_promise",),
    ),
    "batch norm's exits without the inputs' correlation": Fault(
        COMPARISON,
        "if not curves.network.has_batch_norm:",
        "if True:",
        tests=(f"{STREAMS}what_theory_does_not_know_is_no_promise",),
    ),
    "places of theory in the order of the program": Fault(
        COMPARISON,
        "else blocks.spread(quantity, values)",
        "else values",
        tests=(f"{STREAMS}every_family_beside_its_curves", f"{TOLD}every_family_as_json"),
    ),
    "the first map's name for the last one's": Fault(
        COMPARISON,
        "curves.places[curves.blocks.own[QUANTITIES[name].at][layer]]",
        "curves.places[1]",
        tests=(f"{STREAMS}places_are_told",),
    ),
    "streams without their exact law": Fault(
        COMPARISON,
        "exact_stream(network) if network.has_stream else finite_width(network)",
        "finite_width(network)",
        tests=(f"{STREAMS}the_exact_law_of_a_stream_is_compared", f"{TOLD}the_exact_law_of_a_stream"),
    ),
    "silent about what is not predicted": Fault(
        COMPARISON_REPORT,
        "silent_lines(silences(curves))",
        "silent_lines({})",
        tests=(f"{STREAMS}what_theory_does_not_know_is_no_promise",),
    ),
    "a gain looked for where none balances": Fault(
        ADVICE, "if not reason else", "if reason else", tests=(f"{STREAMS}no_gain_is_looked_for_where_none_balances",)
    ),
    "a bias does not hear the gain": Fault(
        ADVICE, ' and part.bias == "zeros"', "", tests=(f"{STREAMS}what_makes_a_gain_idle",)
    ),
    "a recipe's own gain for the one that is typed": Fault(
        SPELLING,
        'network.usual_gain if options is None else options["weight_gain"]',
        "network.usual_gain",
        tests=(f"{STREAMS}the_gain_that_is_told_is_the_one_that_is_typed",),
    ),
    "a linear map's gradient for the stream's": Fault(
        SUMMARY,
        'name = "stream_gradient" if network.has_stream else "gradient"',
        'name = "gradient"',
        tests=(f"{TOLD}the_gradient_is_the_streams",),
    ),
    "a fixed point for every network": Fault(
        SUMMARY, "if is_chain(graph(network)):", "if True:", tests=(f"{TOLD}every_family_in_words",)
    ),
    "squares in the words on a stream": Fault(
        BLOCKS,
        "grown, change = (signal[depth] - signal[0]) * DECADES",
        "grown, change = (signal[depth] - signal[0]) * 2 * DECADES",
        tests=(f"{TOLD}streams_that_people_measured",),
    ),
    "zero gradients as undefined ones": Fault(
        BLOCKS,
        '"zero" if value == -math.inf else',
        '"" if value == -math.inf else',
        tests=(f"{TOLD}the_gradient_is_the_streams",),
    ),
}
