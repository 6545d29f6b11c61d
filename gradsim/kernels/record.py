"""What a run records: for each replica a float64 array of shape (len(RECORDED), layers), NaN where undefined.

Rows before `activation_mean` are natural logs of mean squares; the others are plain numbers. `preactivation_max` has the
largest squared entry of the input at layer 0.
"""

RECORDED = (
    "preactivation",
    "activation",
    "gradient",
    "weight_gradient",
    "bias_gradient",
    "input_gradient",
    "loss",
    "loss_gradient",
    "preactivation_max",
    "gradient_max",
    "activation_mean",
    "activation_unit_variance",
    "dead_fraction",
    "saturated_fraction",
    "correlation",
    "log_one_minus_correlation",
    "gradient_correlation",
)
(
    PREACTIVATION,
    ACTIVATION,
    GRADIENT,
    WEIGHT_GRADIENT,
    BIAS_GRADIENT,
    INPUT_GRADIENT,
    LOSS,
    LOSS_GRADIENT,
    PREACTIVATION_MAX,
    GRADIENT_MAX,
    ACTIVATION_MEAN,
    ACTIVATION_UNIT_VARIANCE,
    DEAD_FRACTION,
    SATURATED_FRACTION,
    CORRELATION,
    LOG_ONE_MINUS_CORRELATION,
    GRADIENT_CORRELATION,
) = range(17)
LOG_QUANTITIES = RECORDED[:ACTIVATION_MEAN]
PLAIN_QUANTITIES = RECORDED[ACTIVATION_MEAN:]
