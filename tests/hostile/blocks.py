"""Networks with blocks that cannot be: on the command line, in grids and in Python."""

from .command_lines import BAD_TEXTS, SIZES, SMALL, line, option
from .grids import NO_NUMBER, NO_TEXT, NO_WHOLE, grid, values
from .python_calls import calls
from .truths import done, refused

COMMANDS = [
    *option("--block", (*BAD_TEXTS, "prenorm", "residual,plain")),
    *option("--norm", (*BAD_TEXTS, "layernorm", "batch2")),
    *option("--block-depth", (*BAD_TEXTS, "0", "-1", "1.5"), command=f"run {SMALL} --block pre_norm"),
    *option("--block-depth", ("2",)),
    *option("--residual-scale", (*BAD_TEXTS, "inf", "1/sqrt(l)"), command=f"run {SMALL} --block residual"),
    *option("--residual-scale", ("1", "zero")),
    *option("--dropout", (*BAD_TEXTS, "1", "-0.1", "1.5", "inf")),
    *option("--first-init", ("", "x", "normal", "\ud800")),
    *option("--first-init", ("normal(0,-1)",), refused("needs std >= 0")),
    *option("--last-init", ("", "x", "normal")),
    *option("--last-init", ("normal(0,-1)",), refused("needs std >= 0")),
    *option("--last-gain", (*BAD_TEXTS, "inf")),
    *option("--last-activation", ("", "x", "relu(1)", "no_such_module:f")),
    *option("--layers", (*BAD_TEXTS, "[]", "3", "[3]", "[{}]", "[" * 5000, '[{part="Foo"}]', '[{part="Linear",wdith=3}]')),
    line(f"run {SMALL} --block pre_norm --norm none", refused("--norm", "layer, rms, batch")),
    line(f"run {SMALL} --block residual --norm layer", refused("--norm", "--final-norm")),
    line(f"run {SMALL} --block fixup --block-depth 1", refused("--block-depth", "2 or more")),
    line(f"run {SMALL} --block rezero --residual-scale 2", refused("--residual-scale", "a scale of its own")),
    line(f"run {SMALL} --norm batch", refused("--inputs", "2 or more")),
    line(f"run {SMALL} --block resnet_v2", refused("--inputs", "2 or more")),
    line(f"run {SMALL} --norm batch --inputs 2", done("batch norm of 2 inputs: every unit becomes -1 and 1")),
    line(f"run {SMALL} --norm batch --inputs 3", done("batch norm of 3 inputs: the mean square of gradients is infinite")),
    line(f"run {SMALL} --block pre_norm --arithmetic float32", refused("--arithmetic", "plain networks")),
    line(f"run {SMALL} --norm layer --arithmetic float64", refused("--arithmetic", "plain networks")),
    line("run --block pre_norm --width 4 --depth 100000000", refused("--depth", SIZES)),
    line("run --block pre_norm --width 4 --depth 10 --block-depth 100000000", refused("--depth", SIZES)),
]
GRIDS = [
    *values("block", *NO_TEXT, "'no'", "['plain', 'no']"),
    *values("norm", *NO_TEXT, "'no'"),
    *values("block_depth", *NO_WHOLE, "0"),
    *values("residual_scale", "true", "'x'", "1979-05-27", "{a = 1}", "[[1]]", "inf", "1", "[1, 2]"),
    *values("dropout", *NO_NUMBER, "1", "[0.5, 1.0]"),
    *values("final_norm", "1", "'true'", "{a = 1}"),
    *values("first_init", *NO_TEXT, "'no'"),
    *values("last_init", *NO_TEXT, "'no'"),
    *values("last_gain", *NO_NUMBER),
    *values("last_activation", *NO_TEXT, "'no'"),
    grid("layers = 3", refused("layers")),
    grid("layers = [{part = 'Linear', width = 4}]\ndepth = 3", refused("depth", "layers")),
    grid("layers = [{part = 'Residual'}]\ninput_width = 4", refused("layers", "parts is not given")),
    grid("layers = [[{part = 'Linear'}], []]\ninput_width = 4", refused("layers")),
    grid("cells = 3", refused("cells", "[[cells]]")),
    grid("cells = []", refused("cells", "[[cells]]")),
    grid("[cells]\nwidth = 4", refused("cells", "[[cells]]")),
    grid("[[cells]]\nwidht = 4", refused("widht", "did you mean width")),
    grid("[[cells]]\n[[cells.cells]]\nwidth = 4", refused("cells")),
    grid("width = 4\n[[cells]]\nwidth = 0", refused("width")),
    grid("width = 4\n[[cells]]\ninput_file = 'nothing.npy'", refused("input_file")),
    grid("width = 4\n[[cells]]\ninput_file = 'grid.toml'", refused("grid.toml")),
    grid(
        f"width = 4\nseed = {list(range(1000))}\n" + "[[cells]]\ndepth = 2\n" * 101, refused("101 tables of cells", "at most")
    ),
]
PYTHON = [
    *calls("gradsim.mlp(width=4, depth=2, block={})", "3", "None", "b'plain'", "Silent()", "['plain']", words=("block",)),
    *calls("gradsim.mlp(width=4, depth=2, dropout={})", "1", "'x'", "True", "float('nan')", "Silent()", words=("dropout",)),
    *calls("gradsim.mlp(width=4, depth=2, final_norm={})", "1", "'yes'", "None", words=("final_norm",)),
    *calls("gradsim.mlp(layers={})", "3", "[]", "[3]", "[{}]", "Silent()", "[gradsim.Linear]", words=("layers",)),
    *calls("gradsim.network({})", "3", "[]", "[3]", "None", "'relu'", "[gradsim.Linear]", "[Silent()]", words=("network",)),
    *calls("gradsim.network([gradsim.Activation('relu')], 4){}", "", words=("no linear map",)),
    *calls("gradsim.network([gradsim.Linear()]){}", "", words=("input_width",)),
    *calls("gradsim.network([gradsim.Linear(4)], {})", "0", "'x'", "2.5", "Silent()", words=("input_width",)),
    *calls("gradsim.Residual({})", "[]", "3", "[3]", "None", "[gradsim.Linear]", "Silent()", words=("Residual",)),
    *calls("gradsim.Residual(gradsim.Linear(4), {})", "'x'", "float('inf')", "skip=3", "skip=Silent()", words=("Residual",)),
    *calls("gradsim.network([gradsim.Residual(gradsim.Linear(3))], 4){}", "", words=("4 units go in", "projection")),
    *calls("gradsim.Repeat({})", "[], 3", "gradsim.Linear(3), 0", "gradsim.Linear(3), 'x'", "3, 3", words=("Repeat",)),
    *calls("gradsim.network(gradsim.Repeat(gradsim.Linear(3), 10**9), 3){}", "", words=(SIZES,)),
    *calls("gradsim.Dropout({})", "1", "-0.1", "'x'", "True", "None", "float('nan')", words=("Dropout",)),
    *calls("gradsim.LayerNorm({})", "-1", "'x'", "float('inf')", "None", words=("LayerNorm", "epsilon")),
    *calls("gradsim.Linear({})", "0", "'x'", "2.5", "True", "gain='x'", "gain=float('nan')", words=("Linear",)),
    *calls("gradsim.simulate(gradsim.mlp(width=4, depth=2, norm='batch'), 4){}", "", words=("inputs", "2 or more")),
    *calls(
        "gradsim.simulate(gradsim.mlp(width=4, depth=2, block='residual'), 4, arithmetic={})",
        "'float32'",
        "'float64'",
        words=("arithmetic", "plain networks"),
    ),
]
INPUTS = [*COMMANDS, *GRIDS, *PYTHON]
