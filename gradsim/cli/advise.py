"""gradsim advise: which initialization to use, checked by simulation."""

import json

import click

from .code import for_option
from .command import Command, FileName, Named
from .models import MODEL
from .options import network_given, network_options, preset_option, preset_or_mlp, some_options

# Those of gradsim.statistics.precision, which take a while to import
PRECISIONS = ("float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "float32", "float64")
CHECKED = ("inputs", "input_correlation", "probe", "seed")


@click.command("advise", cls=Command)
@click.argument("model", required=False, metavar=f"[{MODEL}]")
@preset_option
@network_options
@some_options(*CHECKED)
@click.option(
    "--precision",
    type=Named(PRECISIONS, option="--precision"),
    default="float32",
    show_default=True,
    help="Float type that the network computes in.",
)
@click.option(
    "--seconds",
    type=float,
    default=30.0,
    show_default=True,
    help="Most work, in seconds of one core, for the simulation; what is more is not checked.",
)
@click.option("--models", type=int, default=50, show_default=True, help="Models to observe, of a MODEL.")
@for_option
@click.option("--out", "-o", type=FileName(), metavar="PATH", help="Draw before and after into this .png, .pdf or .svg.")
@click.option("--overwrite", is_flag=True, help="Replace an existing picture.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.pass_obj
def command(files, model, preset, precision, seconds, models, framework, out, overwrite, as_json, **options):
    """Say how to initialize a network: compare what is in use with what could be, and recommend one.

    Named schemes, gains and biases that theory proposes, orthogonal weights, other blocks where nothing else helps: all are
    simulated with the same random numbers, and told with what they are worse in. --for prints code that draws it.

    MODEL is a PyTorch model of yours, model.py:make_model, a function that makes it anew (extra torch): models are observed
    with normal inputs of --input-width, and where gradsim has a network for them that is advised on.
    """
    from ..errors import finite_number
    from ..model.request import checked

    run = {name: options.pop(name) for name in CHECKED}
    checked(**run)
    finite_number("--seconds", seconds, 0.0)
    if out is not None:
        files.ask_picture("--out", out, overwrite)
    if model is None:
        make, given = preset_or_mlp(preset, options)
        seen, network = None, make(**given)
    else:
        seen = _look(model, preset, models, options, run)
        network = seen.network
    found = _advice(network, precision=precision, seconds=seconds, **run)
    framework = framework or (model and found and "torch")
    with files.trying():
        (_print_json if as_json else _print)(seen, found, framework)
    if out is not None:
        files.write(out, lambda: _picture(seen, found, out))
        files.tell_written(as_json)


def _look(model, preset, models, options, run):
    """What is seen of a MODEL, the `models.Model`. Raises RequestError."""
    from ..errors import RequestError, whole_number
    from .models import looked_at

    others = sorted(network_given(options).keys() - {"input_width"})
    if preset is not None or others:
        name = "preset" if preset is not None else others[0].replace("_", "-")
        raise RequestError(f"--{name}: {MODEL} says itself what it is; give it --input-width and --inputs alone")
    if options["input_width"] is None:
        raise RequestError(f"--input-width: {MODEL} needs the width of what goes in")
    replicas = whole_number("--models", models)
    return looked_at(model, run["inputs"], options["input_width"], replicas, run["seed"])


def _advice(network, **options):
    """The Advice on a network; None where there is none."""
    from ..advice.advise import advise
    from .progress import compile_first

    if network is None:
        return None
    compile_first("carried")
    return advise(network, **options)


def _print(seen, found, framework):
    from ..advice.advice_report import show

    if seen is not None:
        click.echo(seen.observed.table().rstrip())
        click.echo()
    if found is not None:
        show(found)
    else:
        click.echo(f"Nothing is recommended, since gradsim has no network for this model: {seen.none}")
    if found is not None and framework:
        click.echo(f"\n{found.code(framework)}", nl=False)


def _print_json(seen, found, framework):
    from ..advice.summary import plain_values
    from ..export.printed import document

    printed = {} if found is None else plain_values(found.to_json())
    if seen is not None:
        printed |= {"observed": json.loads(document(seen.observed)), "not_translated": seen.none}
    if found is not None and framework:
        printed["code"] = found.code(framework)
    click.echo(json.dumps(printed, indent=1))


def _picture(seen, found, path):
    from ..show.picture import image

    return image(seen.observed.plot() if found is None else found.plot(), path)
