"""Faults planted in shards, in what a file says of its sweep, and in how files are combined."""

from . import Fault

SHARDS = "tests/sweep/test_shards.py::test_"
ONE = f"{SHARDS}combined_they_are_that_of_one_process"

FAULTS = {
    "a shard that begins with the second cell": Fault(
        "sweep/plan.py",
        "range(number - 1, len(self), count)",
        "range(number % len(self), len(self), count)",
        tests=(f"{SHARDS}shards_are_every_nth_cell_and_all_of_them_each_cell_once",),
    ),
    "a shard of a sweep of fewer replicas": Fault(
        "sweep/plan.py",
        "shard = request.pop(SHARD, None)\n        with",
        "shard = request.get(SHARD)\n        request.pop(SHARD, None)\n        shard = None\n        with",
        tests=(f"{SHARDS}more_replicas_of_a_shard_are_a_shard_of_more_replicas",),
    ),
    "two shards on one output": Fault(
        "sweep/folder.py",
        "digest(kin) if SHARD not in request else",
        "digest(kin) if request else",
        tests=(f"{SHARDS}two_shards_of_one_name_are_not_mixed",),
    ),
    "cells in the order of the files": Fault(
        "sweep/combine.py",
        "self.numbers = sorted(self.where)",
        "self.numbers = list(self.where)",
        tests=(f"{SHARDS}what_is_saved_from_memory_is_a_part_too",),
    ),
    "of two copies the first one": Fault(
        "sweep/combine.py",
        "    if name is None:\n        return",
        "    if name:\n        return",
        tests=(f"{SHARDS}a_cell_that_differs_is_refused_with_its_files",),
    ),
    "copies compared without their curves": Fault(
        "sweep/combine.py",
        "first[name].tobytes() != second[name].tobytes()",
        "first[name].shape != second[name].shape",
        tests=(f"{SHARDS}a_cell_that_differs_is_refused_with_its_files",),
    ),
    "cells that are missing": Fault(
        "sweep/combine.py",
        "if missing and not partial:",
        "if missing and partial:",
        tests=(f"{SHARDS}missing_cells_are_told_and_a_part_of_a_sweep_is_completed",),
    ),
    "sweeps told apart by their requests alone": Fault(
        "sweep/combine.py",
        "if first.request == other.request and asked and",
        "if first.request == other.request and",
        tests=(f"{SHARDS}files_of_other_sweeps_are_refused_with_the_difference",),
    ),
    "identities that nobody looks at": Fault(
        "sweep/combine.py",
        "if digest_of(part.identities[row] for part, row in places) != whole.digest:",
        "if not whole.digest:",
        tests=(f"{SHARDS}what_is_no_part_is_refused",),
    ),
    "an output that is taken for what it should be": Fault(
        "sweep/combine.py",
        "            for _ in merged.curves(merged.layout()):\n                pass\n",
        "",
        tests=(f"{SHARDS}an_output_is_left_alone_or_replaced_where_that_is_said",),
    ),
    "values of axes as their columns have them": Fault(
        "store/layout.py",
        "values=tuple(self.values[k] for k in rows)",
        "values=self.values[: len(rows)]",
        tests=(f"{SHARDS}files_that_were_cut_are_parts_of_what_is_left",),
    ),
    "a NaN for every sign": Fault(
        "store/dataset.py",
        "out[np.isnan(out)] = np.nan",
        "out[np.isinf(out)] = out[np.isinf(out)]",
        tests=(f"{SHARDS}a_file_has_one_nan",),
    ),
    "cells of a window that begin with the first": Fault(
        "store/read.py",
        "return self._found[name][number - self._start]",
        "return self._found[name][(number - self._start) // 2]",
        tests=(ONE,),
    ),
    "a request that its shard makes too long": Fault(
        "store/layout.py",
        'if name != "shard"}',
        'if name != ""}',
        tests=(f"{SHARDS}a_request_that_is_too_large_for_an_attribute",),
    ),
}
