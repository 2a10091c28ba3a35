"""No code comes out of a checkpoint or a data set, and no shell is started."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOMS = ("benchmarks", "data", "experiments", "models", "optimizers", "tpu")
PACKAGE = sorted([*ROOT.glob("*.py"), *(p for room in ROOMS for p in (ROOT / room).rglob("*.py"))])

# They make objects, and so run code, out of bytes.
UNPICKLERS = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
NAMES = {"eval", "exec", "__import__"}
ATTRIBUTES = {
    ("os", "system"), ("os", "popen"), ("yaml", "load"), ("yaml", "unsafe_load"),
    ("subprocess", "getoutput"), ("subprocess", "getstatusoutput"),
    # A Keras file may hold Lambda layers: code.
    ("models", "load_model"), ("keras", "load_model"),
}  # fmt: skip
PROCESSES = {"run", "Popen", "call", "check_call", "check_output"}


def owner(function):
    """a.b.c -> b; "" for a bare name."""
    value = function.value
    return value.attr if isinstance(value, ast.Attribute) else getattr(value, "id", "")


def dangers(tree):
    """Yields (line, what) of all that could run what it reads."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            named = [alias.name for alias in node.names]
            named += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in named:
                if name.split(".")[0] in UNPICKLERS:
                    yield node.lineno, f"imports {name}"
        if not isinstance(node, ast.Call):
            continue
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        if isinstance(node.func, ast.Name) and node.func.id in NAMES:
            yield node.lineno, f"calls {node.func.id}"
        for option in ("shell", "allow_pickle"):
            if option in given and getattr(given[option], "value", None) is not False:
                yield node.lineno, f"gives {option}"
        if not isinstance(node.func, ast.Attribute):
            continue
        called = owner(node.func), node.func.attr
        if called in ATTRIBUTES:
            yield node.lineno, f"calls {'.'.join(called)}"
        if called in (("np", "load"), ("numpy", "load")) and "allow_pickle" not in given:
            yield node.lineno, "np.load does not say allow_pickle=False"
        if called[0] == "subprocess" and called[1] in PROCESSES and node.args:
            if isinstance(node.args[0], (ast.Constant, ast.JoinedStr, ast.BinOp)):
                yield node.lineno, "a command that is no list of arguments"


def test_the_package_runs_nothing_that_it_reads_and_starts_no_shell():
    found = [
        f"{path.relative_to(ROOT)}:{line} {what}"
        for path in PACKAGE
        for line, what in dangers(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert len(PACKAGE) > 100 and not found, found


@pytest.mark.parametrize(
    "code",
    [
        "import pickle", "from joblib import load", "eval(text)", "exec(text)",
        "subprocess.run(x, shell=True)", "subprocess.run(f'rm {x}')", "os.system(x)",
        "np.load(path)", "np.load(path, allow_pickle=True)", "yaml.load(x)",
        "tf.keras.models.load_model(x)",
    ],
)  # fmt: skip
def test_the_search_finds_what_it_looks_for(code):
    assert list(dangers(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    ["re.compile(x)", "np.load(p, allow_pickle=False)", "subprocess.run([a], shell=False)",
     "model.eval()", "json.load(x)"],
)  # fmt: skip
def test_and_nothing_else(code):
    assert not list(dangers(ast.parse(code)))
