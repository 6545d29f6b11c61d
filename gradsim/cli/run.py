"""gradsim run: one network."""

import click

from .options import network_options, output_options, run_options, some_options, threads_option
from .output import deliver, sources
from .progress import compilation_notice, compile_first, progress


@click.command("run")
@network_options
@run_options
@threads_option
@some_options("keep_samples")
@output_options
@click.pass_obj
def command(files, out, plot, theory, overwrite, keep_samples, threads, **options):
    """Simulate one network and judge its gradient.

    Draws --replicas networks, runs each forward and backward, and prints what becomes of the gradient.
    """
    from ..curves import CurveSet
    from ..model.request import checked
    from ..simulation.fit import network_and_run
    from ..simulation.simulate import simulate

    network, run = network_and_run(options)
    checked(threads=threads)
    if out is not None:
        files.ask_results("--out", out, overwrite, sources(options))
    if plot is not None:
        files.ask_picture("--plot", plot, overwrite, sources(options))
    done = 0
    compile_first(run["arithmetic"])
    with compilation_notice(), progress(run["replicas"], "networks") as update:

        def advance(replicas):
            nonlocal done
            done += replicas
            update(done / run["replicas"], done)

        run |= {"threads": threads, "keep_samples": keep_samples}
        curves = simulate(network, **run, progress=advance)
    deliver(files, CurveSet([curves]), out, plot, theory)
