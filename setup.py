"""One list of extensions and a table of flags; everything else is in pyproject.toml."""

import os
import sys

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup

KERNELS = ["ascent", "classes", "duality", "exchange", "gradient", "gram", "meeting",
           "merge", "optimizers", "order", "predict", "rows", "sgd", "sparse_layer", "svmlight",
           "tables"]

DEBUG = os.environ.get("FASTSGD_DEBUG", "0") == "1"  # bounds checks
NATIVE = os.environ.get("FASTSGD_NATIVE", "0") == "1"  # -march=native, for this machine only
SANITIZE = os.environ.get("FASTSGD_SANITIZE", "")  # address,undefined | thread, or one of them

if sys.platform == "win32":
    raise SystemExit("fastsgd supports Linux and macOS; on Windows use WSL.")

# Never -ffast-math: divergence checks need NaN.
FLAGS = {
    "release": ["-O3", "-g0", "-fno-math-errno", "-fno-trapping-math"],
    "debug": ["-O1", "-g"],
}
compile_args = ["-std=c11", "-ffp-contract=off", "-Wall", "-Wno-unused-function"]
compile_args += FLAGS["debug" if DEBUG or SANITIZE else "release"]
link_args = []
if NATIVE:
    compile_args.append("-march=native")
if SANITIZE:
    if SANITIZE not in ("address", "undefined", "address,undefined", "thread"):
        raise SystemExit("FASTSGD_SANITIZE: address, undefined, address,undefined or thread; got "
                         f"{SANITIZE!r}")
    compile_args += [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer"]
    if "undefined" in SANITIZE:  # Python's own flags have -fwrapv, which hides overflows
        compile_args += ["-fno-wrapv", "-fsanitize=float-cast-overflow"]
    link_args.append(f"-fsanitize={SANITIZE}")

extensions = [
    Extension(
        f"fastsgd.kernels.{name}",
        [f"src/fastsgd/kernels/{name}.pyx"],
        include_dirs=["src/fastsgd/include", np.get_include()],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
        depends=[
            os.path.join("src/fastsgd/include", f) for f in os.listdir("src/fastsgd/include")
        ],
        extra_compile_args=compile_args,
        extra_link_args=link_args,
    )
    for name in KERNELS
]

cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

setup(
    options={"build_ext": {"parallel": cores}},
    ext_modules=cythonize(
        extensions,
        language_level=3,
        nthreads=0,
        compiler_directives={
            "boundscheck": DEBUG,
            "wraparound": False,
            "initializedcheck": DEBUG,
            "cdivision": True,
            "freethreading_compatible": True,
        },
    ),
)
