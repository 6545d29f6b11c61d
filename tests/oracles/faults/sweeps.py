"""Faults planted in how a sweep file is read, in what its cells are called by, and in what a dry run says."""

from . import Fault

RANGES, GRIDS, IDENTITIES, DRY = (f"tests/sweep/test_{name}.py::test_" for name in ("ranges", "grids", "identities", "dry_run"))
KIN, UNITS = "tests/test_kin.py::test_", "tests/sweep/test_histograms.py::test_"

FAULTS = {
    "ranges of floats": Fault(
        "sweep/ranges.py",
        "return Fraction(repr(number))",
        "return Fraction(number)",
        tests=(f"{RANGES}linear_ranges_are_what_a_person_would_write",),
    ),
    "a logarithmic range that misses its end": Fault(
        "sweep/ranges.py",
        "for number in inner), last]",
        "for number in inner), math.exp(high)]",
        tests=(f"{RANGES}logarithmic_ranges",),
    ),
    "an interval without its ends": Fault(
        "sweep/exclude.py",
        "self.low <= value <= self.high",
        "self.low < value < self.high",
        tests=(f"{GRIDS}rules_leave_combinations_out",),
    ),
    "a rule as it was typed": Fault(
        "sweep/exclude.py",
        "return canonical(value)",
        "return value",
        tests=(f"{GRIDS}rules_leave_combinations_out",),
    ),
    "a rule of which one option is enough": Fault(
        "sweep/grids.py",
        "(found[:, None] & here)",
        "(found[:, None] | here)",
        tests=(f"{GRIDS}rules_leave_combinations_out",),
    ),
    "rules without defaults": Fault(
        "sweep/grids.py",
        "return found if all(rule.holds(name, OPTIONS[name].default) for name in fixed) else np.zeros_like(found)",
        "return found",
        tests=(f"{GRIDS}rules_leave_combinations_out",),
    ),
    "defaults before what is given": Fault(
        "sweep/grids.py",
        "if _key(name) not in said}",
        "if True}",
        tests=(f"{GRIDS}defaults_stand_behind_everything_else",),
    ),
    "equal cells twice": Fault("sweep/plan.py", "if name in known:", "if False:", tests=(f"{GRIDS}equal_cells_are_one",)),
    "an identity without the seed": Fault(
        "sweep/identity.py", '("seed", "stream",', '("stream",', tests=(f"{IDENTITIES}what_decides_numbers_is_in_it",)
    ),
    "an identity with the names of files": Fault(
        "sweep/identity.py", 'if key != "name"', "if key", tests=(f"{IDENTITIES}what_decides_no_number_is_not",)
    ),
    "an identity without the chunk": Fault(
        "sweep/identity.py",
        '"chunk": settled.chunk}',
        '"chunk": 256}',
        tests=(f"{IDENTITIES}other_costs_are_another_identity",),
    ),
    "an ensemble of so many networks": Fault(
        "sweep/plan.py",
        "self.settled, extent=False)",
        "self.settled)",
        tests=(f"{IDENTITIES}the_ensemble_is_the_same_for_more_networks_of_it",),
    ),
    "an outline without the kinds of laws": Fault(
        "simulation/settled.py",
        "(law.kind, bool(law.mean),",
        "(bool(law.mean),",
        tests=(f"{IDENTITIES}outlines_tell_apart_what_is_settled_otherwise",),
    ),
    "kin of one gain": Fault(
        "model/kin.py", "gain = weight_gain * linear.gain", "gain = weight_gain", tests=(f"{KIN}kin_are_what_mlp_makes",)
    ),
    "kin that are not checked": Fault(
        "model/kin.py",
        "return made if _possible(made) else",
        "return made if made else",
        tests=(f"{KIN}they_are_refused_as_mlp_refuses_them",),
    ),
    "a dry run without what cells take beside their networks": Fault(
        "sweep/estimate.py",
        "(overhead * len(plan) + pace * work)",
        "(pace * work)",
        tests=(f"{DRY}time_is_that_of_cells_and_of_their_networks",),
    ),
    "a dry run that takes its time": Fault(
        "sweep/estimate.py",
        'int(SECONDS * 1e9 * run["replicas"] / cell.work)',
        "256",
        tests=(f"{DRY}dear_networks_are_not_drawn_by_the_hundred",),
    ),
    "cells that count units called as those that do not": Fault(
        "sweep/identity.py",
        "for name in ASKED_FOR if run[name]}",
        "for name in ()}",
        tests=(f"{UNITS}no_more_are_counted_than_are_drawn", f"{UNITS}a_sweep_that_was_stopped_goes_on"),
    ),
    "fewer counts than are there": Fault(
        "sweep/folder.py",
        "RAISED = (REPLICAS, HISTOGRAMS)",
        "RAISED = (REPLICAS,)",
        tests=(f"{UNITS}what_is_finished_is_gone_on_with",),
    ),
    "more counted than drawn": Fault(
        "model/request.py",
        'min(run["histograms"], run["replicas"])',
        'run["histograms"]',
        tests=(f"{UNITS}no_more_are_counted_than_are_drawn",),
    ),
    "counting for nothing": Fault(
        "sweep/plan.py",
        " + self.settled.counting",
        "",
        tests=(f"{UNITS}what_it_takes_is_said_before",),
    ),
    "memory of counts forgotten": Fault(
        "simulation/footprint.py",
        "max(drawing, counting)",
        "drawing",
        tests=(f"{UNITS}what_it_takes_is_said_before",),
    ),
    "exponents of -1 taken for none": Fault(
        "store/read.py",
        'part == -1 if part.dtype.kind == "i" else np.isnan(part)',
        "(part == -1) | np.isnan(part)",
        tests=(f"{UNITS}some_cells_have_them_and_others_have_none",),
    ),
}
