"""gradsim run: one network."""

import click

from .options import check_outputs, deliver, network_options, output_options, run_options, threads_option
from .progress import compile_first, progress

NETWORK = ("width", "depth", "activation", "init", "weight_gain", "bias", "bias_std", "input_width", "outputs")


@click.command("run")
@network_options
@run_options
@threads_option
@click.option("--keep-samples", is_flag=True, help="Keep every network's curves in the file too.")
@output_options
def command(out, plot, overwrite, **options):
    """Simulate one network and judge its gradient.

    Draws --replicas networks, runs each forward and backward, and prints what becomes of the gradient.
    """
    import gradsim

    network = gradsim.mlp(**{name: options.pop(name) for name in NETWORK})
    from ..simulation import checked

    checked(**{name: value for name, value in options.items() if name != "keep_samples"})
    check_outputs(out, plot, overwrite)
    done = 0
    compile_first()
    with progress(options["replicas"], "networks") as update:

        def advance(replicas):
            nonlocal done
            done += replicas
            update(done / options["replicas"], done)

        curves = gradsim.simulate(network, **options, progress=advance)
    from ..curves import CurveSet

    deliver(CurveSet([curves]), out, plot, overwrite)
