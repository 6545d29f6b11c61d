"""Faults in the laws of weights and in theory, which the property suite must find."""

from . import Fault

INITIALIZERS, LAWS = "model/initializers.py", "model/laws.py"
EXACT, LINEAR = "theory/exact_laws.py", "theory/steps/linear.py"
PROPERTIES = "tests/properties/test_"
NAMED, SCALE = f"{PROPERTIES}initializers.py::test_named", f"{PROPERTIES}scale.py::test_"
FINITE_WIDTH = f"{PROPERTIES}finite_width.py::test_means_variances_and_zeros"
MEAN_FIELD = f"{PROPERTIES}mean_field.py::test_gap_is_of_order_one_over_width"

FAULTS = {
    "He with 1 instead of 2": Fault(
        INITIALIZERS,
        "return 2 / (1 + slope * slope)",
        "return 1 / (1 + slope * slope)",
        tests=(
            NAMED + "[he_normal]",
            NAMED + "[kaiming_truncated_normal]",
            SCALE + "he_keeps_relu",
        ),
    ),
    "std for variance": Fault(
        INITIALIZERS,
        "math.sqrt(variance(i, o, *more) / UNIT_LAWS[kind][0])",
        "variance(i, o, *more) / UNIT_LAWS[kind][0]",
        tests=(
            NAMED + "[xavier_normal]",
            NAMED + "[lecun_normal]",
            SCALE + "xavier_keeps_linear_up_to_the_fans",
        ),
    ),
    "fan_out for fan_in": Fault(
        INITIALIZERS,
        '(fan_in if fan == "fan_in" else fan_out)',
        '(fan_out if fan == "fan_in" else fan_in)',
        tests=(
            NAMED + "[he_normal]",
            NAMED + "[he_normal(fan_out)]",
            SCALE + "he_keeps_relu",
        ),
    ),
    "one fan for the sum of both": Fault(
        INITIALIZERS,
        "lambda i, o: 2 / (i + o))",
        "lambda i, o: 1 / i)",
        tests=(
            NAMED + "[xavier_normal]",
            SCALE + "xavier_keeps_linear_up_to_the_fans",
            SCALE + "xavier_backward_layer_after_layer",
        ),
    ),
    "the std of uniform weights for their bound": Fault(
        LAWS,
        '"uniform": (1 / 3, -1.2)',
        '"uniform": (1.0, -1.2)',
        tests=(
            NAMED + "[xavier_uniform]",
            SCALE + "layer_after_layer",
        ),
    ),
    "a truncated normal that is not widened": Fault(
        LAWS,
        "(1 - 4 * _D, (3 *",
        "(1.0, (3 *",
        tests=(NAMED + "[he_truncated_normal]",),
    ),
    "a gradient that survives the layers below": Fault(
        EXACT,
        "others = passed - total.log_alive if number <= depth else 0.0",
        "others = 0.0",
        tests=(FINITE_WIDTH,),
    ),
    "fans not exchanged on the way back": Fault(
        EXACT,
        "_length(after, after.fan_out, after.fan_in)",
        "_length(after, after.fan_in, after.fan_out)",
        tests=(FINITE_WIDTH,),
    ),
    "fan_in for fan_out on the way back": Fault(
        LINEAR,
        "kept.weights.variance * kept.fan_out",
        "kept.weights.variance * kept.fan_in",
        tests=(MEAN_FIELD,),
    ),
}
