"""Faults planted in presets and in code for frameworks: a fan, a bias or a factor that is another one's."""

from . import Fault

PRESETS, DATA, COMPARE, OPTIONS = "model/presets.py", "model/presets.toml", "cli/compare.py", "cli/options.py"
DRAWS, DRAFT, TORCH = (f"frameworks/{name}.py" for name in ("draws", "draft", "torch"))
IN_PRESETS, IN_CODE = "tests/test_presets.py::test_", "tests/frameworks/test_code.py::test_"
MEASURED, COMPUTED = f"{IN_PRESETS}laws_are_as_measured", f"{IN_CODE}what_is_computed_is_the_same"

FAULTS = {
    "a law without its gain": Fault(
        PRESETS, "product(self.fan_out, sizes), product(self.gain, sizes))", "product(self.fan_out, sizes))", tests=(MEASURED,)
    ),
    "packed matrices counted one by one": Fault(
        DATA,
        'parameter = "blocks.0.attn.qkv.weight"\ninit = "xavier_uniform"\nfan_in = "d"\nfan_out = "3 d"',
        'parameter = "blocks.0.attn.qkv.weight"\ninit = "xavier_uniform"\nfan_in = "d"\nfan_out = "d"',
        tests=(MEASURED,),
    ),
    "the last matrix like the first": Fault(
        PRESETS,
        "Linear(width, self.last, product(self.last_gain, sizes), self.bias)",
        "Linear(width, self.last, 1.0, self.bias)",
        tests=(f"{IN_PRESETS}the_last_matrix_of_gpt2_hangs_on_the_depth",),
    ),
    "epsilons of gradsim": Fault(
        PRESETS,
        "epsilon=part.epsilon / EPSILON * self.norms[name]",
        "epsilon=part.epsilon",
        tests=(f"{IN_PRESETS}norms_have_the_epsilons_of_the_framework",),
    ),
    "defaults that count as given": Fault(
        OPTIONS,
        "source(key) is not ParameterSource.DEFAULT",
        "source(key) is not None",
        tests=(f"{IN_PRESETS}run_and_theory_take_a_preset",),
    ),
    "compare: random numbers of their own": Fault(
        COMPARE, 'given | {"stream": STREAM}', "given", tests=(f"{IN_PRESETS}compare_puts_presets_side_by_side",)
    ),
    "code: a cut normal that is not widened": Fault(
        DRAWS, 'f" / {TRUNCATED_STD!r}"', '""', tests=(f"{IN_CODE}formulas_are_the_laws",)
    ),
    "code: a branch without its scale": Fault(
        TORCH, "return self.skip(x) + self.scale * self.branch(x)", "return self.skip(x) + self.branch(x)", tests=(COMPUTED,)
    ),
    "code: a first block of another width in the loop": Fault(
        DRAFT, "if times > 1 and behind != width:", "if times > 1 and behind < 0:", tests=(COMPUTED,)
    ),
    "code: activations of users unsaid": Fault(
        DRAFT, "for name in _users(self.network):", "for name in ():", tests=(f"{IN_CODE}what_cannot_be_said_is_named",)
    ),
}
