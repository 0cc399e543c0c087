"""What every rank of an MPI job runs in test_workers_mpi.py: ``mpi_training.py folder``.

Each fits the same estimators on the same rows and writes what came of it to its file.
"""

import json
import sys
from pathlib import Path

from test_workers_mpi import FITS, fit

from fastsgd import Workers
from fastsgd.comm.mpi_job import job


def main():
    from mpi4py import MPI

    rank, found = MPI.COMM_WORLD.rank, {}
    for name, options in FITS.items():
        model = fit(options, Workers(comm="mpi", timeout=60, sync=(
            "sync" if "solver" in options else "local")))
        found[name] = {"coef": model.coef_.tolist(), "curve": model.loss_curve_,
                       "workers": model.fit_stats_["workers"]}
    Path(sys.argv[1], f"{rank}.json").write_text(json.dumps(found))


with job():
    main()
