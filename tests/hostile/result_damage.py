"""Files of results that are damaged, or cut down in xarray: for `gradsim.open` and `plot`, as in result_files.py."""

import contextlib
import functools
import io
import os
import shutil

import h5py
import numpy as np

from .result_files import CURVE, DIGEST, DRAWN, GOOD, SAME, file, h5, same, same_numbers, sense
from .special import circle, device, fifo
from .truths import Either, done, refused


def cut(change, truth, note, **options):
    """What xarray makes of it, written by xarray."""

    def changed(path):
        import xarray

        path.unlink()
        change(_loaded(), xarray).to_netcdf(path, engine="h5netcdf", **options)

    return file(f"xarray {note}", changed, truth)


@functools.cache
def _loaded():
    """The good file, without the variables that neither the table nor the picture needs: they would take time."""
    import xarray

    with xarray.open_dataset(io.BytesIO(GOOD["r.h5"]), engine="h5netcdf") as opened:
        return opened.drop_vars([n for n in opened.variables if n.startswith(LONG)]).load()


LONG = ("weight_gradient", "bias_gradient", "input_gradient", "loss_", "preactivation_max", "gradient_max", "dead", "saturated")


def _numbers(dataset):
    return dataset.drop_vars([name for name in dataset.variables if dataset[name].dtype.kind in "OTU"])


CUT = [
    cut(lambda d, x: d, SAME, "as it is"),
    cut(lambda d, x: d.isel(cell=slice(0, 1)), DRAWN, "isel(cell=slice(0, 1))"),
    cut(lambda d, x: d.isel(cell=[1, 0]), DRAWN, "isel(cell=[1, 0])"),
    cut(lambda d, x: d.isel(cell=0), sense("r.h5", "cell"), "isel(cell=0)"),
    cut(lambda d, x: d.isel(cell=slice(0, 0)), refused(("r.h5", "network", "cell")), "no cell"),
    cut(lambda d, x: d.sel(layer=slice(1, 3)), sense("layer"), "sel(layer=slice(1, 3))"),
    cut(lambda d, x: d.sel(layer=slice(0, 1)), sense("layer"), "sel(layer=slice(0, 1))"),
    cut(lambda d, x: d.sel(layer=2), sense("layer"), "sel(layer=2)"),
    cut(lambda d, x: d.isel(layer=slice(None, None, -1)), same("r.h5", "layer"), "layers backwards"),
    cut(lambda d, x: d.isel(quantile=slice(None, None, -1)), same("r.h5", "quantile"), "quantiles backwards"),
    cut(lambda d, x: d.isel(precision=slice(None, None, -1)), same("r.h5", "precision"), "precisions backwards"),
    cut(lambda d, x: d.isel(precision=slice(0, 2)), sense(("precision", "float")), "two precisions"),
    cut(lambda d, x: d.sel(quantile=[0.05, 0.5, 0.95], method="nearest"), DRAWN, "three quantiles"),
    cut(lambda d, x: d.sel(quantile=[0.5], method="nearest"), sense("quantile"), "one quantile"),
    cut(lambda d, x: d.sel(quantile=0.5, method="nearest"), sense("quantile"), "no quantile axis"),
    cut(lambda d, x: d.isel(replica=slice(0, 5)), sense("r.h5", ("replica", "samples")), "five replicas"),
    cut(lambda d, x: d.drop_vars("request"), refused("r.h5", "request"), "drop_vars(request)"),
    cut(lambda d, x: d.drop_vars("verdict"), SAME, "drop_vars(verdict)"),
    cut(lambda d, x: d.drop_vars("layer"), sense("r.h5", "layer"), "drop_vars(layer)"),
    cut(lambda d, x: d.drop_vars("gradient_log_mean"), sense("r.h5", "gradient_log_mean"), "drop_vars(gradient_log_mean)"),
    cut(lambda d, x: d.drop_vars(CURVE), refused(CURVE), f"drop_vars({CURVE})"),
    cut(lambda d, x: d.drop_dims("precision"), sense("r.h5"), "drop_dims(precision)"),
    cut(lambda d, x: d.drop_dims("replica"), sense("r.h5"), "drop_dims(replica)"),
    cut(lambda d, x: d.drop_attrs(), refused("r.h5", "gradsim"), "drop_attrs()"),
    cut(lambda d, x: d[["gradient_log_mean"]], refused("r.h5"), "one variable"),
    cut(lambda d, x: x.concat([d, d], "cell"), DRAWN, "concat"),
    cut(lambda d, x: d.transpose(..., "cell"), same("r.h5"), "transposed"),
    cut(lambda d, x: d.rename(layer="depth_"), refused("r.h5", "layer"), "a dimension renamed"),
    cut(lambda d, x: d.rename({CURVE: "mine"}), refused(CURVE), "a variable renamed"),
    cut(lambda d, x: d.assign(mine=("cell", [1, 2])), SAME, "a variable more"),
    cut(lambda d, x: _numbers(d).mean("cell"), refused("r.h5"), "mean over cells"),
    cut(lambda d, x: _numbers(d), refused("r.h5"), "numbers only"),
]


def raw(change):
    return lambda path: path.write_bytes(change(path.read_bytes()))


def at(share):
    return raw(lambda found: found[: int(share * len(found)) if isinstance(share, float) else share])


def _zeros(found):
    middle = len(found) // 2
    return found[:middle] + bytes(512) + found[middle + 512 :]


def instead(make_it):
    """Something else in its place."""

    def change(path):
        path.unlink()
        make_it(path)

    return change


def _netcdf3(path):
    from scipy.io import netcdf_file

    with netcdf_file(path, "w") as file:
        file.createDimension("layer", 4)
        file.createVariable("gradient_log_mean", "f8", ("layer",))[:] = 1.0


def _virtual(file):
    shape = file[CURVE].shape
    layout = h5py.VirtualLayout(shape, "f8")
    layout[:] = h5py.VirtualSource("nothing.h5", "x", shape)
    del file[CURVE]
    file.create_virtual_dataset(CURVE, layout)


def _huge(file):
    del file[CURVE]
    file.create_dataset(CURVE, (10**7, 10**4, 7), "f8", chunks=(1, 1000, 7), compression="gzip")


def _link(kind):
    def change(file):
        del file[CURVE]
        file[CURVE] = kind

    return change


def _group(name):
    def change(file):
        del file[name]
        file.create_group(name)

    return change


DAMAGED = [
    *(
        file(f"cut at {share}", at(share), same("r.h5") if share in (-1, -512) else refused("r.h5"))
        for share in (0, 1, 7, 8, 100, 511, 2048, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, -1, -512)
    ),
    file("followed by more", raw(lambda found: found + b"more"), same("r.h5")),
    file("zeros in the middle", raw(_zeros), Either(refused("r.h5"), done(check=same_numbers)), DIGEST, ()),
    file("a text before it", raw(lambda found: b"x" * 512 + found), same("r.h5")),
    file("a text", raw(lambda found: b"hello\n"), refused("r.h5")),
    file("a picture", raw(lambda found: b"\x89PNG\r\n\x1a\n" + bytes(100)), refused("r.h5")),
    file("netCDF-3", instead(_netcdf3), refused("r.h5")),
    file("another HDF5 file", instead(lambda path: h5py.File(path, "w").close()), refused("r.h5", "gradsim")),
    file("a folder", instead(os.mkdir), refused("r.h5")),
    file("a fifo", instead(fifo), refused("r.h5")),
    file("/dev/zero", instead(device(1, 5)), refused("r.h5")),
    file("a link to itself", instead(circle), refused("r.h5")),
    file("a link to a good file", lambda path: (shutil.move(path, path.with_name("g.h5")), os.symlink("g.h5", path)), SAME),
    h5("a virtual curve without its source", _virtual, refused("r.h5", CURVE)),
    h5("a curve that claims 5 TB", _huge, refused("r.h5", CURVE)),
    h5("a curve linked to itself", _link(h5py.SoftLink(f"/{CURVE}")), refused("r.h5", CURVE)),
    h5("a curve linked to another file", _link(h5py.ExternalLink("nothing.h5", "/x")), refused("r.h5", CURVE)),
    h5("a group for a curve", _group(CURVE), refused("r.h5", CURVE)),
    h5("a group for the request", _group("request"), refused("r.h5", "request")),
    h5("a group for the quantiles", _group("quantile"), refused("r.h5", "quantile")),
]


def flip(seed):
    """One bit of the file, anywhere, or among the values of one of its datasets."""

    def change(path):
        draw = np.random.default_rng(seed)
        content = bytearray(path.read_bytes())
        place = int(draw.integers(len(content)))
        with contextlib.suppress(OSError), h5py.File(path, "r", locking=False) as file:
            name = sorted(file)[int(draw.integers(len(file)))]
            offset, size = file[name].id.get_offset(), file[name].id.get_storage_size()
            if seed % 2 and offset is not None and size:
                place = offset + int(draw.integers(size))
        content[place] ^= 1 << int(draw.integers(8))
        path.write_bytes(bytes(content))

    return change


FLIPPED = [
    file(f"bit {seed} changed", flip(seed), Either(refused(), done(check=same_numbers)), DIGEST, ()) for seed in range(60)
]

INPUTS = [*CUT, *DAMAGED, *FLIPPED]
