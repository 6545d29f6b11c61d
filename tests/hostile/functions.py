"""Users' functions that raise, loop, lie about their derivative, or are not what their name says."""

from dataclasses import replace

from .truths import Either, Input, Refused, done, either, refused

RUN = ("run", "--width", "4", "--depth", "3", "--replicas", "8", "--out", "a.h5")
ONE = "def f_derivative(h):\n    return 1.0\n"
_COUNT = iter(range(1000))  # a module's name of its own for each: Python imports a name once


def function(note, code, truth, text=None, more=(), command=RUN, file=None, **rest):
    """A run with `code` as a module, and its f as the activation."""
    module = f"hostile_{next(_COUNT)}"
    text = (text or "MODULE:f").replace("MODULE", module)

    def words(items):
        return tuple(words(i) if isinstance(i, tuple) else i.replace("MODULE", module) for i in items)

    def named(t):
        if isinstance(t, Either):
            return Either(named(t.refused), named(t.done))
        return replace(t, words=words(t.words))

    def prepare(folder):
        content = code if isinstance(code, bytes) else code.encode()
        (folder / (file or f"{module}.py")).write_bytes(content)

    return Input(f"function {note}", named(truth), (*command, "--activation", text, *more), prepare=prepare, **rest)


def body(*lines, derivative=ONE):
    return "import math\nimport numpy as np\ndef f(h):\n" + "".join(f"    {line}\n" for line in lines) + derivative


def beyond(test, then="raise ValueError('too large')"):
    return body(f"if {test}:", f"    {then}", "return h")


RAISED = ("ValueError", "too large", "raise")
RAISES = [
    function("raises beyond 30", beyond("h > 30"), refused("MODULE:f", RAISED)),
    function("raises beyond 1e20", beyond("h > 1e20"), Either(refused("MODULE:f", RAISED), done(writes=("a.h5",)))),
    function("raises below -5", beyond("h < -5"), refused("MODULE:f", RAISED)),
    function("raises at 0", beyond("h == 0"), refused("MODULE:f", RAISED)),
    function("raises everywhere", body("raise ValueError('too large')", "return h"), refused("MODULE:f")),
    function("an assertion fails", body("assert h < 10", "return h"), refused("MODULE:f", ("AssertionError", "raise", "10"))),
    function("a list's end", body("x = [1.0, 2.0]", "return h * x[1 if h < 3 else 5]"), either("MODULE:f", writes=("a.h5",))),
    function(
        "the derivative raises",
        body(
            "return h",
            derivative="def f_derivative(h):\n    if h > 30:\n        raise ValueError('too large')\n    return 1.0\n",
        ),
        refused("MODULE:f", RAISED),
    ),
]

FOR_EVER = "while h > -1e9: h = h * 0.5 + 1.0"
# A loop inside a compiled function cannot be stopped: the thread that is in it ends with its process
ALONE = {"settings": {"alone": True}}
LOOPS = [
    function("loops beyond 10", beyond("h > 10", FOR_EVER), refused("MODULE:f"), **ALONE),
    function("loops beyond 30", beyond("h > 30", FOR_EVER), refused("MODULE:f"), **ALONE),
    function("loops at 0", beyond("h == 0", FOR_EVER), refused("MODULE:f"), **ALONE),
    function(
        "loops everywhere",
        body("while True:", "    h += 1.0", "    if h < -1e9:", "        break", "return h"),
        refused("MODULE:f"),
        **ALONE,
    ),
]

SQUARE = "def f_derivative(h):\n    return 2 * h\n"
VALUES = [
    function("gives a text", body("return 'x'"), refused("MODULE:f")),
    function("gives None", body("pass"), refused("MODULE:f")),
    function("gives a complex number", body("return h + 1j"), refused("MODULE:f")),
    function("gives a pair", body("return h, h"), refused("MODULE:f")),
    function("gives an array", body("return np.zeros(3)"), refused("MODULE:f")),
    function("gives NaN at 5", body("return h if abs(h - 5) > 3 else math.nan"), refused("MODULE:f", "finite")),
    function(
        "is infinite at 0",
        body("return 1 / h", derivative="def f_derivative(h):\n    return -1 / h**2\n"),
        either("MODULE:f", writes=("a.h5",)),
    ),
    function(
        "has a logarithm",
        body("return np.log(h)", derivative="def f_derivative(h):\n    return 1 / h\n"),
        refused("MODULE:f", "finite"),
    ),
    function(
        "grows without bound", body("return h * h", derivative=SQUARE), done("MODULE", writes=("a.h5",)), more=("--depth", "2")
    ),
    function("another derivative", body("return h * h"), refused("MODULE:f", "derivative")),
    function(
        "the opposite derivative",
        body("return h * h", derivative="def f_derivative(h):\n    return -2 * h\n"),
        refused("MODULE:f", "derivative"),
    ),
    function(
        "a derivative 0.2 % off",
        body("return h * h", derivative="def f_derivative(h):\n    return 2.004 * h\n"),
        refused("MODULE:f", "derivative"),
    ),
    function(
        "overflows",
        body("return np.log(1 + np.exp(h))", derivative="def f_derivative(h):\n    return 1 / (1 + np.exp(-h))\n"),
        done("h =", writes=("a.h5",)),
        more=("--weight-gain", "40", "--depth", "40", "--width", "64"),
    ),
]

MODULES = [
    function("without its derivative", "def f(h):\n    return h\n", refused("MODULE:f", "f_derivative")),
    function("that is not there", "def g(h):\n    return h\n", refused("MODULE", "'f'")),
    function("that is a number", "f = 3\n" + ONE, refused("MODULE:f")),
    function("that is None", "f = None\n" + ONE, refused("MODULE", "f")),
    function("that is a class", "class f:\n    pass\n" + ONE, refused("MODULE:f")),
    function("of two numbers", "def f(h, a):\n    return h\n" + ONE, refused("MODULE:f")),
    function("of nothing", "def f():\n    return 1.0\n" + ONE, refused("MODULE:f")),
    function("that numba cannot compile", body("return float(str(h))"), refused("MODULE:f", "Numba")),
    function("whose derivative is a number", "def f(h):\n    return h\nf_derivative = 1.0\n", refused("MODULE:f")),
    function("whose kinks are a text", body("return h") + "f_kinks = 'abc'\n", refused("MODULE:f", "kinks")),
    function("whose kinks are NaN", body("return h") + "f_kinks = [float('nan')]\n", refused("MODULE:f", "kinks")),
    function("in a module that raises", "raise RuntimeError('two\\nlines')\n", refused("MODULE", "RuntimeError")),
    function("in a module that is no Python", "def f(h:\n", refused("MODULE", "SyntaxError")),
    function("in a module that is not UTF-8", b"x = '\xff'\n", refused("MODULE")),
    function("in a module with NUL", b"x = 1\0\n", refused("MODULE")),
    function("in a module that exits", "import sys\nsys.exit(0)\n", refused("MODULE")),
    function("in a module that is interrupted", "raise KeyboardInterrupt\n", Either(Refused(code=130), done())),
    function("in a module that needs another", "import no_such_module_at_all\n", refused("no_such_module_at_all")),
    function("in a module that calls itself", "def g():\n    g()\ng()\n", refused("MODULE", "Recursion")),
    function("in an empty module", "", refused("MODULE", "'f'")),
]

GOOD = body("return h")
TEXTS = [
    function("without a name", GOOD, refused("MODULE"), "MODULE:"),
    function("without a module", GOOD, refused(":f"), ":f"),
    function("with two colons", GOOD, refused("MODULE"), "MODULE:f:g"),
    function("with a dot", GOOD, refused("MODULE"), "MODULE:f.g"),
    function("called", GOOD, refused("MODULE"), "MODULE:f()"),
    function("of a file", GOOD, refused("MODULE.py"), "MODULE.py:f"),
    function("of a path", GOOD, refused("MODULE"), "./MODULE:f"),
    function("of a folder above", GOOD, refused("MODULE"), "../MODULE:f"),
    function("of a private name", GOOD, refused("__name__"), "MODULE:__name__"),
    function("of Python's", GOOD, refused("math:sin"), "math:sin"),
    function("of the system", GOOD, refused("os:getcwd"), "os:getcwd"),
    function("with NUL", GOOD, refused("--activation"), "MODULE\0:f"),
    function("with a surrogate", GOOD, refused("--activation"), "\ud800:f"),
    function(
        "shadowed by the library",
        GOOD,
        refused("json", ("json.py", "already", "another", "shadow")),
        "json:f",
        file="json.py",
    ),
    function(
        "shadowed by gradsim",
        GOOD,
        refused("gradsim", ("gradsim.py", "already", "another", "shadow")),
        "gradsim:f",
        file="gradsim.py",
    ),
    function("with letters", GOOD + "é, é_derivative = f, f_derivative\n", done(writes=("a.h5",)), "MODULE:é"),
    function("good", GOOD, done(writes=("a.h5",))),
    function(
        "good, with theory", GOOD, done("Theory", writes=("a.png",)), more=("--theory", "--plot", "a.png"), command=RUN[:-2]
    ),
    function(
        "in theory, raising", beyond("h > 30"), refused("MODULE:f", RAISED), command=("theory", "--width", "4", "--depth", "3")
    ),
    function("in a phase diagram, raising", beyond("h > 30"), refused("MODULE:f", RAISED), command=("phase", "--points", "3")),
]

INPUTS = [*RAISES, *LOOPS, *VALUES, *MODULES, *TEXTS]
