"""Faults planted in what survives: parts, locks, what is drawn, and who computes."""

from . import Fault

PARTS, LOCK, DURABLE, HANDS = (f"tests/sweep/test_{name}.py::test_" for name in ("parts", "lock", "durable", "hands"))

FAULTS = {
    "a record that is not checked": Fault(
        "sweep/parts.py",
        "or hashlib.sha256(view[:-CHECKSUM]).digest() != bytes(view[-CHECKSUM:])",
        "or False",
        tests=(f"{PARTS}every_bit_of_a_record_counts",),
    ),
    "an end that is not checked": Fault(
        "sweep/parts.py",
        "(LAST, count, checksums.digest())",
        "(LAST, count, END.unpack_from(view, start)[2])",
        tests=(f"{PARTS}every_flipped_bit_of_a_part_is_found_and_costs_no_sound_record_before_it",),
    ),
    "parts sealed by size alone": Fault(
        "sweep/shelf.py",
        "or time.monotonic() - self._since >= self.seconds",
        "or self._since < 0",
        tests=(f"{PARTS}records_are_sealed_by_time_and_by_size",),
    ),
    "a lock that others share": Fault(
        "sweep/lock.py",
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_SH | fcntl.LOCK_NB",
        tests=(f"{LOCK}the_second_is_refused_with_the_holder_and_begins_at_once_when_that_is_killed",),
    ),
    "fewer replicas than before": Fault(
        "sweep/folder.py",
        "all(old <= new for old, new",
        "all(old <= new + 9 for old, new",
        tests=(f"{DURABLE}another_request_is_refused_with_the_difference",),
    ),
    "a chunk that is taken for whole": Fault(
        "sweep/drawn.py",
        "if len(records) < task.chunk:",
        "if len(records) < task.chunk - 1:",
        tests=(f"{DURABLE}what_is_drawn_is_gone_on_with_to_the_same_bits",),
    ),
    "a precision asked too late": Fault(
        "sweep/drawn.py",
        "if count != whole or count < task.least or not whole:",
        "if count != whole or count <= task.chunk or not whole:",
        tests=(f"{DURABLE}a_precision_is_reached_and_not_by_a_chunk_too_much",),
    ),
    "what is drawn stays with another process": Fault(
        "sweep/crew.py",
        "        for found in answer.drawn:\n            draws.take(found)\n",
        "        pass\n",
        tests=(f"{HANDS}what_is_drawn_comes_back_and_is_gone_on_with",),
    ),
    "a lost batch that is not computed again": Fault(
        "sweep/crew.py",
        "suspects.extend(_suspects(batch, crew.tries, work))",
        "pass",
        tests=(f"{HANDS}a_process_that_is_killed_is_replaced",),
    ),
    "a suspect beside others": Fault(
        "sweep/crew.py",
        "if batch is None and suspects and not out else batch",
        "if batch is None and suspects else batch",
        tests=(f"{HANDS}nobody_is_blamed_for_the_task_beside_him",),
    ),
    "processes that are left": Fault(
        "sweep/hands.py",
        "        for process in processes:\n            _end(process)\n",
        "",
        tests=(f"{HANDS}they_stop_when_told",),
    ),
    "processes of other code": Fault(
        "sweep/batches.py",
        "if code() != self.code:",
        "if code() is self.code:",
        tests=(f"{HANDS}what_else_goes_wrong_is_told",),
    ),
    "processes that hear the terminal": Fault(
        "sweep/hands.py",
        "start_new_session=True",
        "start_new_session=False",
        tests=(f"{HANDS}a_terminal_ends_them_without_a_word",),
    ),
}
