"""Command lines: wrong types, sizes that cannot be, names of other functions, extreme numbers, texts that are no texts."""

import json
import shlex

from .truths import Either, Input, Refused, done, either, refused

SMALL = "--width 4 --depth 3 --replicas 8"
SIZES = ("GB", "GiB", "TB", "TiB", "PB", "PiB", "EB", "EiB", "MB", "MiB", "bytes")
BAD_TEXTS = ("", "x", "nan", "\ud800", "1\x002", "-", "🙂")


def line(text, truth, *more, name=None, **rest):
    """The Input of a command line as one would type it, with `more` arguments as they are."""
    shown = " ".join((text, *map(ascii, more)))
    return Input(name or shown[:70], truth, (*shlex.split(text), *more), **rest)


def option(name, values, truth=None, command=f"run {SMALL} --out a.h5"):
    """One Input a value of one option; refused with the option's name unless told otherwise."""
    head = command.split()[0]
    return [line(command, truth or refused(name), name, value, name=f"{head} {name} {ascii(value)[:50]}") for value in values]


def says(*words, command=f"run {SMALL}"):
    """{arguments: words on stdout} of runs that must succeed."""
    return lambda text, *more: line(f"{command} {text}", done(*words), *more)


NOT_NUMBERS = [
    *option("--width", (*BAD_TEXTS, "1.5", "4,", ",", "4;5", "-1", "0", "65537", "0x10", "9" * 5000, "4,0,4", "4,4")),
    *option("--width", ("４", " 4 "), either("--width", writes=("a.h5",))),
    *option("--depth", (*BAD_TEXTS, "0", "-1", "2.5", "9" * 5000)),
    *option("--depth", ("1e2",), either("--depth", writes=("a.h5",))),
    *option("--replicas", (*BAD_TEXTS, "0", "-5", "1.5", "4294967297")),
    *option("--seed", (*BAD_TEXTS, "-1", "1.5", "1e30", "9" * 5000)),
    *option("--seed", (str(10**30),), either("--seed", writes=("a.h5",))),
    *option("--inputs", ("", "x", "0", "-1", "2.5")),
    *option("--input-width", ("x", "0", "-1", "65537")),
    *option("--input-width", ("1e4",), either("--input-width", writes=("a.h5",))),
    *option("--outputs", ("x", "0", "-1", "65537", "1.5")),
    *option("--threads", ("x", "0", "-1", "1000000", "1.5")),
    *option("--weight-gain", (*BAD_TEXTS, "inf", "-inf", "1e309", "1,5", "1e")),
    *option("--bias-std", ("", "x", "-1", "nan", "inf", "1e309")),
    *option("--input-correlation", ("", "x", "nan", "inf", "2", "-2", "1e308")),
]

SIZES_THAT_CANNOT_BE = [
    *option("--depth", ("10000000000", "100000000"), refused("--depth", SIZES)),
    *option("--depth", ("10000000000",), refused("--depth"), "theory --width 4"),
    *option("--depth", ("10000000000",), refused("--depth"), "advise --width 4"),
    *option("--depth", ("10000000000",), refused("--depth"), "phase --simulate --simulated-points 2 --width 4"),
    *option("--inputs", ("1000000", "1000000000", "1000000000000000000000"), refused("--inputs", SIZES)),
    line(f"run {SMALL} --replicas 4294967296 --keep-samples --out a.h5", refused(("--replicas", "--keep-samples"), SIZES)),
    line("run --width 65536 --depth 1000000 --engine dense --replicas 1", refused(("--width", "--depth"), SIZES)),
    line("run --width 65536 --inputs 60000 --depth 100 --replicas 1", refused("--inputs", SIZES)),
    line("phase --points 1000000000", refused("--points")),
    line("phase --simulate --simulated-points 1000000", refused("--simulated-points")),
    line("theory --width 4 --depth 3 --inputs 1000000000000", either("--inputs", words=())),
]

PLURAL = ("more than one", "two", "several", "gate", "product", "pair", "vector", "all units")
NAMES = [
    line("run --activation swiglu", Refused(("--activation", "swiglu", PLURAL), ("did you mean silu",))),
    line("run --activation SwiGLU", Refused(("--activation", PLURAL), ("did you mean silu",))),
    line("run --activation geglu", Refused(("--activation", PLURAL), ("did you mean",))),
    line("run --activation reglu", Refused(("--activation", PLURAL), ("did you mean",))),
    line("run --activation glu", Refused(("--activation", PLURAL), ("did you mean gelu",))),
    line("run --activation maxout", Refused(("--activation", PLURAL), ("did you mean",))),
    line("run --activation softmax", Refused(("--activation", PLURAL), ("did you mean",))),
    line("run --activation log_softmax", Refused(("--activation", PLURAL), ("did you mean",))),
    line(
        f"run {SMALL} --activation prelu",
        Either(Refused(("leaky_relu(0.25)",), ("did you mean relu",)), done("leaky_relu(0.25)")),
    ),
    line(f"run {SMALL} --activation celu", Either(Refused(("celu",), ("did you mean elu?",)), done("celu"))),
    line(f"run {SMALL} --activation sign", Either(Refused(("sign",), ("did you mean sin?",)), done("sign"))),
    line("run --activation rleu", refused("--activation", "did you mean relu")),
    line("run --activation gleu", refused("--activation", "did you mean gelu")),
    line("theory --activation swiglu", Refused(("--activation", PLURAL), ("did you mean silu",))),
    line("phase --activation swiglu", Refused(("--activation", PLURAL), ("did you mean silu",))),
    line("run --init xavier_norml", refused("--init", "did you mean xavier_normal")),
    line("run --init variance_scaling(1.0,fan_avg,normal)", refused("--init", "'normal' is no law")),
    line("run --init variance_scaling(-1)", refused("--init", "variance_scaling")),
    line("run --init he_normal(fan_avg)", Refused(("--init", "fan_avg", "fan_in"), ("not a number",))),
    line("run --init kaiming_uniform(b=2.236)", Refused(("--init", "b=2.236"), ("not a number",))),
    line("run --init truncated_normal(0,0.02,-2,2)", refused("--init", "truncated_normal(mean, std)")),
    line("run --init trunc_normal(0,0.02,1,2)", refused("--init", "standard deviations")),
]

ACTIVATIONS = [
    *option(
        "--activation",
        (
            "",
            " ",
            "relu(",
            "relu(1)",
            "relu)",
            "leaky_relu(nan)",
            "leaky_relu(inf)",
            "leaky_relu(1e31)",
            "leaky_relu(1,2)",
            "leaky_relu(x)",
            "\x00",
            "\ud800",
            "🙂",
            "r" * 100000,
            "relu,tanh",
            "['relu']",
            "__import__('os')",
            ":",
            "a:",
            ":a",
        ),
    ),
    *option("--activation", ("relu()", "ReLU", " relu ", "relu\n"), either("--activation", writes=("a.h5",))),
]

SCHEMES = [
    *option(
        "--init",
        (
            "",
            "normal",
            "normal(0)",
            "normal(0,1,2)",
            "normal(,)",
            "normal(0,,1)",
            "normal(0,1",
            "normal 0 1",
            "normal(0,-1)",
            "uniform(1,-1)",
            "constant()",
            "constant(nan)",
            "sparse(-1)",
            "sparse(1.5)",
            "sparse(1e9)",
            "sparse(2,-1)",
            "sparse_columns(-0.1)",
            "trunc_normal(0,1,2,2.001)",
            "orthogonal(inf)",
            "normal(0,1e309)",
            "normal(0,1;2)",
            "\ud800",
            "(0,1)",
            "he_normal(fan_in,x)",
            "n" * 100000,
        ),
    ),
    *option(
        "--bias",
        (
            "",
            "zeros(1)",
            "constant",
            "constant()",
            "normal(-1)",
            "uniform(2,1)",
            "gamma(1)",
            "constant(nan)",
            "uniform(-inf,inf)",
            "constant(1e309)",
            "\ud800",
            "normal(0,1)",
        ),
    ),
    line(f"run {SMALL} --bias normal(1) --bias-std 1", refused("--bias-std", "--bias")),
    line(f"run {SMALL} --weight-gain 1e308 --init normal(0,1e10)", refused("--weight-gain")),
]

CHOICES = [
    *option("--engine", ("", "dens", "cuda", "\ud800")),
    *option("--loss", ("", "crossentropy", "mean", "\x00")),
    *option("--probe", ("", "shard", "both")),
    *option("--arithmetic", ("", "float16", "bfloat16", "double")),
    *option("--stream", ("\ud800",)),
    *option("--stream", ("", "a\nb", "\x00", "🙂" * 10_000), either("--stream", writes=("a.h5",))),
    line(f"run {SMALL} --loss cross_entropy", refused("--loss", "--outputs")),
    line(f"run {SMALL} --loss mse --probe shared", refused("--probe")),
    line(f"run {SMALL} --target-file t.npy", refused("--target-file")),
    line(f"run {SMALL} --engine matrix_free --init he_uniform", refused("--engine")),
    line(f"run {SMALL} --engine matrix_free --arithmetic float32", refused("--engine")),
    line(f"run {SMALL} --inputs 3 --input-correlation -0.6", refused("--input-correlation")),
]

BESIDE = [
    *option("--fail-on", ("", ",", "vanish", "stable,,zero", "\x00", "\ud800", "s" * 100000)),
    *option(
        "--set", (*BAD_TEXTS, "=", "width", "depth=1\nwidth=2", "width=[", "width=\ud800", "width=1=2"), command="sweep classic"
    ),
    *option("--as", ("", "RMS", "\ud800"), command="show a.h5 --layers"),
    *option("--out", ("", "\x00", "a.xyz", "a.csv/b"), command="phase --points 2"),
    *option("--quantity", ("", "\x00", "\ud800", "loss"), refused("none.h5"), command="report none.h5"),
    line("sweep classic --set cells=3 --dry-run", refused("cells")),
    line("sweep classic --set defaults=[] --dry-run", refused("defaults")),
    line("sweep classic --set widht=3 --dry-run", refused("did you mean width")),
    line("show .", refused(".")),
    line("plot . .", refused(".")),
    line("report . .", refused(".")),
    line("report a.h5 --theory=no", refused("--theory")),
    line("plot a.h5 b.h5", refused("a.h5")),
]

# Small or large, but numbers: the exact exponents must go through to the sentence
EXTREMES = [
    line(f"run {SMALL} --weight-gain 1e-320", done("vanishing")),
    line(f"run {SMALL} --weight-gain -1e-320 --theory", done("vanishing")),
    line("advise --width 4 --depth 3 --init normal(1e300,0)", done("instead of normal(1e300,0)")),
    line(f"run {SMALL} --width 32 --weight-gain 1e308", done("exploding")),
    line(f"run {SMALL} --weight-gain -0.0", done("zero")),
    line(f"run {SMALL} --weight-gain 1e-400", either("--weight-gain", words=("zero",))),
    line(f"run {SMALL} --init normal(0,1e-320)", done("vanishing")),
    line(f"run {SMALL} --width 32 --init uniform(-1e308,1e308)", done("exploding")),
    line(f"run {SMALL} --init he_normal(fan_in,1e200)", refused("--init", "1e+200")),
    line(f"run {SMALL} --init constant(1e-320) --activation linear", done("vanishing", "e-")),
    line(f"run {SMALL} --width 32 --bias-std 1e308", done("stable")),
    line(f"run {SMALL} --width 32 --bias-std 1e-320", done("stable")),
    line(f"run {SMALL} --activation leaky_relu(-1e30)", done("exploding")),
    line("run --width 1 --depth 5 --replicas 1 --init constant(1e300) --activation linear", done("exploding", "1e+1200")),
    line("run --width 1 --depth 1 --replicas 1", done("relu")),
    line(f"run {SMALL} --inputs 2 --input-correlation 1", done("stable")),
    line(f"run {SMALL} --inputs 3 --input-correlation -0.5", done("stable")),
    line(f"run {SMALL} --weight-gain 1e-320 --out a.h5 --plot a.png", done("vanishing", writes=("a.h5", "a.png"))),
    line(f"run {SMALL} --weight-gain 1e308 --arithmetic float32 --plot a.png", done("non-finite", writes=("a.png",))),
    line(f"run {SMALL} --weight-gain 1e-320 --arithmetic float64 --plot a.png", done("zero", writes=("a.png",))),
]


def _json(folder, outcome):
    def no(constant):
        raise AssertionError(f"{constant} is no JSON")

    json.loads(outcome.out, parse_constant=no)


THEORY = [
    *option("--depth", ("0", "-1", "x"), command="theory --width 4"),
    *option("--width", ("0", "x", "65537"), command="theory --depth 3"),
    *option("--precision", ("", "x", "float17"), command="advise --width 4 --depth 3"),
    *option("--seconds", ("x", "-1", "nan", "inf"), command="advise --width 4 --depth 3"),
    *option("--out", ("", "a.xyz"), command="advise --width 4 --depth 3"),
    *option("--inputs", ("0", "-1", "x"), command="theory --depth 3"),
    *option("--input-correlation", ("2", "nan", "x"), command="theory --depth 3"),
    *option("--weight-gain", ("nan", "inf", "x"), command="theory --depth 3"),
    *option("--bias-std", ("nan", "-1"), command="theory --depth 3"),
    *option("--probe", ("x", ""), command="theory --depth 3"),
    *option("--bias-std", ("1e200", "1e-320"), either("--bias", words=("sigma_w",)), command="theory --depth 3"),
    line("theory --width 4 --depth 3 --weight-gain 1e-320", either("--weight-gain", words=())),
    line("theory --width 4 --depth 3 --weight-gain 1e308", either("--weight-gain", words=())),
    line("theory --width 4 --depth 3 --weight-gain 0 --json", Either(refused("--weight-gain"), done(check=_json))),
    line("theory --width 4 --depth 3 --init constant(1) --json", Either(refused("--init"), done(check=_json))),
    line("theory --width 1 --depth 1 --json", done(check=_json)),
    line("theory --width 4 --depth 3 --activation sigmoid --json", done(check=_json)),
]

PHASE = [
    *option("--points", ("0", "1", "1001", "-1", "x", "2.5"), command="phase -o p.png"),
    *option(
        "--weight-std",
        ("", "1", "1,", "2,1", "1,1", "a,b", "nan,1", "0,inf", "-1,1", "1,2,3", "1e-320,1", "1,1e308"),
        command="phase -o p.png",
    ),
    *option("--bias-std", ("", "1,0", "0,nan", "-1,0"), command="phase -o p.png"),
    *option("--out", ("p.txt", "", ".", "nowhere/p.png", "p"), command="phase --points 4"),
    *option("--activation", ("tahn", "", "no_such_module:f"), command="phase -o p.png"),
    *option("--simulated-points", ("0", "1", "x"), command="phase --simulate -o p.png"),
    *option("--width", ("0", "65537"), command="phase --simulate -o p.png"),
    *option("--depth", ("1", "0"), command="phase --simulate -o p.png"),
    *option("--replicas", ("0", "4294967297"), command="phase --simulate -o p.png"),
    *option("--seed", ("-1", "x"), command="phase --simulate -o p.png"),
]

OTHER_COMMANDS = [
    line("swep", refused("did you mean sweep")),
    line("", refused("command"), ""),
    line("--no-such", refused("--no-such")),
    line("run --dept 3", refused("--dept", "--depth")),
    line("run --depth", refused("--depth")),
    line("run extra", refused("extra")),
    line("run --points 3", refused("--points")),
    line("run --keep-samples=yes", refused("--keep-samples")),
    line("run -x a.h5", refused("-x")),
    line("sweep", refused("FILE")),
    line("sweep clasic", refused("clasic", "classic")),
    line("sweep nothing.toml", refused("nothing.toml")),
    line("sweep .", refused("'.'")),
    line("sweep", refused("sweep"), ""),
    line("sweep", refused("sweep"), "a\x00b.toml"),
    line("sweep classic --depth 3", refused("--depth")),
    line("sweep classic --threads 0", refused("--threads")),
    line("sweep classic other", refused("other")),
    line("plot", refused("FILE")),
    line("plot nothing.h5", refused("nothing.h5")),
    line("plot .", refused("'.'")),
    line("plot", refused(), ""),
    line("plot", refused(), "a\x00b.h5"),
    line("plot nothing.h5 --replicas 3", refused("--replicas")),
    line("list", refused("activations")),
    line("list activation", refused("did you mean activations")),
    line("list activations initializers", refused("initializers")),
    line("list activations --json", refused("--json")),
    line("list", refused("activations"), "\ud800"),
    line("compare", refused("two presets")),
    line("compare keras_default flax_default --init zeros", refused("--init", "keras_default")),
    line("compare keras_default gpt2", refused("--preset", "gpt2_mlp")),
    line("compare keras_default flax_default --stream a", refused("--stream")),
    line("code", refused("--for", "torch")),
    line("code --for torch --depth 10000000000", refused("--depth")),
    *option("--preset", BAD_TEXTS),
    line("warmup extra", refused("extra")),
    line("warmup --all extra", refused("extra")),
    line("warmup --seed 3", refused("--seed")),
    line("verify no_such_check", refused("no_such_check")),
    line("verify --seed -1", refused("--seed")),
    line("verify --seed x", refused("--seed")),
    line("verify --width 3", refused("--width")),
    line("verify relu", refused("--out"), "--out", "nowhere\x00"),
    line("theory --replicas 3", refused("--replicas")),
    line("theory --out a.h5", refused("--out")),
    line("phase --init he_normal", refused("--init")),
    line(f"run {SMALL} --depth 2 --depth 3", either("--depth", words=("relu",))),
    line(f"run {SMALL} --out a.h5 --out b.h5", either("--out", writes=("b.h5",))),
    line("run --help --depth x", done("Usage")),
    line("--help", done("Usage")),
    line("--version", done("gradsim")),
    line("verify --list", done("exact")),
]

INPUTS = [
    *NOT_NUMBERS,
    *SIZES_THAT_CANNOT_BE,
    *NAMES,
    *ACTIVATIONS,
    *SCHEMES,
    *CHOICES,
    *BESIDE,
    *EXTREMES,
    *THEORY,
    *PHASE,
    *OTHER_COMMANDS,
]
