"""Faults planted in the page of a file: numbers that are others, texts that become code, switches that switch nothing."""

from . import Fault

LINES, CONTENTS, PAGE, SCRIPT = "report/lines.py", "report/contents.py", "report/page.py", "report/page.js"
SPREAD, SPREADS, DRAWS = "results/spread.py", "report/spreads.py", "report/histograms.js"
WRITTEN, SHOWN = (f"tests/report/test_{name}.py::test_" for name in ("page", "browser"))
COUNTED, CHOICE = f"{WRITTEN}histograms_are_what_was_counted", f"{SHOWN}histograms_of_the_chosen_network"
SAID = f"{WRITTEN}what_is_drawn_is_what_the_curves_say"
CODE = f"{SHOWN}texts_of_a_file_are_no_code"
ONE, CHOSEN, BESIDE, GAPS = (
    f"{SHOWN}{name}"
    for name in (
        "one_network",
        "sliders_and_menus_choose_the_network",
        "networks_side_by_side",
        "what_was_moved_stays_where_a_grid_has_gaps",
    )
)

FAULTS = {
    "the median above its quantile": Fault(LINES, "(BAND[0], 0.5, BAND[1])", "(BAND[0], 0.75, BAND[1])", tests=(SAID, ONE)),
    "a variance for a deviation": Fault(
        LINES, 'np.sqrt(curves[f"{quantity}_variance"])', 'curves[f"{quantity}_variance"]', tests=(SAID,)
    ),
    "theory in natural logs": Fault(LINES, "predicted * (DECADES if log else 1.0)", "predicted * 1.0", tests=(SAID, ONE)),
    "zeros lost": Fault(
        LINES,
        "result[values == -math.inf] = ZERO if log else BROKEN",
        "pass",
        tests=(f"{WRITTEN}zeros_and_what_is_not_finite_stay_so", f"{SHOWN}what_a_picture_cannot_show_is_said"),
    ),
    "the last layer left out": Fault(
        SPREAD, "np.linspace(0, count - 1,", "np.linspace(0, count - 2,", tests=(SAID, f"{WRITTEN}deep_networks_are_thinned")
    ),
    "a page as large as may be": Fault(
        LINES, "if size <= room:", "if size:", tests=(f"{WRITTEN}a_page_stays_below_ten_megabytes",)
    ),
    "markup in the data": Fault(PAGE, '.replace("<", "\\\\u003c")', "", tests=(f"{WRITTEN}texts_are_no_code", CODE)),
    "markup in the title": Fault(PAGE, "html.escape(title)", "title", tests=(f"{WRITTEN}texts_are_no_code",)),
    "any script may run": Fault(
        PAGE,
        "script-src {allowed};",
        "script-src 'unsafe-inline';",
        tests=(f"{WRITTEN}nothing_is_loaded_and_all_is_there_once", f"{SHOWN}what_could_get_in_would_not_run"),
    ),
    "a stranger's page replaced": Fault(
        PAGE,
        "content[: len(START)] == START",
        'content[:15] == b"<!DOCTYPE html>"',
        tests=(f"{WRITTEN}what_cannot_be_a_page_is_one_line",),
    ),
    "silent where theory is": Fault(
        CONTENTS, "missing([curves]) if theory else []", "[]", tests=(f"{WRITTEN}theory_and_where_it_is_silent",)
    ),
    "one of several networks": Fault(
        CONTENTS, "< len(columns.cells)", "< 0", tests=(f"{WRITTEN}axes_are_what_networks_differ_in",)
    ),
    "a sign lost in the browser": Fault(SCRIPT, "-(signed & 1)", "0", tests=(ONE, CHOSEN)),
    "theory that stays": Fault(SCRIPT, 'by("theory").checked ? Object', "true ? Object", tests=(ONE,)),
    "bands that stay": Fault(SCRIPT, 'by("bands").checked ? all', "true ? all", tests=(ONE,)),
    "limits that stay": Fault(
        SCRIPT, 'by("limits").checked && entry.log', "entry.log", tests=(f"{SHOWN}what_a_picture_cannot_show_is_said",)
    ),
    "scales that do not hold": Fault(SCRIPT, '!by("hold").checked ||', "true ||", tests=(BESIDE,)),
    "the first network for the nearest": Fault(SCRIPT, "if (far < least) [best, least]", "[best, least]", tests=(GAPS,)),
    "histograms of other powers": Fault(
        SPREADS, "spread.factor(power) * 10**DIGITS", "spread.factor(power + 1) * 10**DIGITS", tests=(COUNTED, CHOICE)
    ),
    "histograms as many as may be": Fault(
        SPREADS, "<= min(room, ROOM):", ":", tests=(f"{WRITTEN}histograms_take_the_room_that_there_is",)
    ),
    "what is not a number left unsaid": Fault(
        SPREAD,
        "1 - self.total / self._asked}",
        "0.0}",
        tests=(f"{WRITTEN}what_bars_do_not_show_is_said",),
    ),
    "histograms of the first network": Fault(DRAWS, "histograms(state.cell, ", "histograms(0, ", tests=(CHOICE,)),
    "bars in the wrong order": Fault(DRAWS, "V${top(height)}", "V${top(one.heights.at(-1 - k))}", tests=(CHOICE,)),
    "scales that are never shared": Fault(
        DRAWS,
        'by("alike").checked ? together(all)',
        "false ? together(all)",
        tests=(f"{SHOWN}histograms_on_one_scale_or_their_own",),
    ),
    "a slider that moves nothing": Fault(
        SCRIPT, "choose(nearest(axis, Number(axis.input.value)))", "choose(state.cell)", tests=(CHOSEN,)
    ),
}
