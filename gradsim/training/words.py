"""What a training run says in words."""

import math

import numpy as np

MOVED = 1e-6  # of the weights: what moves by less does not learn
CLOSE = 0.7  # rank correlation down to which the initial curve tells the order of the layers


def ranks(values):
    """From 0 on; those of equal values are their mean."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[place]


def rank_correlation(a, b):
    """Spearman's, over the places where both are numbers or -inf; NaN for fewer than three, or where all are equal."""
    there = ~(np.isnan(a) | np.isnan(b))
    a, b = ranks(a[there]), ranks(b[there])
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return math.nan
    return float(np.corrcoef(a, b)[0, 1])


def spans(layers):
    """[1, 2, 3, 7] as "1 to 3 and 7"."""
    found = []
    for layer in layers:
        if found and found[-1][1] == layer - 1:
            found[-1][1] = layer
        else:
            found.append([layer, layer])
    texts = [f"{a}" if a == b else f"{a} to {b}" for a, b in found]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def explosions(trained):
    """Of losses that are no numbers or infinite; "" where there are none."""
    at = trained["nonfinite_step"]
    hit = at[at >= 0]
    if not len(hit):
        return ""
    when = f"at step {hit.min():,}" if hit.min() == hit.max() else f"at steps {hit.min():,} to {hit.max():,}"
    return f"{len(hit):,} of {len(at):,} networks explode: their loss is NaN or infinite, first {when}"


def learning(trained):
    """Which layers move, of the median network."""
    change, last = np.exp(trained.median("weight_change")[-1, 1:] / 2), trained.recorded[-1]
    steps, count = f"{last:,} step{'s' * int(last != 1)}", len(change)
    still, moved = np.flatnonzero(change < MOVED) + 1, np.flatnonzero((change >= MOVED) & np.isfinite(change)) + 1
    if len(still) == count:
        return f"no layer of {count} moves by {MOVED:g} of its weights in {steps}"
    if len(still):
        verb, whose = ("moves", "its") if len(still) == 1 else ("move", "their")
        return f"{named(still)} of {count} {verb} by less than {MOVED:g} of {whose} weights in {steps}"
    if not len(moved):
        return f"all {count} layers move in {steps}, from weights of zero"
    sizes = change[moved - 1]
    (least, most), zero = moved[[np.argmin(sizes), np.argmax(sizes)]], np.flatnonzero(np.isinf(change)) + 1
    return (
        f"all {count} layers move in {steps}, layer {least} the least, by {sizes.min():.2g} of its weights, "
        f"layer {most} the most, by {sizes.max():.2g}" + (f"; {named(zero)} from weights of zero" if len(zero) else "")
    )


def named(layers):
    return f"layer{'s' * (len(layers) > 1)} {spans(layers)}"


def outcome(trained):
    """Loss and accuracy at the end, of the mean network whose loss is finite."""
    parts = [f"loss {trained['loss_mean'][0]:.3g} at first and {trained['loss_mean'][-1]:.3g} at last"]
    for name, text in (("accuracy", "accuracy"), ("held_out_accuracy", "held out")):
        if f"{name}_mean" in trained.variables:
            parts.append(f"{text} {trained[f'{name}_mean'][-1]:.2f}")
    return ", ".join(parts)


def foretelling(trained):
    """For how long the gradient at initialization tells which layers move; "" where that is not known."""
    known = [(t, c) for t, c in zip(trained.recorded, trained.correlation, strict=True) if not math.isnan(c)]
    if not known:
        return ""
    last, final = known[-1]
    held = 0
    for t, correlation in known:
        if correlation < CLOSE:
            break
        held = t
    tail = f"rank correlation {final:.2f} at step {last:,}"
    if held == last:
        return f"the gradient at initialization tells their order to the end ({tail})"
    if not held:
        return f"the gradient at initialization does not tell their order ({tail})"
    return f"the gradient at initialization tells their order up to step {held:,} ({tail})"


def sentence(trained):
    """All of it; where half of the networks explode or more, no more than that."""
    exploded = explosions(trained)
    most = 2 * np.count_nonzero(trained["nonfinite_step"] >= 0) >= len(trained["nonfinite_step"])
    parts = [exploded] if most else [exploded, learning(trained), outcome(trained), foretelling(trained)]
    text = "; ".join(part for part in parts if part)
    return text[0].upper() + text[1:] + "."
