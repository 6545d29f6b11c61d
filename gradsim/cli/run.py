"""gradsim run: one network."""

import click

from .options import check_outputs, deliver, network_options, output_options, run_options, threads_option
from .progress import compile_first, progress


@click.command("run")
@network_options
@run_options
@threads_option
@click.option("--keep-samples", is_flag=True, help="Keep every network's curves in the file too.")
@output_options
def command(out, plot, theory, overwrite, keep_samples, threads, **options):
    """Simulate one network and judge its gradient.

    Draws --replicas networks, runs each forward and backward, and prints what becomes of the gradient.
    """
    from ..curves import CurveSet
    from ..request import checked, network_and_run
    from ..simulation import simulate

    network, run = network_and_run(options)
    checked(threads=threads)
    check_outputs(out, plot, overwrite)
    done = 0
    compile_first(run["arithmetic"])
    with progress(run["replicas"], "networks") as update:

        def advance(replicas):
            nonlocal done
            done += replicas
            update(done / run["replicas"], done)

        run |= {"threads": threads, "keep_samples": keep_samples}
        curves = simulate(network, **run, progress=advance)
    deliver(CurveSet([curves]), out, plot, overwrite, theory)
