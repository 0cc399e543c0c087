"""The interpreters of workers: started as the parent's, and nothing that lies about is run."""

import json
import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

import fastsgd
from fastsgd.comm import interpreter
from fastsgd.errors import CommError

HOME = Path(fastsgd.__file__).parents[1]
TRAPS = ("json", "socket", "struct", "dataclasses", "contextlib", "numpy", "os", "signal",
         "threading", "importlib", "safetensors", "sitecustomize", "usercustomize", "fastsgd")

TRAP = """
import os
with open({marks!r}, "a") as file:
    file.write({name!r} + " ")
raise ImportError({name!r})
"""

BEGIN = f"""
import sys
sys.path += [{str(HOME)!r}, {os.path.dirname(__file__)!r}, *{[p for p in sys.path if p]!r}]
"""

LOOK = """
import json, os
import fastsgd.comm.process  # here: what this process itself imports later is its own affair
if len(sys.argv) > 1:
    os.chdir(sys.argv[1])
with fastsgd.comm.open("process", 2) as pool:
    told = pool.run("comm_odd_tasks:interpreter")
assert told[0] == told[1]
import comm_odd_tasks
print(json.dumps([told[0], comm_odd_tasks.interpreter()]))
"""


@pytest.fixture
def strange(tmp_path):
    """A folder whose modules leave a mark when they are run, and the file of marks."""
    folder, marks = tmp_path / "strange", tmp_path / "marks"
    folder.mkdir()
    for name in TRAPS:
        (folder / f"{name}.py").write_text(TRAP.format(marks=str(marks), name=name))
    marks.write_text("")
    return folder, marks


def run(command, cwd, **environment):
    """What a worker and its parent tell of themselves."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True,
                          cwd=cwd, timeout=120, env={**kept, **environment})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def program(tmp_path, code=BEGIN + LOOK):
    folder = tmp_path / "programs"
    folder.mkdir(exist_ok=True)
    path = folder / "program.py"
    path.write_text(textwrap.dedent(code))
    return path


@pytest.mark.parametrize("flags", [
    [], ["-I"], ["-E"], ["-s"], ["-S"], ["-P"], ["-B"], ["-O"], ["-OO"], ["-bb"],
    ["-X", "dev"], ["-X", "utf8"], ["-X", "utf8=0"], ["-X", "frozen_modules=off"],
    ["-X", "faulthandler"], ["-X", "int_max_str_digits=0"], ["-W", "error"],
    ["-W", "ignore", "-W", "error::DeprecationWarning"], ["-W", "no such filter"],
    ["-I", "-OO", "-B", "-W", "error", "-X", "dev"],
], ids=" ".join)
def test_a_worker_has_the_options_of_its_parent(tmp_path, flags):
    worker, parent = run([*flags, program(tmp_path)], tmp_path)
    assert worker["flags"].pop("safe_path")
    parent["flags"].pop("safe_path")
    assert worker["flags"] == parent["flags"]
    assert worker["filters"] == parent["filters"]
    assert worker["X"] == parent["X"] | {"utf8": worker["X"]["utf8"]}
    assert worker["writes_bytecode"] == parent["writes_bytecode"]
    for name in ("path", "cwd", "PYTHONPATH", "prefix"):
        assert worker[name] == parent[name], name


@pytest.mark.parametrize("flag", ["-I", "-E"])
@pytest.mark.parametrize("variable", ["PYTHONPATH", "PYTHONHOME", "PYTHONWARNINGS",
                                      "PYTHONOPTIMIZE", "PYTHONSTARTUP", "PYTHONINSPECT"])
def test_what_a_parent_ignores_its_workers_ignore(tmp_path, strange, flag, variable):
    folder, marks = strange
    value = {"PYTHONWARNINGS": "error", "PYTHONOPTIMIZE": "2", "PYTHONINSPECT": "1",
             "PYTHONSTARTUP": str(folder / "json.py")}.get(variable, str(folder))
    worker, parent = run([flag, program(tmp_path)], tmp_path, **{variable: value})
    assert marks.read_text() == ""
    assert worker["flags"] == {**parent["flags"], "safe_path": True}


@pytest.mark.parametrize("way", [
    "-c", "-m", "folder", "zip", "a script elsewhere", "an empty place in PYTHONPATH",
    "a relative place in PYTHONPATH", "a relative place in sys.path", "compiled modules"])
def test_nothing_is_run_from_a_folder_that_the_program_changes_into(tmp_path, strange, way):
    """Whatever stands in `sys.path` for the folder in which the program began."""
    folder, marks = strange
    code, environment = BEGIN + LOOK, {}
    begin = tmp_path / "begin"
    begin.mkdir()
    (begin / "program.py").write_text(code)
    if way == "-c":
        command = ["-c", code]
    elif way == "-m":
        command = ["-m", "program"]
    elif way == "folder":
        (begin / "__main__.py").write_text(code)
        command = ["."]
    elif way == "zip":
        with zipfile.ZipFile(begin / "program.zip", "w") as file:
            file.writestr("__main__.py", code)
        command = ["program.zip"]
    elif way == "a relative place in sys.path":
        command = ["-c", "import sys; sys.path.insert(0, '.')" + code]
    else:
        command = ["program.py"]
    if way == "a script elsewhere":
        begin = folder
        command = [program(tmp_path)]
    if "PYTHONPATH" in way:
        environment["PYTHONPATH"] = (":/nowhere" if "empty" in way else "./here")
        (folder / "here").mkdir()
        for name in TRAPS:
            (folder / "here" / f"{name}.py").write_text((folder / f"{name}.py").read_text())
    if way == "compiled modules":
        command = ["-X", "pycache_prefix=compiled", *command]
    worker, parent = run([*command, folder], begin, **environment)
    assert marks.read_text() == ""
    assert worker["cwd"] == parent["cwd"] == str(folder)
    assert worker["PYTHONPATH"] == parent["PYTHONPATH"] == environment.get("PYTHONPATH")
    assert all(os.path.isabs(place) for place in worker["path"])
    assert str(folder) not in worker["path"]
    if way == "compiled modules":
        assert worker["compiled"] == str(begin / "compiled")


def test_modules_of_a_zip_and_of_the_first_folder_are_found(tmp_path):
    """A task beside ``python -c`` and one in an archive, after the folder was left."""
    with zipfile.ZipFile(tmp_path / "tasks.zip", "w") as file:
        file.writestr("zipped_task.py", "def task(comm): return 'zipped'")
    (tmp_path / "own_task.py").write_text("def task(comm): return 'own'")
    code = BEGIN + """
import fastsgd.comm, json, os
sys.path.append("tasks.zip")
os.chdir("/")
with fastsgd.comm.open("process", 1) as pool:
    print(json.dumps(pool.run("own_task:task") + pool.run("zipped_task:task")))
"""
    assert run(["-c", code], tmp_path) == ["own", "zipped"]


def test_another_fastsgd_in_the_path_is_not_the_workers(tmp_path):
    """A folder of data of that name, say: workers have the very package of their parent."""
    (tmp_path / "fastsgd").mkdir()
    (tmp_path / "fastsgd" / "__init__.py").write_text("raise ImportError('another')")
    code = BEGIN + "import fastsgd; sys.path.insert(0, '')" + LOOK
    worker, parent = run(["-P", "-c", code], tmp_path)
    assert worker["home"] == parent["home"] == str(HOME)


def test_a_program_whose_folder_is_gone(tmp_path):
    code = "import os; os.mkdir('x'); os.chdir('x'); os.rmdir('../x')" + BEGIN + """
import fastsgd.comm, json
with fastsgd.comm.open("process", 1) as pool:
    print(json.dumps(pool.run("fastsgd.comm:count_ranks")))
"""
    assert run(["-c", code], tmp_path) == [1]


def test_warnings_that_are_errors_end_no_worker(tmp_path):
    code = BEGIN + """
import numpy as np, json
from fastsgd import FastSGDClassifier, FastMLPRegressor
X = np.random.RandomState(0).randn(100, 5)
FastSGDClassifier(max_iter=50, workers=2, random_state=0, tol=0.1).fit(X, X[:, 0] > 0)
FastMLPRegressor(hidden_layer_sizes=3, workers=2, tol=1e9, n_iter_no_change=1).fit(X, X[:, 0])
print(json.dumps("fine"))
"""
    assert run(["-bb", "-X", "dev", "-W", "error", "-c", code], tmp_path) == "fine"


@pytest.mark.parametrize(("name", "value", "told"), [
    ("executable", None, "sys.executable is None"), ("executable", "", "sys.executable is ''"),
    ("executable", "/no/such/python", "/no/such/python, is no program"),
    ("frozen", True, "this program is frozen")])
def test_no_interpreter_is_told(monkeypatch, name, value, told):
    """Before anything is started, and with what can be done."""
    monkeypatch.setattr(sys, name, value, raising=False)
    with pytest.raises(CommError, match=told) as caught:
        fastsgd.comm.open("process", 2)
    assert "Workers(n, comm='thread')" in str(caught.value)
    model = fastsgd.FastSGDClassifier(workers=2)
    with pytest.raises(CommError, match=told):
        model.fit([[0.0], [1.0]], [0, 1])
    assert not hasattr(model, "coef_")


def test_strange_things_in_lists_that_programs_may_change(monkeypatch):
    monkeypatch.setattr(sys, "path", ["/a", None, b"/b", Path("/c"), "x\0y", "d/../e"])
    monkeypatch.setattr(sys, "warnoptions", ["ignore", None])
    monkeypatch.setattr(interpreter, "STARTED_IN", "/begin")
    assert interpreter.search_path() == ["/a", "/begin/e"]
    assert interpreter.options()[-2:] == ["-W", "ignore"]
    monkeypatch.setattr(interpreter, "STARTED_IN", None)
    assert interpreter.search_path() == ["/a"]
