"""Breaks each loss's derivative (sign, factor) and the epoch's arithmetic; tells what goes red.

Not collected by pytest. Run ``python tests/break_losses.py [losses | epoch]``. It tests a copy of
the source tree in a temporary directory and exits with 1 when something broken stayed green.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOSSES, EPOCH, REAL = (f"src/fastsgd/include/{n}" for n in ("losses.h", "epoch.inc",
                                                           "epoch_real.inc"))
EPOCH_CHANGES = {  # name: (file, text, replacement)
    "intercept without its decay": (EPOCH, "b += step * problem.intercept_decay", "b += step"),
    "axpy with the wrong scale": (EPOCH, "(REAL)(step / scale)", "(REAL)(step)"),
    "slope not bounded": (EPOCH, "g = g > FSGD_MAX_DLOSS ?", "g = 0 ?"),
    "shrinkage left out": (EPOCH, "scale *= factor;\n#if", ";\n#if"),
    "average without correction": (EPOCH, "-= clock->scale_sum * a * x[j]", "-= 0"),
    "average counts from the next step": (EPOCH, "clock->t >= problem.average_from",
                                          "clock->t > problem.average_from"),
    "average of L1 without correction": (EPOCH, "-= clock->scale_sum * change", "-= 0"),
    "class weights exchanged": (EPOCH, "y > 0 ? problem.weight_pos : problem.weight_neg",
                                "y > 0 ? problem.weight_neg : problem.weight_pos"),
    "PA-II without damping": (EPOCH, "(square + 0.5 / C)", "(square + 0.0 / C)"),
    "PA-I without its bound": (EPOCH, "(loss / square < C ? loss / square : C)", "loss / square"),
    "clip of positive weights": (REAL, "w - fmax(u + paid, 0)", "w + fmax(u + paid, 0)"),
    "clip crosses 0": (REAL, "if (clipped > 0) clipped = 0;", ";"),
    "clip forgets what was paid": (REAL, "(REAL)(paid + (clipped - w))", "(REAL)paid"),
    "clip away from 0": (REAL, "w + fmax(u - paid, 0)", "w + (u - paid)"),
    "fold keeps the scale": (REAL, "clock->scale = 1;", ""),
    "fold keeps the sum of scales": (REAL, "clock->scale_sum = 0;", ""),
    "fold without the average": (REAL, "p->average[j] += clock->scale_sum * w[j * step]",
                                 "p->average[j] += 0"),
}


def loss_changes():
    """The sign and the factor of the derivative of every row of the loss table."""
    text = (ROOT / LOSSES).read_text()
    for name in re.findall(r"FSGD_FN double fsgd_(\w+)_d\(", text):
        head = f"FSGD_FN double fsgd_{name}_d(double z, double y, double p)\n{{"
        true = head.replace(f"{name}_d(", f"{name}_d_true(")
        for change, factor in (("sign", "-1"), ("half", "0.5")):
            body = text[text.index(head) + len(head):].split("\n}", 1)[0]
            broken = f"return {factor} * fsgd_{name}_d_true(z, y, p);"
            wrapped = f"{true}{body}\n}}\n{head}\n    {broken}"
            yield f"{name}: {change}", (LOSSES, head + body, wrapped)


def run(*command, cwd):
    """Whether a command succeeds, and the last two lines it printed."""
    env = {**os.environ, "PYTHONPATH": str(Path(cwd) / "src")}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    return done.returncode == 0, " | ".join(done.stdout.strip().splitlines()[-2:])


def is_red(tree, change, kernel, tests):
    """Makes one change in the tree, rebuilds one kernel, runs the tests, takes the change back."""
    file, old, new = change
    before, times = (tree / file).read_text(), (tree / file).stat()
    if old not in before:
        raise SystemExit(f"{file} no longer holds: {old}")
    (tree / file).write_text(before.replace(old, new))
    os.utime(tree / file, ns=(times.st_atime_ns, times.st_mtime_ns))  # rebuild one kernel, not all
    (tree / f"src/fastsgd/kernels/{kernel}.pyx").touch()
    built, line = run(sys.executable, "setup.py", "build_ext", "--inplace", cwd=tree)
    if not built:
        raise SystemExit(f"the changed tree does not build: {line}")
    green, line = run(sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests,
                      cwd=tree)
    (tree / file).write_text(before)
    os.utime(tree / file, ns=(times.st_atime_ns, times.st_mtime_ns))
    (tree / f"src/fastsgd/kernels/{kernel}.pyx").touch()  # the next build mends it
    return not green, line


def main():
    stayed_green = 0
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory) / "fastsgd"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", ".venv"))
        run(sys.executable, "setup.py", "build_ext", "--inplace", cwd=tree)
        work = [(n, c, "tables", ["tests/test_contract_losses.py"]) for n, c in loss_changes()]
        work += [(n, c, "sgd", ["tests/test_sgd_kernel.py", "tests/test_threads.py"])
                 for n, c in EPOCH_CHANGES.items()]
        kinds = {"losses": "tables", "epoch": "sgd"}
        wanted = [kinds[a] for a in sys.argv[1:]] or kinds.values()
        for tests in (w[3] for w in (work[0], work[-1])):
            green, line = run(sys.executable, "-m", "pytest", "-q", *tests, cwd=tree)
            if not green:
                raise SystemExit(f"the tree is red before any change: {line}")
        for name, change, kernel, tests in work:
            if kernel not in wanted:
                continue
            red, line = is_red(tree, change, kernel, tests)
            stayed_green += not red
            print(f"{'red  ' if red else 'GREEN'}  {name:35s} {line[:150]}", flush=True)
    return 1 if stayed_green else 0


if __name__ == "__main__":
    sys.exit(main())
