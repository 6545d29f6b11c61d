"""gradsim verify: the simulator against theory on this machine."""

import click

from .command import Command, FileName


@click.command("verify", cls=Command)
@click.argument("names", nargs=-1)
@click.option("--thorough", is_flag=True, help="16 times as many networks.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the random numbers.")
@click.option("--list", "only_list", is_flag=True, help="List the checks with their closed forms and sources.")
@click.option("--out", "-o", type=FileName(), metavar="FOLDER", help="Write the pictures into this folder.")
@click.option("--overwrite", is_flag=True, help="Replace existing pictures.")
@click.pass_obj
def command(files, names, thorough, seed, only_list, out, overwrite):
    """Hold the simulator against theory on this machine, in about a minute.

    NAMES choose the checks whose names contain any of them. Exit code 1 if simulator and theory disagree.
    """
    from ..errors import whole_number
    from ..verification import select

    chosen, seed = select(names), whole_number("--seed", seed, 0)
    if only_list:
        for check in chosen:
            click.echo(f"{check.name}  ({check.kind})\n    {check.claim}\n    {check.source}")
        _say_not_checked()
        return 0
    folder = _folder(files, out, overwrite)
    from ..telling import compilation_notice
    from ..verification import verify

    width = max(len(check.name) for check in chosen)
    with compilation_notice():
        report = verify(names, thorough=thorough, seed=seed, each=lambda check, result: _tell(check, result, width))
    with files.trying():
        for line in _verdict(report):
            click.echo(line)
        _say_not_checked()
    if folder is not None:
        from ..show.picture import image
        from ..verification.picture import figures

        for name, drawn in figures(report):
            path = folder / name
            files.write(path, lambda path=path, drawn=drawn: image(drawn, path))
        files.tell_written()
    return 0 if report.passed else 1


def _say_not_checked():
    from ..verification import NOT_CHECKED

    click.echo("\nnot checked:")
    for what in NOT_CHECKED:
        click.echo(f"    {what}")


def _tell(check, result, width):
    word = "agrees" if result.passed else "DISAGREES"
    click.echo(f"{word:<9} {check.name:<{width}}  p = {result.p:<8.2g} {result.figures}")
    click.echo(f"{'':10}{check.claim}; {check.source}")


def _verdict(report):
    """Lines on all z-scores together, and on the whole run."""
    from ..verification import ALARM

    if report.overall is not None:
        o = report.overall
        yield (
            f"\n{o.z.size} z-scores of exact checks together: mean {o.z.mean():+.3f} (p = {o.mean_p:.2g}), variance "
            f"{o.z.var():.3f} (p = {o.variance_p:.2g}), standard normal (Kolmogorov-Smirnov p = {o.law_p:.2g})"
        )
    if report.passed:
        yield f"simulator and theory agree (a check disagrees at p < {ALARM:g})"
    else:
        disagreeing = [name for name, result in report.results.items() if not result.passed]
        yield f"simulator and theory DISAGREE: {', '.join(disagreeing) or 'the z-scores together are not standard normal'}"


def _folder(files, out, overwrite):
    """The folder for pictures, made if need be, found out before anything is computed."""
    if out is None:
        return None
    from ..errors import RequestError
    from ..store.files import file_name
    from ..verification.picture import FILES

    folder = file_name("--out", out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"--out: cannot make the folder {out!r}: {error.strerror}") from None
    for name in FILES.values():
        files.ask_picture("--out", folder / name, overwrite)
    return folder
