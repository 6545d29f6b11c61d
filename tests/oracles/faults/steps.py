"""Faults planted in residuals, norms and dropout, all of which `gradsim verify` must find."""

from . import Fault

NORM, BATCH, DROPOUT, ADD, DEVIATION, GAINS, STREAM, ROWS = (
    f"kernels/steps/{name}.py" for name in ("norm", "batch_norm", "dropout", "add", "deviation", "gains", "stream", "rows")
)
LOOPS = "kernels/steps/batch_loops.py"
STEPS, SLOTS, GRAPH, PROGRAM = "kernels/block_steps.py", "program/slots.py", "program/graph.py", "program/program.py"
FORM = "model/form.py"
EXACT, WIDE_BATCH, WIDE_NORM = "theory/exact_streams.py", "theory/steps/batch_norm.py", "theory/steps/norm.py"
SUMS, NORMS, BATCHES, DROPS, FAMILIES = (
    f"replica: {name}" for name in ("residual", "norms", "batch norm", "dropout", "families")
)

# Found only in kernels that are compiled again, or that run as plain Python
COMPILED = {
    "norms: epsilon forgotten": Fault(
        DEVIATION, "return p[EPSILON] * power_of_two(2 *", "return 0.0 * power_of_two(2 *", (NORMS, BATCHES)
    ),
    "LayerNorm: the mean not taken off": Fault(
        NORM,
        "centre, rest, variance = centre_of(before, n)",
        "variance = centre_of(before, n)[2]",
        (NORMS,),
    ),
    "LayerNorm: the mean not taken off backward": Fault(
        NORM, "mean = scratch.tops[b] / n if centred else 0.0", "mean = 0.0", (NORMS,)
    ),
    "norms: no projection backward": Fault(NORM, "after, np.float32(-lift), seen", "after, np.float32(0.0), seen", (NORMS,)),
    "LayerNorm: a variance over n - 1": Fault(
        NORM,
        "            mean = centre + rest\n",
        "            mean, variance = centre + rest, variance * n / max(n - 1, 1)\n",
        (NORMS,),
    ),
    "RMSNorm: a mean square over n - 1": Fault(
        NORM, "variance = measure(before, n)[1] / n", "variance = measure(before, n)[1] / max(n - 1, 1)", (NORMS,)
    ),
    "norms: an exponent multiplied backward": Fault(
        NORM, "    exponent = d.exponents[b] - t\n", "    exponent = d.exponents[b] + t\n", (NORMS,)
    ),
    "norms: gradients of gain and shift exchanged": Fault(
        GAINS,
        "        gains[i] += product_factor * (d[i] * y[i])\n        shifts[i] += d_factor * d[i]",
        "        shifts[i] += product_factor * (d[i] * y[i])\n        gains[i] += d_factor * d[i]",
        (NORMS,),
    ),
    "BatchNorm: the sum over the inputs forgotten": Fault(
        LOOPS, "sums[i] += entry_0 + entry_1", "sums[i] = entry_0 + entry_1", (BATCHES,)
    ),
    "BatchNorm: no projection backward": Fault(
        BATCH,
        "narrow_product(power_of_two(2 * y_top) / rows, inverses, scratch.logs, n, e)",
        "narrow_product(0.0, inverses, scratch.logs, n, e)",
        (BATCHES,),
    ),
    "BatchNorm: the mean not taken off backward": Fault(
        BATCH,
        "narrow_product(1.0 / rows, inverses, scratch.signs, n, c)",
        "narrow_product(0.0, inverses, scratch.signs, n, c)",
        (BATCHES,),
    ),
    "BatchNorm: a variance over B - 1": Fault(
        LOOPS,
        "variance = max(square - mean * mean, 0.0)",
        "variance = max(square - mean * mean, 0.0) * rows / max(rows - 1, 1)",
        (BATCHES,),
    ),
    "BatchNorm: one row of two": Fault(
        LOOPS,
        "squares[i] += entry_0 * entry_0 + entry_1 * entry_1",
        "squares[i] += entry_0 * entry_0",
        (BATCHES,),
    ),
    "dropout: p for 1 - p": Fault(
        DROPOUT, "float(round(p * 2**32))", "float(round((1.0 - p) * 2**32))", (DROPS, "mean: ReLU, dropout")
    ),
    "dropout: not divided by 1 - p": Fault(
        DROPOUT, "math.frexp(1.0 / (1.0 - p))", "math.frexp(1.0)", (DROPS, "mean: ReLU, dropout")
    ),
    "dropout: another mask on the way back": Fault(
        DROPOUT, "top = multiply(row(masks, b),", "top = multiply(row(masks, rows - 1 - b),", (DROPS,)
    ),
    "dropout: one mask for all inputs": Fault(DROPOUT, "np.uint64(b * count)", "np.uint64(0 * count)", (DROPS,)),
    "dropout: what is dropped not on record": Fault(
        DROPOUT, "put(record, ACTIVATION, place, log_mean", "put(record, ACTIVATION, place, 0.0 * log_mean", (DROPS,)
    ),
    "a sum whose scale counts twice": Fault(
        ADD, "scale * power_of_two(v_exponent - top)", "scale * scale * power_of_two(v_exponent - top)", (SUMS, FAMILIES)
    ),
    "a sum whose scale is forgotten backward": Fault(
        ADD, "n, factor = d.n, np.float32(p[SCALE])", "n, factor = d.n, np.float32(1.0)", (SUMS, FAMILIES)
    ),
    "a sum whose scale has no exponent": Fault(
        ADD, "branch.exponents[b] + np.int64(p[EXPONENT])", "branch.exponents[b]", (SUMS, FAMILIES)
    ),
    "a sum that scales its skip": Fault(
        ADD,
        "add_forward(step.p, skip, branch, step.out, scratch)",
        "add_forward(step.p, branch, skip, step.out, scratch)",
        (SUMS, FAMILIES),
    ),
    "the cotangent of a skip lost where it is not the first": Fault(
        ADD, "deliver(d, cotangent(steps[skip, SLOT], d.n, tape), False, scratch)", "pass", (SUMS,)
    ),
    "a cotangent not added where a vector is read twice": Fault(
        STEPS,
        "deliver(cotangent(spare(tape), n, tape), cotangent(steps[source, SLOT], n, tape), False, scratch)",
        "deliver(cotangent(spare(tape), n, tape), cotangent(steps[source, SLOT], n, tape), True, scratch)",
        (SUMS, NORMS, FAMILIES),
    ),
    "the stream on record one block off": Fault(
        STREAM, "put(record, STREAM, place, log_mean", "put(record, STREAM, place - 1, log_mean", (SUMS, FAMILIES)
    ),
    "the stream's gradient on record as the stream": Fault(
        STREAM, "put(record, STREAM_GRADIENT, place, log_mean", "put(record, STREAM, place, log_mean", (SUMS, FAMILIES)
    ),
    "pairs of a stream counted from the first row": Fault(
        STREAM, "rows * gaps - square_of_total(total, n)", "rows * gaps", (SUMS, FAMILIES)
    ),
}
# Found without compiling anything
PYTHON = {
    "every reader is the first, going back": Fault(
        SLOTS, "tuple(source not in slot for source in sources[k])", "tuple(True for source in sources[k])", (SUMS, FAMILIES)
    ),
    "a slot given away that a skip has taken over": Fault(
        SLOTS, "        if not handed_on:\n", "        if True:\n", (SUMS, FAMILIES)
    ),
    "streams marked before their blocks": Fault(
        FORM,
        "                x = build.through(run.parts, x)\n                if self.has_stream:\n"
        "                    build.mark_stream(x, build.block)\n",
        "                if self.has_stream:\n                    build.mark_stream(x, build.block)\n"
        "                x = build.through(run.parts, x)\n",
        ("pre_norm streams: tanh, width 4",),
    ),
    "places exchanged with numbers": Fault(
        PROGRAM, "other, node.place, node.stream", "other, node.number, node.stream", (DROPS,)
    ),
    "the exact stream of branches of one unit": Fault(
        EXACT,
        "return block.units * np.log1p(np.expm1(",
        "return np.log1p(np.expm1(",
        ("pre_norm streams: relu, width 9", "pre_norm streams: gelu, width 16"),
    ),
    "the exact stream with the other half of log chi-square": Fault(
        EXACT,
        "log_mean + psi(n / 2) - math.log(n / 2)",
        "log_mean + psi(n) - math.log(n)",
        ("pre_norm streams: tanh, width 4",),
    ),
    "BatchNorm of B degrees of freedom": Fault(
        WIDE_BATCH, "_radial(inputs - 1, epsilon", "_radial(inputs, epsilon", ("batch norm: relu, 8 inputs",)
    ),
}
