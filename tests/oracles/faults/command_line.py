"""Faults planted in the command line: options that do nothing, other exit codes, words that are missing."""

from . import Fault

INIT, LIST, OPTIONS, OUTPUT, PHASE, PLOT, RUN, SWEEP, THEORY, VERIFY, WARMUP = (
    f"cli/{name}.py"
    for name in (
        "__init__",
        "list",
        "options",
        "output",
        "phase",
        "plot",
        "run",
        "sweep",
        "theory",
        "verify",
        "warmup",
    )
)
TELLING = "telling.py"
PASSED_ON, COMMANDS, SAID = (f"tests/cli/test_{name}.py::test_" for name in ("passed_on", "commands", "theory_commands"))
ARRIVES = f"{PASSED_ON}every_option_of_a_run_arrives"

FAULTS = {
    "run: --threads": Fault(RUN, '{"threads": threads, "keep', '{"threads": None, "keep', tests=(ARRIVES,)),
    "run: --keep-samples": Fault(RUN, '"keep_samples": keep_samples,', "", tests=(ARRIVES,)),
    "run: --histograms": Fault(RUN, ', "histograms": histograms}', "}", tests=(ARRIVES,)),
    "sweep: --histograms": Fault(
        "cli/sweep.py",
        'plan.with_histograms(RUN["histograms"].read(histograms))',
        "plan",
        tests=(f"{PASSED_ON}every_option_of_a_sweep_arrives",),
    ),
    "run: --seed": Fault(RUN, "network_and_run(given, make)", 'network_and_run(given | {"seed": 0}, make)', tests=(ARRIVES,)),
    "run: --overwrite of a file": Fault(
        RUN,
        'files.ask_results("--out", out, overwrite, sources(options))',
        'files.ask_results("--out", out, True, sources(options))',
        tests=(f"{COMMANDS}run_prints_a_verdict_and_writes_file_and_picture",),
    ),
    "run: --overwrite of a picture": Fault(
        RUN,
        'files.ask_picture("--plot", plot, overwrite, sources(options))',
        'files.ask_picture("--plot", plot, True, sources(options))',
        tests=(f"{PASSED_ON}nothing_that_exists_is_replaced_unless_asked",),
    ),
    "sweep: --overwrite": Fault(
        SWEEP,
        "Sweep(plan, out, asked, draws, overwrite, theory, tell)",
        "Sweep(plan, out, asked, draws, True, theory, tell)",
        tests=(f"{PASSED_ON}nothing_that_exists_is_replaced_unless_asked",),
    ),
    "verify: --overwrite": Fault(
        VERIFY,
        'files.ask_picture("--out", folder / name, overwrite)',
        'files.ask_picture("--out", folder / name, True)',
        tests=(f"{PASSED_ON}nothing_that_exists_is_replaced_unless_asked",),
    ),
    "sweep: --threads": Fault(
        SWEEP, "sweep.run(threads, lambda", "sweep.run(None, lambda", tests=(f"{PASSED_ON}threads_of_a_sweep",)
    ),
    "sweep: --precision-of": Fault(
        SWEEP,
        "precision_of(precision, others, most_replicas)",
        "precision_of(precision, (), most_replicas)",
        tests=(f"{PASSED_ON}every_option_of_a_sweep_arrives",),
    ),
    "run: --theory in the picture": Fault(
        OUTPUT,
        "picture(curve_set, plot, theory=theory)",
        "picture(curve_set, plot)",
        tests=(f"{PASSED_ON}what_is_drawn",),
    ),
    "plot: --theory in the picture": Fault(
        PLOT,
        "picture(curve_set, out, quantity, theory, **view)",
        "picture(curve_set, out, quantity, **view)",
        tests=(f"{PASSED_ON}what_is_drawn",),
    ),
    "plot: --quantity": Fault(
        PLOT,
        "picture(curve_set, out, quantity, theory, **view)",
        "picture(curve_set, out, theory=theory, **view)",
        tests=(f"{PASSED_ON}what_is_drawn",),
    ),
    "plot: another suffix": Fault(PLOT, '.with_suffix(".png")', '.with_suffix(".pdf")', tests=(f"{COMMANDS}sweep_and_plot",)),
    "theory: --seconds": Fault(
        THEORY,
        "summary(**options, seconds=seconds, prepare",
        "summary(**options, prepare",
        tests=(f"{PASSED_ON}every_option_of_theory_arrives",),
    ),
    "theory: --probe": Fault(
        THEORY, '"probe": probe}', '"probe": "independent"}', tests=(f"{PASSED_ON}every_option_of_theory_arrives",)
    ),
    "theory: --input-correlation": Fault(
        THEORY,
        '"input_correlation": input_correlation, "probe"',
        '"input_correlation": 0.0, "probe"',
        tests=(f"{PASSED_ON}every_option_of_theory_arrives",),
    ),
    "theory: --json": Fault(THEORY, "if as_json:", "if as_json and inputs == 1:", tests=(f"{SAID}theory_as_json",)),
    "phase: --seed": Fault(
        PHASE, '"seed": seed}', '"seed": 0}', tests=(f"{PASSED_ON}every_option_of_a_simulated_phase_diagram_arrives",)
    ),
    "phase: --bias-std": Fault(
        PHASE,
        "axes(activation, points, weight_std, bias_std)",
        "axes(activation, points, weight_std)",
        tests=(f"{PASSED_ON}every_option_of_a_simulated_phase_diagram_arrives",),
    ),
    "verify: --seed": Fault(
        VERIFY,
        "thorough=thorough, seed=seed, each",
        "thorough=thorough, each",
        tests=(f"{PASSED_ON}every_option_of_verify_arrives",),
    ),
    "verify: --thorough": Fault(
        VERIFY, "thorough=thorough, seed=seed, each", "seed=seed, each", tests=(f"{PASSED_ON}every_option_of_verify_arrives",)
    ),
    "verify: exit code 0 whatever is found": Fault(
        VERIFY, "return 0 if report.passed else 1", "return 0", tests=(f"{SAID}verify_says_when_theory_is_wrong",)
    ),
    "warmup: --all": Fault(
        WARMUP, "ARITHMETICS if everything else ARITHMETICS[:1]", "ARITHMETICS[:1]", tests=(f"{PASSED_ON}warmup_of_all",)
    ),
    "list: aliases": Fault(LIST, '", ".join(aliases)', '""', tests=(f"{COMMANDS}list_and_warmup",)),
    "exit code 1 for a request that cannot be": Fault(
        INIT, "def _complain(message, code=2):", "def _complain(message, code=1):", tests=(f"{COMMANDS}bad_grids",)
    ),
    "complaints on stdout": Fault(
        TELLING, "print(line, file=sys.stderr, flush=True)", "print(line, flush=True)", tests=(f"{COMMANDS}bad_grids",)
    ),
    "the bar on stdout": Fault(
        TELLING, "Console(stderr=True)", "Console()", tests=("tests/test_telling.py::test_the_bar_is_on_stderr",)
    ),
    "nested calls tell too": Fault(
        TELLING,
        "token = _told.set(True)",
        "token = _told.set(False)",
        tests=("tests/test_telling.py::test_they_are_quiet_elsewhere_and_where_they_are_told_to",),
    ),
    "no line of progress": Fault(
        TELLING, "now - said >= PLAIN_SECONDS and", "now - said < 0 and", tests=("tests/test_telling.py::test_lines",)
    ),
    "help: no defaults": Fault(
        OPTIONS, "show_default=option.default is not None", "show_default=False", tests=(f"{PASSED_ON}help_says_every_default",)
    ),
    "help: no words for what is not given": Fault(
        OPTIONS, "help=words + unset", "help=words", tests=(f"{PASSED_ON}help_says_every_default",)
    ),
    "--fail-on: exit code 0": Fault(
        "cli/verdicts.py", "    return FOUND", "    return 0", tests=("tests/cli/test_show.py::test_fail_on",)
    ),
    "run --json: no infinity": Fault(
        "export/printed.py",
        "None if counts and part < 0 else json_number(part)",
        "None if counts and part < 0 or part == -np.inf else json_number(part)",
        tests=("tests/cli/test_show.py::test_a_run_as_json",),
    ),
    "the environment: not told where a value came from": Fault(
        "cli/command.py",
        "error.message += _origin(context, error.format_message())",
        "pass",
        tests=("tests/cli/test_command_line.py::test_a_bad_value_names_its_variable",),
    ),
    "sweep: --set beside a table of cells": Fault(
        "sweep/overrides.py",
        "_replaced(given, name, value, everywhere=True)",
        "{**given, name: value}",
        tests=("tests/sweep/test_overrides.py::test_every_table_gets_it",),
    ),
    "help: no -h": Fault(INIT, '["-h", "--help"]', '["--help"]', tests=(f"{PASSED_ON}help_is_there_under_both_names",)),
}
