"""Faults planted where results are written and read."""

from . import Fault

CONTENTS, DATASET, FILES, PLACE, READ, SEAL, WRITE = (
    f"store/{name}.py" for name in ("contents", "dataset", "files", "place", "read", "seal", "write")
)
DAMAGE, KEPT, WRITING = (f"tests/store/test_{name}.py::test_" for name in ("damage", "files", "writing"))

FAULTS = {
    "numbers read back and not compared": Fault(
        WRITE,
        'np.array_equal(found, expected, equal_nan=expected.dtype.kind == "f")',
        "found.shape == expected.shape",
        tests=(f"{WRITING}what_reads_back_as_something_else_is_not_written",),
    ),
    "texts read back and not compared": Fault(
        WRITE,
        "[text.decode() for text in found] == expected.tolist()",
        "len(found) == len(expected)",
        tests=(f"{WRITING}what_reads_back_as_something_else_is_not_written",),
    ),
    "no checksums": Fault(
        WRITE, '"fletcher32": True', '"fletcher32": False', tests=(f"{KEPT}every_axis_has_one_scale_and_checksums",)
    ),
    "bytes on the disk counted and not compared": Fault(
        FILES,
        "if part != rest[: len(part)]:",
        "if len(part) != len(rest[: len(part)]):",
        tests=(f"{WRITING}other_bytes_on_the_disk_are_noticed",),
    ),
    "a file on the disk that may be shorter": Fault(
        FILES, "return not rest", "return True", tests=(f"{WRITING}other_bytes_on_the_disk_are_noticed",)
    ),
    "any HDF5 file is taken for one of gradsim": Fault(
        FILES,
        'content[:8] == HDF5_SIGNATURE and content.find(b"gradsim_version") >= 0',
        "content[:8] == HDF5_SIGNATURE",
        tests=(f"{WRITING}only_a_plain_file_of_the_same_kind_is_replaced",),
    ),
    "of two writers the second wins": Fault(
        FILES,
        "(os.replace if overwrite else _place_new)(temporary, target)",
        "os.replace(temporary, target)",
        tests=(f"{WRITING}of_two_writers_of_one_name_the_second_gets_an_error",),
    ),
    "a temporary file that stays": Fault(
        FILES,
        "        discard(temporary)\n    _sync_folder",
        "        pass\n    _sync_folder",
        tests=(f"{WRITING}a_failure_leaves_what_was_there_and_nothing_else",),
    ),
    "permissions forgotten": Fault(
        FILES,
        "_write(temporary, content, _mode(target))",
        "_write(temporary, content, None)",
        tests=(f"{WRITING}links_are_followed_and_permissions_kept",),
    ),
    "names that differ in case are two files": Fault(
        FILES, "os.path.realpath(path)).casefold()", "os.path.realpath(path))", tests=(f"{WRITING}one_file_under_two_names",)
    ),
    "a seal that is not looked at": Fault(
        READ, "            check_seal(stream)\n", "", tests=(f"{DAMAGE}no_bit_that_flips_is_read_as_other_numbers",)
    ),
    "a seal over the first part only": Fault(
        SEAL, "start -= len(part)", "start = 0", tests=(f"{DAMAGE}the_seal_is_of_every_part",)
    ),
    "a later schema is read": Fault(
        READ,
        "if version > SCHEMA_VERSION:",
        "if version > SCHEMA_VERSION + 1:",
        tests=(f"{DAMAGE}what_is_nearly_ours_is_named",),
    ),
    "samples of another cell read as missing ones": Fault(
        READ,
        'if not run["keep_samples"] and "replica" in dims:',
        'if not run.get("replicas") and "replica" in dims:',
        tests=(f"{KEPT}cells_with_and_without_samples",),
    ),
    "a link that is followed": Fault(
        CONTENTS,
        "        if not self._is_plain(name):\n            raise",
        "        if not name:\n            raise",
        tests=(f"{DAMAGE}what_is_nearly_ours_is_named",),
    ),
    "a fill value read as a number": Fault(
        CONTENTS,
        "missing = missing | (values == fill)",
        "missing = missing",
        tests=(f"{DAMAGE}other_types_and_packed_numbers",),
    ),
    "counts of layers that are not there are 0 in the file": Fault(
        DATASET,
        "-1 if variable.integer else np.nan, np",
        "0 if variable.integer else np.nan, np",
        tests=(f"{KEPT}what_a_network_lacks_is_missing_in_the_file",),
    ),
    "the width of layer 0 is that of layer 1": Fault(
        DATASET,
        "row[: len(curves.layers)] = curves.blocks.widths",
        "row[: len(curves.layers)] = [curves.blocks.widths[1], *curves.blocks.widths[1:]]",
        tests=(f"{KEPT}widths_of_every_layer_are_in_the_file",),
    ),
    "quantiles in the order of the file": Fault(
        PLACE,
        "rows = np.argsort(self.quantiles)",
        "rows = np.arange(len(self.quantiles))",
        tests=(f"{DAMAGE}what_xarray_hands_back_is_the_same[quantiles turned round]",),
    ),
    "counts that were cut away are 0": Fault(
        PLACE,
        'missing = -1 if values.dtype.kind == "i"',
        'missing = 0 if values.dtype.kind == "i"',
        tests=(f"{DAMAGE}parts_of_curves_keep_their_place",),
    ),
}
