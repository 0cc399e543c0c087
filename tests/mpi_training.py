"""What every rank of an MPI job runs in test_workers_mpi.py: ``mpi_training.py folder``.

Each fits the same estimators on the same rows and writes what came of it to its file.
"""

import json
import sys
from pathlib import Path

from test_workers_mpi import FITS, data, fit, rows_of

from fastsgd import Workers
from fastsgd.comm.mpi_job import job


def main():
    from mpi4py import MPI

    rank, found = MPI.COMM_WORLD.rank, {}
    for name, options in FITS.items():
        model = fit(options, Workers(comm="mpi", timeout=60, policy=(
            "sync" if "solver" in options else "local")))
        found[name] = {"coef": model.coef_.tolist(), "curve": model.loss_curve_,
                       "workers": model.fit_stats_["workers"]}
    mine = rows_of(rank, MPI.COMM_WORLD.size)
    model = fit(FITS["sdca"] | {"max_iter": 2000, "tol": 1e-6, "warm_start": True},
                Workers(comm="mpi", timeout=60, rows="own"), mine)
    first = model.n_iter_
    model.fit(*data(mine))  # from the dual variables that each process has kept
    found["own"] = {"coef": model.coef_.tolist(), "curve": model.loss_curve_,
                    "gap": model.dual_gap_, "epochs": [first, model.n_iter_]}
    X, _ = data(mine)
    found["part"] = (model.dual_coef_ @ X[model.support_].toarray()).tolist()
    Path(sys.argv[1], f"{rank}.json").write_text(json.dumps(found))


with job():
    main()
