"""Faults planted in what is kept of the records."""

from . import Fault

BLOCKS, ENSEMBLE, LEAVING, MOMENTS, QUANTILES = (
    f"statistics/{name}.py" for name in ("blocks", "ensemble", "leaving", "moments", "quantiles")
)
OF_ENSEMBLE, OF_MOMENTS, OF_QUANTILES = (
    f"tests/statistics/test_{name}.py::test_" for name in ("ensemble", "moments", "quantiles")
)
OF_UNITS, OF_SHOW = "tests/test_units.py::test_", "tests/show/test_"
SAMPLES = f"{OF_ENSEMBLE}shares_that_have_left_a_type_are_those_of_the_samples"

FAULTS = {
    "units in the bin above": Fault(
        "statistics/units.py",
        "place = np.ceil(",
        "place = 1 + np.floor(",
        tests=(f"{OF_UNITS}what_is_counted_is_what_is_there",),
    ),
    "one slot for all cotangents": Fault(
        "program/slots.py",
        "slot[source] = slot[k] if handed_on else used",
        "slot[source] = slot[k] if handed_on else 1 - slot[k]",
        tests=(f"{OF_UNITS}second_moments_are_those_on_record",),
    ),
    "dropout is not in what is counted": Fault(
        "simulation/units.py",
        "(INPUT, ACTIVATION, DROPOUT)",
        "(INPUT, ACTIVATION)",
        tests=(f"{OF_UNITS}second_moments_are_those_on_record",),
    ),
    "zeros in the bars": Fault("results/spread.py", "counts[BINS // 2] = 0.0", "pass", tests=(f"{OF_UNITS}they_are_drawn",)),
    "every panel its own scale": Fault(
        "show/layers.py",
        "upright(ax, panel.scale, *(shared or ax.get_ylim()))",
        "upright(ax, panel.scale, *ax.get_ylim())",
        tests=(f"{OF_SHOW}canvas.py::test_panels_share_their_scales_unless_told",),
    ),
    "standard deviations for variances": Fault(
        "results/scale.py",
        'np.sqrt(curves[f"{quantity}_variance"])',
        'curves[f"{quantity}_variance"]',
        tests=(f"{OF_SHOW}quantities.py::test_bands_are_standard_deviations",),
    ),
    "thin lines of all networks": Fault(
        "show/singles.py", "logs[:count]", "logs[:]", tests=(f"{OF_SHOW}singles.py::test_the_first_ones_are_drawn",)
    ),
    "a spread apart from its number": Fault(
        "show/fitting.py",
        "in SPREADS:",
        "in ():",
        tests=(f"{OF_SHOW}fitting.py::test_pieces_repeat_the_keys_and_keep_a_spread_with_its_number",),
    ),
    "bias gradients before BatchNorm that are rounding": Fault(  # called unresolved then, which is true, and less
        "program/program.py",
        "balanced.get(k, False))",
        "False)",
        tests=("tests/test_program.py::test_gradients_before_batch_norm_add_up_to_zero",),
    ),
    "a variance over n": Fault(
        MOMENTS,
        "np.maximum(self.count - 1, 1)",
        "np.maximum(self.count, 1)",
        tests=(f"{OF_MOMENTS}sums_of_parts_are_the_whole",),
    ),
    "squares scaled once": Fault(
        MOMENTS, "b**2 * other.squares", "b * other.squares", tests=(f"{OF_MOMENTS}sums_of_parts_are_the_whole",)
    ),
    "zeros left out of a mean": Fault(
        MOMENTS,
        "total = (count + zeros)[: len(top)]",
        "total = count[: len(top)]",
        tests=(f"{OF_MOMENTS}sums_of_parts_are_the_whole",),
    ),
    "twice the bytes for samples": Fault(
        QUANTILES,
        "if 8 * rows * replicas <= SAMPLE_BYTES",
        "if 4 * rows * replicas <= SAMPLE_BYTES",
        tests=(f"{OF_QUANTILES}the_choice_depends_on_the_problem_only",),
    ),
    "NaN between zero and a number": Fault(
        QUANTILES,
        "(fraction == 0) | np.isinf(low) | (low == high)",
        "(fraction == 0) | (low == high)",
        tests=(f"{OF_QUANTILES}between_infinite_neighbours",),
    ),
    "NaN at a number below infinity": Fault(
        QUANTILES,
        "(fraction == 0) | np.isinf(low) | (low == high)",
        "np.isinf(low) | (low == high)",
        tests=(f"{OF_QUANTILES}between_infinite_neighbours",),
    ),
    "infinities of one part only": Fault(
        QUANTILES,
        "self.tops + other.tops",
        "self.tops",
        tests=(f"{OF_QUANTILES}histograms_do_not_depend_on_the_order_and_stay_within_a_bin",),
    ),
    "what was counted before is forgotten": Fault(
        QUANTILES,
        "yield self.counted[block] + latest if self.counted else latest",
        "yield latest",
        tests=(f"{OF_QUANTILES}values_may_wait_to_be_counted",),
    ),
    "zeros counted as not finite": Fault(
        ENSEMBLE,
        "replicas - moments.count - zeros",
        "replicas - moments.count",
        tests=("tests/test_curves.py::test_counts_are_those_of_the_samples",),
    ),
    "counts of 0 where nothing is defined": Fault(
        BLOCKS,
        '-1 if dtype.kind == "i" else np.nan',
        '0 if dtype.kind == "i" else np.nan',
        tests=(f"{OF_ENSEMBLE}layers_without_the_quantity_hold_nothing",),
    ),
    "pairs of a single input": Fault(
        "program/columns.py",
        "(inputs > 1 or not quantity.pairs)",
        "(inputs > 0 or not quantity.pairs)",
        tests=("tests/test_curves.py::test_counts_are_those_of_the_samples",),
    ),
    "the input never leaves a type": Fault(
        BLOCKS, "if len(tops) > len(numbers):", "tops = tops[-len(numbers) :]\n        if False:", tests=(SAMPLES,)
    ),
    "sums of squares as large as squares of sums": Fault(
        LEAVING, "largest / 2, -smallest / 2", "largest, -smallest / 2", tests=(SAMPLES,)
    ),
    "sums of squares over one input": Fault(BLOCKS, 'widths * inputs, "weight', 'widths, "weight', tests=(SAMPLES,)),
    "networks that have left come back": Fault(
        LEAVING,
        "counts[kinds].cumsum(axis=2).transpose(0, 2, 1)",
        "counts[kinds].transpose(0, 2, 1)",
        tests=(SAMPLES,),
    ),
}
