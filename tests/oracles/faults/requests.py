"""Faults planted in what may be asked for: input files, options, networks, grids, memory, and how a run is carried out."""

from . import Fault

DATA, CSV, HDF5, NPY = (f"model/data/{name}.py" for name in ("__init__", "csv", "hdf5", "npy"))
FILES, ROWS = "tests/test_input_files.py::test_", "tests/test_data.py::test_"
REFUSED = f"{ROWS}what_cannot_be_is_one_clear_line"
LABELS = f"{ROWS}labels_are_whole_numbers_below_the_outputs"
ASKED = "tests/test_requests.py::test_"
PARTS, FAMILIES = "tests/test_network.py::test_", "tests/test_families.py::test_"
SIGMA, OPTIONS = "model/sigma.py", "tests/test_sigma.py::test_of_options"
MEMORY, PLAN = "tests/test_memory.py::test_", "tests/sweep/test_plan.py::test_"

FAULTS = {
    "objects are unpickled": Fault(
        NPY, "allow_pickle=False", "allow_pickle=True", tests=(f"{FILES}an_array_of_objects_is_never_unpickled",)
    ),
    "a header that is believed": Fault(
        NPY,
        "if min(shape, default=0) < 0 or size > rest:",
        "if min(shape, default=0) < 0:",
        tests=(f"{FILES}headers_of_arrays_are_not_believed",),
    ),
    "infinite inputs": Fault(DATA, "if not np.isfinite(rows).all():", "if np.isnan(rows).any():", tests=(REFUSED,)),
    "a digest of numbers without their shape": Fault(
        DATA,
        "hashlib.sha256(repr(self.values.shape).encode())",
        "hashlib.sha256()",
        tests=(f"{ROWS}the_digest_is_of_numbers_and_shape",),
    ),
    "lines counted without that of names": Fault(
        CSV, "start=1 + named", "start=1", tests=(f"{FILES}tables_that_are_not_numbers_name_line_and_column",)
    ),
    "missing entries read as numbers": Fault(
        HDF5,
        "np.isin(values, dataset.attrs[name]).any()",
        "False",
        tests=(f"{FILES}datasets_that_are_not_their_numbers",),
    ),
    "a label equal to the width": Fault("simulation/fit.py", "labels.max() >= width", "labels.max() > width", tests=(LABELS,)),
    "a label below 0": Fault("simulation/fit.py", "labels.min() < 0", "labels.min() < -1", tests=(LABELS,)),
    "a label that is a fraction": Fault("simulation/fit.py", "(labels != labels.round()).any()", "False", tests=(LABELS,)),
    "the least correlation refused": Fault(
        "model/request.py",
        "if not least <= correlation <= 1:",
        "if not least < correlation <= 1:",
        tests=(f"{ASKED}what_is_just_allowed",),
    ),
    "as many inputs as rows refused": Fault(
        "model/request.py", "inputs > len(given.values)", "inputs >= len(given.values)", tests=(f"{ASKED}what_is_just_allowed",)
    ),
    "cross-entropy of one output": Fault(
        "simulation/fit.py",
        "(network.outputs or 0) < 2",
        "(network.outputs or 0) < 1",
        tests=(f"{ROWS}cross_entropy_needs_outputs",),
    ),
    "more threads than cores": Fault(
        "model/options.py", "Whole(1, _cores)", "Whole(1)", tests=(f"{ASKED}threads_are_cores_at_most",)
    ),
    "two laws of biases at once": Fault(
        "model/meant.py",
        "if scheme is not None and std:",
        "if scheme is not None and std < 0:",
        tests=(f"{ASKED}what_does_not_go_together",),
    ),
    "a depth beside a shorter list of widths": Fault(
        "model/meant.py",
        "if depth not in (None, len(width)):",
        "if depth is not None and depth < len(width):",
        tests=(f"{ASKED}what_does_not_go_together",),
    ),
    "sigma_w of what reads the input": Fault(SIGMA, "if first and network.depth > 1:", "if False:", tests=(OPTIONS,)),
    "sigma_w of weights that have a mean": Fault(
        SIGMA, 'if law.mean or law.kind == "identity":', 'if law.kind == "identity":', tests=(OPTIONS,)
    ),
    "sigma_w of the last of several matrices": Fault(
        SIGMA,
        "return found.pop() if len(found) == 1 else math.nan",
        "return found.pop() if found else math.nan",
        tests=(OPTIONS,),
    ),
    "a variance in place of sigma_w": Fault(SIGMA, "math.sqrt(law.variance)", "law.variance", tests=(OPTIONS,)),
    "an identity in another order": Fault(
        "model/network.py",
        "json.JSONEncoder(sort_keys=True",
        "json.JSONEncoder(sort_keys=False",
        tests=("tests/test_identity.py::test_the_whole_text_of_a_network",),
    ),
    "equal blocks that are not merged": Fault(
        "model/chain.py",
        "if runs and (runs[-1][0] is parts or runs[-1][0] == parts):",
        "if runs and runs[-1][0] is parts:",
        tests=(f"{PARTS}one_network_has_one_identity_however_it_was_written",),
    ),
    "what follows a repeated block before the next": Fault(
        "model/chain.py",
        "add(first.runs, parts + second.head, 1)",
        "add(first.runs, second.head + parts, 1)",
        tests=(f"{PARTS}what_is_a_block",),
    ),
    "a skip before its branch": Fault(
        "model/chain.py",
        "            yield from linear_maps(part.parts, width)\n            if part.skip is not None:\n"
        "                yield width, part.skip\n",
        "            if part.skip is not None:\n                yield width, part.skip\n"
        "            yield from linear_maps(part.parts, width)\n",
        tests=(f"{PARTS}one_network_has_one_identity_however_it_was_written",),
    ),
    "a skip between different widths": Fault(
        "model/chain.py", "if skip is None and out != width:", "if False:", tests=(f"{PARTS}what_cannot_be_is_one_line",)
    ),
    "a function of a file looked up": Fault(
        "model/tables.py",
        "return _parts(owner, given, stored_part)",
        "return _parts(owner, given, lambda kind, values: kind(**values))",
        tests=(f"{PARTS}texts_of_a_file_stay_as_they_are_and_nothing_is_looked_up",),
    ),
    "a function of the first part only": Fault(
        "model/activations/__init__.py",
        "for part in network.activations)",
        "for part in network.activations[:1])",
        tests=(f"{PARTS}every_function_of_the_tree_must_be_the_one_it_was_made_with",),
    ),
    "batch norm of one input": Fault(
        "simulation/fit.py", 'options["inputs"] < 2', 'options["inputs"] < 1', tests=(f"{PLAN}batch_norm_needs_inputs",)
    ),
    "a table of layers as an axis": Fault(
        "sweep/grids.py",
        "is_list(value) and not option.kind.holds(list(value))",
        "is_list(value)",
        tests=(f"{PLAN}layers_are_one_value_or_an_axis",),
    ),
    "fixup scaled by another root": Fault(
        "model/families.py",
        "gain=b.gain * b.depth ** (-1 / (2 * b.block_depth - 2))",
        "gain=b.gain * b.depth ** (-1 / (2 * b.block_depth))",
        tests=(f"{FAMILIES}recipes_are_those_of_their_papers",),
    ),
    "deepnorm with the epsilon of another scale": Fault(
        "model/families.py",
        "b.normed(EPSILON * scale**2)",
        "b.normed(EPSILON)",
        tests=(f"{FAMILIES}recipes_are_those_of_their_papers",),
    ),
    "the last layer is the first": Fault(
        "model/ends.py",
        "step = reversed if backwards else iter",
        "step = iter",
        tests=(f"{FAMILIES}first_and_last_layers",),
    ),
    "a file that is imported to be described": Fault(
        "model/spelling.py",
        "places[part] = Activation(next(free) if text is None else text)",
        "places[part] = Activation(part.name if text is None else text)",
        tests=(f"{FAMILIES}what_a_file_names_is_never_imported_to_describe_it",),
    ),
    "a stream without its seed": Fault(
        "model/streams.py",
        '{"seed": seed, "stream": stream}',
        '{"stream": stream}',
        tests=("tests/test_simulation.py::test_more_replicas_extend_and_seeds_and_streams_differ",),
    ),
    "a stream that is not used": Fault(
        "simulation/chunks.py",
        'network.to_json() if run["stream"] is None else run["stream"]',
        "network.to_json()",
        tests=(f"{PLAN}a_shared_stream_gives_common_random_numbers",),
    ),
    "threads that are not used": Fault(
        "simulation/chunks.py",
        'run["threads"] or numba.config.NUMBA_NUM_THREADS',
        "numba.config.NUMBA_NUM_THREADS",
        tests=(f"{ASKED}no_more_threads_than_asked_for",),
    ),
    "quantiles without the median": Fault(
        "simulation/simulate.py", "if 0.5 not in values or any(", "if any(", tests=(f"{ASKED}quantiles_hold_the_median",)
    ),
    "progress one at a time": Fault(
        "simulation/simulate.py", "progress(part.replicas)", "progress(1)", tests=(f"{ASKED}progress_counts_every_network",)
    ),
    "the engine of carried arithmetic": Fault(
        "simulation/simulate.py",
        'layers_of(network, options["engine"], options["inputs"], options["arithmetic"]).used',
        'layers_of(network, options["engine"], options["inputs"]).used',
        tests=("tests/test_engine.py::test_what_was_used_is_printed_and_stored",),
    ),
    "memory of samples forgotten": Fault(
        "simulation/footprint.py",
        'if run["keep_samples"] else (0, 0)',
        'if run["arithmetic"] == "" else (0, 0)',
        tests=(f"{MEMORY}samples_are_counted_where_they_are_kept",),
    ),
    "the last byte not used": Fault(
        "simulation/footprint.py",
        "if self.total(fewer, ahead) <= free:",
        "if self.total(fewer, ahead) < free:",
        tests=(f"{MEMORY}threads_give_way_and_bits_do_not",),
    ),
    "files that the kernel would give up counted as used": Fault(
        "memory.py",
        "(used or 0) - _cached(folder)",
        "(used or 0)",
        tests=(f"{MEMORY}what_the_system_says_is_free",),
    ),
    "the first axis varies fastest": Fault(
        "sweep/grids.py",
        "for axis in reversed(self.axes):",
        "for axis in self.axes:",
        tests=(f"{PLAN}any_option_may_be_a_list",),
    ),
    "a file read once a cell": Fault(
        "sweep/grids.py",
        "return samples(option.flag, value) if option.name in FILES and value is not None else value",
        "return value",
        tests=(f"{FILES}a_sweep_reads_a_file_once_and_its_cells_share_it",),
    ),
    "progress by cells": Fault(
        "sweep/work.py",
        "self._done += nanoseconds",
        "self._done += 1.0",
        tests=(f"{PLAN}progress_is_the_share_of_the_work",),
    ),
    "a grid that is not kept": Fault(
        "sweep/run.py",
        "CurveSet(found, plan.request,",
        "CurveSet(found, None,",
        tests=(f"{PLAN}the_grid_is_kept_with_the_curves",),
    ),
}
