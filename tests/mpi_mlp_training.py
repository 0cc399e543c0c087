"""What every rank of an MPI job runs in test_mlp_workers_mpi.py: ``mpi_mlp_training.py folder``.

Each fits the same networks on the same rows and writes what came of them to its file.
"""

import json
import sys
from pathlib import Path

from test_mlp_workers_mpi import FITS, LOCAL, OWN, WHOLE, X, Y, by_class, fit, refusals, told_of

from fastsgd import Workers
from fastsgd.comm.mpi_job import job


def main():
    from mpi4py import MPI

    workers = {"sync": Workers(comm="mpi", timeout=60),
               "local": Workers(comm="mpi", timeout=60, policy="local", local_steps=2)}
    found = {name: told_of(fit(options, workers["sync"])) for name, options in FITS.items()}
    found |= {name: told_of(fit(options, workers["local"])) for name, options in LOCAL.items()}
    own = {name: Workers(comm="mpi", timeout=60, rows="own", policy=name)
           for name in ("sync", "local")}
    mine = by_class(MPI.COMM_WORLD.rank, MPI.COMM_WORLD.size)
    for name, options in (WHOLE | OWN).items():
        sync = "local" if "local" in name else "sync"
        model = fit(options, own[sync], mine)
        found[name] = told_of(model) | {"classes": model.classes_.tolist()}
    found["refusals"] = refusals(MPI.COMM_WORLD.rank, X[mine], Y[mine], own["sync"])
    Path(sys.argv[1], f"{MPI.COMM_WORLD.rank}.json").write_text(json.dumps(found))


with job():
    main()
