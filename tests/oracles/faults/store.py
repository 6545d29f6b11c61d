"""Faults planted where results are written and read."""

from . import Fault

CAREFUL, CONTENTS, DATASET, FILES, FILTERS, PLACE, READ, SEAL, WRITE = (
    f"store/{name}.py" for name in ("careful", "contents", "dataset", "files", "filters", "place", "read", "seal", "write")
)
DAMAGE, FILTERED, KEPT, PACKING, WRITING = (
    f"tests/store/test_{name}.py::test_" for name in ("damage", "filters", "files", "packing", "writing")
)

FULL, FLIPS = f"{PACKING}a_full_disk_leaves_what_was_there", f"{DAMAGE}no_bit_that_flips_is_read_as_other_numbers"

FAULTS = {
    "what is read back is not compared": Fault(
        WRITE,
        "if any(not part.is_in(file[name])",
        "if any(part is None",
        tests=(f"{WRITING}what_reads_back_as_something_else_is_not_written",),
    ),
    "only the first block is compared": Fault(
        WRITE,
        "for part in written):",
        "for part in written[:1]):",
        tests=(f"{PACKING}every_block_is_compared",),
    ),
    "further blocks are read back and not compared": Fault(
        WRITE,
        "return kept(dataset, self.first, self.count) == self.checksum",
        "return kept(dataset, self.first, self.count) is not None",
        tests=(f"{PACKING}every_block_is_compared",),
    ),
    "a full disk is not noticed": Fault(
        CAREFUL,
        "        if self._error is not None:\n            raise self._error",
        "        return",
        tests=(FULL,),
    ),
    "no checksums": Fault(
        FILTERS, '"fletcher32": True', '"fletcher32": False', tests=(f"{KEPT}every_axis_has_one_scale_and_checksums",)
    ),
    "a checksum of 65,535 is written as 0": Fault(
        FILTERS,
        "((total - 1) % MODULUS + 1 if total else 0 for",
        "(total % MODULUS for",
        tests=(f"{FILTERED}the_checksum_is_that_of_hdf5",),
    ),
    "what lies beyond the end of a variable is zero": Fault(
        FILTERS, "np.full(shape, fill, dataset.dtype)", "np.zeros(shape, dataset.dtype)", tests=(f"{FILTERED}beyond_the_end",)
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
        "        discard(temporary)\n    sync_folder",
        "        pass\n    sync_folder",
        tests=(f"{WRITING}a_failure_leaves_what_was_there_and_nothing_else",),
    ),
    "permissions forgotten": Fault(
        FILES,
        "yield temporary, _mode(target)",
        "yield temporary, None",
        tests=(f"{WRITING}links_are_followed_and_permissions_kept",),
    ),
    "names that differ in case are two files": Fault(
        FILES, "os.path.realpath(path)).casefold()", "os.path.realpath(path))", tests=(f"{WRITING}one_file_under_two_names",)
    ),
    "a seal that is not looked at": Fault(
        SEAL,
        "        if self._content is not None:\n            self.check()\n",
        "",
        tests=(FLIPS,),
    ),
    "a seal over the first part only": Fault(
        SEAL, 'iter(lambda: stream.read(PIECE), b"")', "[stream.read(PIECE)]", tests=(f"{DAMAGE}the_seal_is_of_every_piece",)
    ),
    "a later schema is read": Fault(
        READ,
        "if version > SCHEMA_VERSION:",
        "if version > SCHEMA_VERSION + 1:",
        tests=(f"{DAMAGE}what_is_nearly_ours_is_named",),
    ),
    "samples of another cell read as missing ones": Fault(
        READ,
        'return self._run["keep_samples"] or "replica" not in VARIABLES[name].dims',
        "return True",
        tests=(f"{KEPT}cells_with_and_without_samples",),
    ),
    "a link that is followed": Fault(
        CONTENTS,
        "for name in file if self._is_plain(name)}",
        "for name in file if name in file}",
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
        "out = np.full(shape, -1 if",
        "out = np.full(shape, 0 if",
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
