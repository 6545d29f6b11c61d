"""gradsim phase: the phase diagram of an activation."""

from pathlib import Path

import click

from ..errors import RequestError
from .command import Command, FileName, Text, activations


class Range(click.ParamType):
    """Two numbers separated by a comma."""

    name = "least,most"

    def convert(self, value, param, context):
        try:
            least, most = (float(part) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is not two numbers separated by a comma", param, context)
        return least, most


@click.command("phase", cls=Command)
@click.option("--activation", type=Text(activations), default="tanh", show_default=True, help="See `gradsim list activations`.")
@click.option(
    "--out",
    "-o",
    multiple=True,
    type=FileName(),
    metavar="PATH",
    default=("phase.png",),
    help="The picture (.png, .pdf, .svg) or its numbers (.csv, .json); repeat for both.  [default: phase.png]",
)
@click.option(
    "--weight-std", type=Range(), help="Range of sigma_w, Var W = sigma_w^2 / fan_in.  [default: about the critical one]"
)
@click.option("--bias-std", type=Range(), help="Range of sigma_b.  [default: 0,1]")
@click.option("--points", type=int, default=100, show_default=True, help="Points of theory along each axis.")
@click.option("--simulate", is_flag=True, help="Draw the same by simulation beside it.")
@click.option("--simulated-points", type=int, default=20, show_default=True, help="Points of the simulation along each axis.")
@click.option("--width", type=int, default=256, show_default=True, help="Units of a hidden layer, simulated.")
@click.option("--depth", type=int, default=60, show_default=True, help="Hidden layers, simulated.")
@click.option("--replicas", type=int, default=20, show_default=True, help="Networks a point.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the random numbers.")
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
@click.pass_obj
def command(
    files, activation, out, weight_std, bias_std, points, simulate, simulated_points, overwrite, width, depth, replicas, seed
):
    """Draw where gradients vanish and explode: weights' standard deviation against biases'.

    By mean-field theory, and with --simulate by simulation side by side. -o phase.csv writes the numbers, a row a point.
    """
    from ..model.activations import typed_activation
    from ..show.picture import image
    from ..sweep.phase_numbers import content, ending
    from ..sweep.phases import axes, comparison, edge_outside, figure
    from ..theory import critical_point, phase_diagram

    for path in out:
        _ask(files, path, overwrite)
    typed_activation(activation)
    grid = axes(activation, points, weight_std, bias_std)
    diagram = phase_diagram(activation, weight_std=grid[0], bias_std=grid[1])
    options = {"width": width, "depth": depth, "replicas": replicas, "seed": seed}
    measured = _simulated(activation, simulated_points, grid, options) if simulate else None
    for bias in (grid[1][0], grid[1][-1]):
        point = critical_point(activation, bias_std=float(bias))
        edges = ", ".join(f"{p.weight_std:.5g}" + ("" if p.stable else " (not stable)") for p in point.branches)
        click.echo(f"edge of chaos at sigma_b = {bias:g}: {'sigma_w = ' + edges if edges else point.note}")
    outside = edge_outside(diagram)
    if outside:
        click.echo(
            f"{outside} in the picture" if outside.startswith("no ") else f"{outside}; choose --weight-std or --bias-std"
        )
    if measured is not None:
        middle, largest, count = comparison(diagram, measured)
        click.echo(
            f"simulation against theory at {count} points: {middle:.2g} decades per 100 layers apart (median), "
            f"{largest:.2g} at most"
        )
    for path in out:
        if ending(path) is None:
            files.write(path, lambda path=path: image(figure(diagram, measured), path))
        else:
            files.write(path, lambda path=path: content(path, diagram, measured, **options))
    files.tell_written()


def _ask(files, path, overwrite):
    from ..show.picture import FORMATS
    from ..sweep.phase_numbers import KINDS, ending

    if ending(path) is not None:
        files.ask_table("--out", path, overwrite, KINDS[ending(path)])
    elif (suffix := Path(path).suffix) and suffix[1:].lower() not in FORMATS:
        raise RequestError(f"--out: {path!r} should end in .{', .'.join(FORMATS)}{''.join(f', {kind}' for kind in KINDS)}")
    else:
        files.ask_picture("--out", path, overwrite)


def _simulated(activation, points, grid, options):
    """(weight_std, bias_std, decades) by simulation, on `points` a side of the same range."""
    from ..sweep.phases import axes, check_simulation, simulated
    from ..telling import progress
    from .progress import compile_first

    coarse = axes(activation, points, *((std[0], std[-1]) for std in grid), option="--simulated-points")
    check_simulation(activation, **options)
    cells = coarse[0].size * coarse[1].size
    compile_first("carried")
    with progress(cells, "points") as update:
        return *coarse, simulated(activation, *coarse, **options, progress=lambda done: update(done / cells, done))
