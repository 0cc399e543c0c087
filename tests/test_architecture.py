"""Imports run downward only, and `import fastsgd` brings in neither scikit-learn nor scipy."""

import ast
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import fastsgd
import make_map
from fastsgd import FastMLPClassifier, FastMLPRegressor, FastSGDClassifier

PACKAGE = Path(fastsgd.__file__).parent
LAYERS = {
    **dict.fromkeys([
        "kernels", "_compat", "_cores", "_start", "_interrupts", "_renamed", "_warn"], 1),
    **dict.fromkeys([
        "losses", "duals", "penalties", "schedules", "optimizers", "_registry", "_integers",
        "_random", "_constraints", "communicators",
        "weighting", "errors", "data",
        "output_file", "output_target", "pipeline", "probability", "reference", "solvers",
        "tensor_file", "workers"], 2),
    "comm": 3,
    "engine": 4,
    "plan": 5,
    **dict.fromkeys(["models", "model_file", "checkpoints"], 6),
    "estimators": 7,
    "cli": 8,
    "fastsgd": 9,
}


def layer_of(module):
    """The layer of a dotted module name of the package; an unknown room is an error."""
    parts = module.split(".")
    if parts[1:] == ["__version__"]:
        return 0
    if len(parts) == 2 and parts[1] in fastsgd._HOME:  # a public name stands for its home
        return layer_of(fastsgd._HOME[parts[1]])
    return LAYERS[parts[1] if len(parts) > 1 else "fastsgd"]


def name_of(path):
    """fastsgd.engine.linear.sgd of src/fastsgd/engine/linear/sgd.py."""
    parts = ("fastsgd", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path):
    """The fastsgd modules that a .py, .pyx or .pxd file imports, also by their names as text."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return re.findall(r"^\s*(?:from|c?import)\s+(fastsgd[\w.]*)", text, re.MULTILINE)
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            below = [f"{node.module}.{alias.name}" for alias in node.names]
            found += below if node.module == "fastsgd" else [node.module]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):  # for import_module
            found += re.findall(r"^(fastsgd(?:\.\w+)+)(?::\w+)?$", node.value)
    return [name for name in found if name.split(".")[0] == "fastsgd"]


SOURCES = sorted(p for p in PACKAGE.rglob("*") if p.suffix in (".py", ".pyx", ".pxd"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downward(path):
    """A file imports from its own layer or from those below."""
    above = [m for m in imports_of(path) if layer_of(m) > layer_of(name_of(path))]
    assert not above


@pytest.mark.parametrize("family", ["linear", "mlp"])
def test_families_know_nothing_of_each_other(family):
    """Linear models and networks share what lies above their folders, and nothing else."""
    other = {"linear": "mlp", "mlp": "linear"}[family]
    for path in SOURCES:
        if family in path.relative_to(PACKAGE).parts:
            assert not [m for m in imports_of(path) if other in m.split(".")], path


def test_plans_know_nothing_of_each_other():
    """What both have lies in other files of the folder."""
    for path in (PACKAGE / "plan").glob("*.py"):
        for family, other in (("linear", "mlp"), ("mlp", "linear")):
            if path.stem.startswith(family):
                assert not [m for m in imports_of(path)
                            for part in m.split(".") if part.startswith(other)], path


READ_AFTER_THE_PLAN = {
    "base.py": {"random_state",
                "activation", "loss",  # of predictions
                "solver"},  # whether there is `partial_fit`
    "classification.py": {"loss"}, "regression.py": {"loss"}, "report.py": {"verbose"},
    "resume.py": {"max_iter"},  # for the plan
}


def test_models_of_networks_ask_the_plan():
    """Parameters are read where a plan is made, and nowhere else in a call that trains."""
    names = set(FastMLPClassifier().get_params()) | set(FastMLPRegressor().get_params())
    for path in (PACKAGE / "models" / "mlp").glob("*.py"):
        tree, told = ast.parse(path.read_text(encoding="utf-8")), set()
        for node in ast.walk(tree):
            if (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
                    and isinstance(node.value, ast.Name)
                    and node.value.id in ("self", "model", "estimator")):
                told.add(node.attr)
        if path.name != "file.py":
            assert told & names == READ_AFTER_THE_PLAN.get(path.name, set()), path


def test_one_place_knows_which_solver_of_networks_takes_all_rows():
    """Others ask `sums_all_rows`, or a plan's `by_sums`."""
    for path in SOURCES:
        folder = path.relative_to(PACKAGE).parts
        if folder[0] in ("plan", "models", "estimators", "cli") and "linear" not in folder:
            found = re.findall(r'[!=]= "lbfgs"', path.read_text(encoding="utf-8"))
            assert len(found) == (path.name == "mlp_rules.py"), path


@pytest.mark.parametrize("folder", ["comm", "data", "engine"])
def test_what_is_below_plans_is_not_told_estimators(folder):
    """No parameter is called `estimator`: plans are the only way down."""
    for path in (PACKAGE / folder).rglob("*.py"):
        found = [node.lineno for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                 if isinstance(node, ast.arg) and node.arg == "estimator"]
        assert not found, path


@pytest.mark.filterwarnings("ignore:.*aximum .*iteration")
@pytest.mark.parametrize(("kind", "options", "most"), [
    (FastSGDClassifier, {}, {"calls": 223, "files": 30, "switches": 108}),
    # two Newton iterations, and the proof of their gap
    (FastSGDClassifier, {"solver": "auto", "loss": "log_loss", "tol": 1.0}, {"calls": 867}),
    (FastMLPClassifier, {"hidden_layer_sizes": (4,)}, {"calls": 377, "files": 45}),
])
def test_the_way_of_a_fit(kind, options, most):
    """How many Python calls a small fit makes, in how many of our files, and one plan."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 5))
    y = (X[:, 0] > 0).astype(int)
    model = kind(max_iter=2, random_state=0, **options).fit(X, y)
    calls = []

    def note(frame, event, arg):
        file = Path(frame.f_code.co_filename)
        if event == "call" and file.is_relative_to(PACKAGE):
            calls.append((file, frame.f_code.co_qualname))

    sys.setprofile(note)
    try:
        model.fit(X, y)
    finally:
        sys.setprofile(None)
    files = [file for file, _ in calls]
    found = {"calls": len(calls), "files": len(set(files)),
             "switches": sum(a != b for a, b in pairwise(files))}
    assert {name: found[name] for name in most if found[name] > most[name]} == {}
    assert [name for _, name in calls].count("Plan.of") == 1


def test_map_is_what_its_program_prints():
    """Every source file is on docs/map.md once, with its own first sentence."""
    text = make_map.page()
    assert make_map.PAGE.read_text(encoding="utf-8") == text
    files = [path for path in PACKAGE.rglob("*") if path.suffix in make_map.SUFFIXES]
    shown = re.findall(r"\(\.\./src/fastsgd/([^)]*)\)", text)
    assert sorted(shown) == sorted(path.relative_to(PACKAGE).as_posix() for path in files
                                   if path.name != "__init__.py")


def next_files(path):
    """Files that a file imports, cimports or includes; through the .inc files that list kinds."""
    text = path.read_text(encoding="utf-8")
    if path.suffix in (".py", ".pyx", ".pxd"):
        found = {PACKAGE.joinpath(*name.split(".")[1:]).with_suffix(suffix)
                 for name in imports_of(path) for suffix in (".py", ".pyx", ".pxd")}
        return found | {PACKAGE / "include" / name
                        for name in re.findall(r'cdef extern from "(.*?)"', text)}
    found = {path.parent / name for name in re.findall(r'(?:include|FSGD_BY_\w+) "(.*?)"', text)}
    return found.union(*(next_files(each) for each in found if each.suffix == ".inc"))


def test_the_reading_path():
    """Each arrow of docs/architecture.md is an import, and the whole can be read at one go."""
    text = make_map.PAGE.with_name("architecture.md").read_text(encoding="utf-8")
    text = text[text.index("Then follow `fit`"):text.index("`base.py` has")]
    path = [PACKAGE / name for name in re.findall(r"\(\.\./src/fastsgd/([^)]*)\)", text)]
    assert text.count("→") == len(path) - 1 > 5
    for here, there in pairwise(path):
        assert there in next_files(here), f"{here} does not lead to {there}"
    assert sum(len(each.read_text(encoding="utf-8").splitlines()) for each in path) <= 1600


def test_headers_know_no_python():
    """The C headers hold what one coordinate or sample does: no Python, no allocation."""
    for path in (PACKAGE / "include").iterdir():
        assert not re.search(r"Python\.h|\bmalloc\b|\bPy_?[A-Z]", path.read_text()), path


@pytest.mark.parametrize(
    ("module", "absent"),
    [("fastsgd", ["sklearn", "scipy", "joblib", "numpy"]),
     ("fastsgd.errors", ["sklearn", "scipy"]),
     ("fastsgd.comm.base", ["sklearn", "scipy", "joblib", "multiprocessing"]),
     ("fastsgd.comm.mpi", ["sklearn", "scipy", "joblib", "mpi4py"]),
     ("fastsgd.workers", ["sklearn", "scipy", "numpy"]),
     ("fastsgd.engine.mlp.rank_task", ["sklearn", "scipy.optimize", "joblib"]),
     ("fastsgd.engine.linear.rank_task", ["sklearn", "scipy.optimize", "joblib"]),
     ("fastsgd.losses", ["sklearn"]),
     ("fastsgd.cli.train", ["sklearn", "pandas", "scipy.stats", "joblib"]),
     ("fastsgd.cli.predict", ["sklearn", "pandas", "scipy.stats", "joblib"]),
     ("fastsgd.cli.evaluate", ["sklearn", "pandas", "scipy.stats", "joblib"]),
     ("fastsgd.model_file", ["sklearn", "pandas", "scipy.stats", "joblib"]),
     ("fastsgd.engine.linear.sgd", ["sklearn"])],
)
def test_import_is_light(module, absent):
    """A fresh interpreter that imports a module has not loaded these packages."""
    code = f"import sys, {module}; print(*[m for m in {absent} if m in sys.modules])"
    found = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert found.split() == []


def test_public_names():
    """`dir` lists the public names; another name is answered with them."""
    assert set(fastsgd.__all__) <= set(dir(fastsgd))
    with pytest.raises(AttributeError, match="FastSGDClassifier"):
        _ = fastsgd.FastSgd


def test_stop_reasons_are_assigned_in_one_file():
    """Training loops tell `Run` what happened, and it says why the training ended."""
    for path in SOURCES:
        if path.is_relative_to(PACKAGE / "engine") and path.name != "run.py":
            found = re.search(r"stopped_by\s*=[^=]", path.read_text(encoding="utf-8"))
            assert not found, f"{path}: {found[0]}"


def alpha_products(source):
    """Products, as text, of which a factor is called alpha.

    The pattern: ``a * b`` or ``a *= b`` where a factor, but for brackets, a call of ``float`` and
    a sign, ends with the name, the attribute or the key "alpha". Quotients such as
    ``1 / alpha`` are none, nor is text.
    """
    def is_alpha(node):
        if isinstance(node, ast.UnaryOp):
            return is_alpha(node.operand)
        if isinstance(node, ast.Call):
            return ast.unparse(node.func) == "float" and any(map(is_alpha, node.args))
        if isinstance(node, ast.Subscript):
            return ast.unparse(node.slice) == "'alpha'"
        return getattr(node, "id", getattr(node, "attr", "")).endswith("alpha")

    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            factors = node.left, node.right
        elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Mult):
            factors = node.target, node.value
        else:
            continue
        if any(map(is_alpha, factors)):
            yield ast.unparse(node)


def test_alpha_is_multiplied_in_one_file():
    """Penalties weigh themselves; all others ask them for l1, l2, value and prox."""
    odd = "settings.alpha * w; -p.alpha * v; x * float(alpha); s / (n * self.alpha); a *= alpha"
    assert len(list(alpha_products(odd))) == 5
    assert not list(alpha_products("1 / alpha; alpha / n; n * p.weigh(v); l1 * w; d['alpha']"))
    for folder in ("engine", "plan", "models", "cli"):
        for path in (PACKAGE / folder).rglob("*.py"):
            assert not list(alpha_products(path.read_text(encoding="utf-8"))), path
    assert list(alpha_products((PACKAGE / "penalties.py").read_text(encoding="utf-8")))


def test_docstrings_begin_with_a_noun_or_a_verb():
    """None begins with a word that makes the reader guess what the sentence is about."""
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        found = re.findall(r'"""((?:Of|That|Those|What|In|As)\b[^\n]*)', text)
        assert not found, f"{path}: {found}"


def test_scikit_learn_is_the_estimators_affair():
    """Nothing but the estimators imports scikit-learn or pandas; `_compat` asks which it is."""
    for path in SOURCES:
        folder = path.relative_to(PACKAGE).parts[0]
        if folder not in ("estimators", "_compat.py"):
            found = re.findall(r"^\s*(?:from|import) (?:sklearn|pandas)\b.*",
                               path.read_text(encoding="utf-8"), re.MULTILINE)
            assert not found, f"{path}: {found}"


MANY_PARAMETERS = {
    "engine/linear/batch.py: __call__": 12, "engine/linear/classes.py: train_classes": 14,
    "engine/linear/interior.py: train_interior": 12, "engine/linear/local.py: train_local": 12,
    "engine/linear/polish.py: certificate": 10, "engine/linear/sdca.py: train_sdca": 13,
    "engine/linear/sgd.py: train": 11, "engine/mlp/loop.py: train": 9,
}
"""Functions with more than eight parameters. The list may only get shorter."""


def test_functions_have_few_parameters():
    """At most eight, outside the models' own and the command line's."""
    found = {}
    for path in SOURCES:
        folder = path.relative_to(PACKAGE).parts[0]
        if path.suffix != ".py" or folder == "cli":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef) or (
                    node.name == "__init__" and folder == "models"):
                continue
            given = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            count = len([one for one in given if one.arg not in ("self", "cls")])
            if count > 8:
                found[f"{path.relative_to(PACKAGE).as_posix()}: {node.name}"] = count
    assert found == MANY_PARAMETERS


def private_names(folder):
    """Names with an underscore that functions and methods of a folder have."""
    return {node.name for path in folder.rglob("*.py")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.FunctionDef) and re.match("_[^_]", node.name)}


def test_a_private_name_means_one_thing_in_both_families_of_models():
    """These do; a name of the other family is not taken for something else."""
    both = private_names(PACKAGE / "models" / "linear") & private_names(PACKAGE / "models" / "mlp")
    assert both == {"_check_Xy", "_put_state", "_split"}


SAME_NAME = {
    "errors", "workers", "solvers", "outputs", "progress", "base", "scores", "report",
    "intercept",
}
"""Names of files that more than the two families have. The list may only get shorter."""


def test_a_name_stands_for_one_file():
    """But for pairs of the two families, and the list of exceptions."""
    homes = {}
    for path in SOURCES:
        if path.suffix == ".py" and not path.stem.startswith("__"):
            homes.setdefault(path.stem, []).append(path.relative_to(PACKAGE))
    pairs = [{Path(top, "linear"), Path(top, "mlp")} for top in ("engine", "models", "estimators")]
    several = {name for name, paths in homes.items()
               if len(paths) > 1 and {path.parent for path in paths} not in pairs}
    assert several == SAME_NAME
