"""TOML grids: a wrong type for every option, files that are no files, grids beyond all memory."""

import os

from .command_lines import SIZES
from .special import circle, device, fifo
from .truths import Either, Input, done, either, refused

BASE = {"width": "4", "depth": "2", "replicas": "4"}


def grid(text, truth, name=None, file="grid.toml", arguments=(), **rest):
    """The Input `gradsim sweep grid.toml`, of a grid that says `text` (a text, bytes, or what makes a file of a path)."""

    def prepare(folder):
        path = os.path.join(os.fsencode(folder), os.fsencode(file))
        if callable(text):
            text(path)
        else:
            with open(path, "wb") as out:
                out.write(text if isinstance(text, bytes) else text.encode())

    shown = name or (repr(text[:60]) if isinstance(text, str | bytes) else text.__name__)
    return Input(f"grid {shown}", truth, ("sweep", file, *arguments), prepare=prepare, **rest)


def values(option, *literals, truth=None):
    """A grid for each TOML literal of one option, the rest small."""
    return [
        grid(
            "".join(f"{name} = {value}\n" for name, value in (BASE | {option: literal}).items()),
            truth or refused(option),
            f"{option} = {literal[:50]}",
        )
        for literal in literals
    ]


NO_NUMBER = ("true", "'x'", "''", "1979-05-27", "07:32:00", "{a = 1}", "[[1]]", "[[[1]]]", "inf", "-nan", "1e999")
NO_WHOLE = (*NO_NUMBER, "2.5", "1e30", "[{a = 1}]")
NO_TEXT = ("3", "true", "1.5", "1979-05-27T07:32:00Z", "{a = 1}", "[['relu']]", "[[[1]]]", "nan", "[3, 'x']")

TYPES = [
    *values("width", "true", "'x'", "''", "1979-05-27", "{a = 1}", "[[[1]]]", "inf", "nan", "2.5", "[[]]", "[['a']]", "[]"),
    *values("width", "[[3, 4, 5]]", "[[3, 0]]", "[[3, true]]", "[-1, 4]", "70_000"),
    *values("depth", *NO_WHOLE, "0", "-3", "[2, 0]"),
    *values("replicas", *NO_WHOLE, "0", "4_294_967_297"),
    *values("histograms", *NO_WHOLE, "-1", "[0, -3]", "4_294_967_297"),
    *values("seed", *NO_NUMBER, "2.5", "-1"),
    *values("inputs", *NO_WHOLE, "0"),
    *values("input_width", "true", "'x'", "2.5", "1979-05-27", "{a = 1}", "[[1]]", "0", "nan"),
    *values("outputs", "true", "'x'", "2.5", "1979-05-27", "{a = 1}", "[[1]]", "0", "nan"),
    *values("weight_gain", *NO_NUMBER),
    *values("bias_std", *NO_NUMBER, "-1"),
    *values("input_correlation", *NO_NUMBER, "2"),
    *values("activation", *NO_TEXT, "'rleu'", "['relu', 'rleu']", "'\\u0000'"),
    *values("init", *NO_TEXT, "['he_normal', 'normal']"),
    *values("bias", *NO_TEXT),
    *values("engine", *NO_TEXT),
    *values("loss", *NO_TEXT, "'cross_entropy'"),
    *values("probe", *NO_TEXT),
    *values("arithmetic", *NO_TEXT),
    *values("stream", "3", "true", "1979-05-27", "{a = 1}", "[['a']]"),
    *values("input_file", "3", "true", "1.5", "1979-05-27", "{a = 1}", "'nothing.npy'", "'a\\u0000.npy'", "''"),
    *values("target_file", "3", "true", "{a = 1}", "'nothing.npy'"),
]

NAMES = [
    grid("widht = 4", refused("widht", "did you mean width")),
    grid("Width = 4", either("Width", writes=("grid.h5",))),
    grid("'' = 4", refused("''")),
    grid("a.b = 4", refused("'a'")),
    grid("[network]\nwidth = 4", refused("network")),
    grid("[[width]]\na = 4", refused("width")),
    grid("threads = 2", refused("threads")),
    grid("out = 'a.h5'", refused("out")),
    grid("progress = 3", refused("progress")),
    grid("bias-std = 0.1\nbias_std = 0.2", refused("bias", "twice")),
    grid("width = 4\nwidth = 5", refused("TOML")),
    grid("'width\\n' = 4", refused("width")),
    grid("'\U0001f642' = 4", refused("🙂")),
]

WHOLE_SMALL = "width = 4\ndepth = 2\nreplicas = 4\n"
TEXTS = [
    grid("", either("grid.toml", writes=("grid.h5",)), "empty"),
    grid(b"\xef\xbb\xbf" + WHOLE_SMALL.encode(), either("grid.toml", writes=("grid.h5",)), "byte-order mark"),
    grid(WHOLE_SMALL.encode("utf-16"), refused("grid.toml", "TOML"), "UTF-16"),
    grid(b"\xff\xfe\x00", refused("grid.toml", "TOML")),
    grid("width =", refused("grid.toml", "TOML")),
    grid("width = 4,5", refused("grid.toml", "TOML")),
    grid("width = 4\0", refused("grid.toml", "TOML")),
    grid('activation = "\\ud800"', refused("grid.toml", "TOML")),
    grid("<html></html>", refused("grid.toml", "TOML")),
    grid("activation,width\nrelu,4\n", refused("grid.toml", "TOML")),
    grid('{"width": 4}', refused("grid.toml", "TOML"), "JSON"),
    grid("width = " + "[" * 100_000, refused("grid.toml"), "nested 100,000 times"),
    grid("width = " + "[" * 900 + "4" + "]" * 900, refused(("width", "grid.toml")), "nested 900 times"),
    grid("seed = " + "9" * 5000, refused("grid.toml"), "an integer of 5,000 digits"),
    grid("depth = 2021-13-45", refused("grid.toml", "TOML")),
    grid("# " + "x" * 3_000_000, either("grid.toml", writes=("grid.h5",)), "a comment of 3 MB"),
    grid("x = '" + "y" * 3_000_000 + "'", refused("'x'"), "a text of 3 MB"),
    grid("activation = '" + "y" * 3_000_000 + "'", refused("activation"), "an activation of 3 MB"),
]

NO_RANGE = (
    "{from = 1}",
    "{from = 1, to = 2}",
    "{from = 1, to = 2, points = 1}",
    "{from = 1, to = 2, points = 1e9}",
    "{from = 1, to = nan, points = 3}",
    "{from = 1e-300, to = 1e300, step = 1e-300}",
    "{from = 0, to = 1, points = 3, scale = 'log'}",
    "{from = 1, to = 2, points = 3, scale = 3}",
    "[{from = 1, to = 2, points = 3}, {}]",
    "{from = [1], to = 2, points = 3}",
    "{from = {from = 1}, to = 2, points = 3}",
    "{'' = 1}",
)
STRUCTURE = [
    *values("weight_gain", *NO_RANGE),
    *values("depth", *NO_RANGE, "{from = 1, to = 3, points = 9}", "{from = -3, to = 3, step = 1}"),
    grid(WHOLE_SMALL + "zip = 3", refused("zip")),
    grid(WHOLE_SMALL + "[zip]\nseed = [1]", refused("zip")),
    grid(WHOLE_SMALL + "[[zip]]\nseed = [1, 2]\ninputs = [1]", refused("zip")),
    grid(WHOLE_SMALL + "[[zip]]\nseed = [1, 2]\nwidth = [1, 2]", refused("width", "twice")),
    grid(WHOLE_SMALL + "[[zip]]\n[[zip.zip]]\nseed = 1", refused("zip")),
    grid(WHOLE_SMALL + "[[zip]]", refused("zip")),
    grid(WHOLE_SMALL + "exclude = 'seed'", refused("exclude")),
    grid(WHOLE_SMALL + "[[exclude]]", refused("exclude")),
    grid(WHOLE_SMALL + "[[exclude]]\nsead = 1", refused("sead", "did you mean seed")),
    grid(WHOLE_SMALL + "[[exclude]]\nseed = {from = 'a'}", refused("seed")),
    grid(WHOLE_SMALL + "[[exclude]]\nseed = 0", refused("excluded")),
    grid(WHOLE_SMALL + "[[exclude]]\ninput_file = 'nothing.npy'", either("grid.toml", writes=("grid.h5",))),
    grid(WHOLE_SMALL + "[[exclude]]\nlayers = [{part = 'Linear'}]", either("grid.toml", writes=("grid.h5",))),
    grid(WHOLE_SMALL + "[[exclude]]\nactivation = 'nothing:nothing'", refused("nothing")),
    grid(WHOLE_SMALL + "defaults = 3", refused("defaults")),
    grid(WHOLE_SMALL + "[defaults]\n[[defaults.zip]]\nseed = 1", refused("zip")),
    grid(WHOLE_SMALL + "[defaults]\n[defaults.defaults]", refused("defaults")),
    grid(WHOLE_SMALL + "[[cells]]\n[[cells.exclude]]\nseed = 1", refused("exclude")),
    grid(WHOLE_SMALL + "weight_gain = {from = 1, to = 2, points = 3}", done("weight gain", writes=("grid.h5",))),
    grid(WHOLE_SMALL, done("grid.toml: 1 cell, 4 networks"), "a dry run", arguments=("--dry-run",)),
    grid(WHOLE_SMALL + "seed = -1", refused("seed"), "a dry run of what cannot be", arguments=("--dry-run",)),
]

_MANY = f"{list(range(1, 1001))}"
SIZES_THAT_CANNOT_BE = [
    grid(
        f"width = {_MANY}\nseed = {_MANY}\nreplicas = {_MANY}",
        refused(("cells", "combinations", "networks"), (*SIZES, "at most")),
        "1e9 cells",
    ),
    grid(
        "".join(f"{name} = {list(range(1, 41))}\n" for name in ("width", "seed", "replicas", "inputs", "outputs")),
        refused(("cells", "combinations", "networks"), (*SIZES, "at most")),
        "40^5 cells",
    ),
    grid("depth = 10_000_000_000", refused("depth", SIZES)),
    grid("depth = 1e10", refused("depth", SIZES)),
    grid(WHOLE_SMALL + "inputs = [1, 1_000_000_000]", refused("inputs", SIZES)),
]

FILES = [
    grid(fifo, refused("grid.toml"), "fifo"),
    grid(device(1, 5), refused("grid.toml"), "/dev/zero"),
    grid(os.mkdir, refused("grid.toml"), "folder"),
    grid(circle, refused("grid.toml"), "link to itself"),
    grid(lambda path: os.symlink(b"nothing", path), refused("grid.toml"), "link to nothing"),
    grid(WHOLE_SMALL, done("relu", writes=("\udcff.h5",)), "name that is not UTF-8", file="\udcff.toml"),
    grid(WHOLE_SMALL, done("relu", writes=("grid.h5",)), "no suffix", file="grid"),
    grid(WHOLE_SMALL, refused("grid.h5"), "called as its results", file="grid.h5"),
    grid(WHOLE_SMALL, refused("grid.h5"), "called as its results, --overwrite", file="grid.h5", arguments=("--overwrite",)),
    grid(WHOLE_SMALL, Either(refused("-."), done(writes=("-.h5",))), "called -", file="-.toml"),
    grid("input_file = 'grid.toml'", refused("grid.toml"), "its own input"),
]

INPUTS = [*TYPES, *NAMES, *TEXTS, *STRUCTURE, *SIZES_THAT_CANNOT_BE, *FILES]
