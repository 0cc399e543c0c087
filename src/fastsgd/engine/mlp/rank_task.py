"""One rank of a network's training by several workers: the same loop, with peers.

No worker process imports scikit-learn: what it is told are arrays and what JSON can hold. The
model, the optimizer's state and the random numbers go to all ranks, and come back from rank 0.
"""

from dataclasses import fields, replace

import numpy as np

from fastsgd.engine.deadline import Deadline
from fastsgd.engine.mlp.activations import ACTIVATIONS
from fastsgd.engine.mlp.examples import Examples
from fastsgd.engine.mlp.lbfgs import lbfgs
from fastsgd.engine.mlp.loop import train
from fastsgd.engine.mlp.optimizer import Momenta
from fastsgd.engine.mlp.outputs import OUTPUTS
from fastsgd.engine.mlp.parameters import Parameters
from fastsgd.engine.mlp.scores import score_of
from fastsgd.engine.mlp.settings import Settings, State
from fastsgd.engine.peers import Peers
from fastsgd.engine.rank import stats_of, unpack_rows
from fastsgd.engine.shared_arrays import open_array
from fastsgd.engine.teller import Teller
from fastsgd.errors import DivergenceError
from fastsgd.optimizers import OPTIMIZERS


def pack_settings(settings):
    """`Settings` as a dict that JSON can hold."""
    told = {field.name: getattr(settings, field.name) for field in fields(settings)}
    told["activation"] = _name_of(settings.activation, ACTIVATIONS)
    told["output"] = list(_name_of(settings.output, OUTPUTS))
    told["rule"] = {"name": settings.rule.name, **vars(settings.rule)}
    return told


def unpack_settings(told):
    """The `Settings` of `pack_settings`."""
    rule = dict(told["rule"])
    return Settings(**{
        **told, "activation": ACTIVATIONS[told["activation"]],
        "output": OUTPUTS[tuple(told["output"])], "dropout": tuple(told["dropout"]),
        "rule": replace(OPTIMIZERS[rule.pop("name")], **rule)})


def _name_of(entry, registry):
    return next(name for name, each in registry.items() if each is entry)


def pack_model(parameters, state, place=lambda *arrays: list(arrays)):
    """Weights and State as a dict of arrays and of what JSON can hold.

    `place` says what to tell of arrays: `SharedArrays.place`.
    """
    def pack(model):
        if model is None:
            return None
        return {"units": list(model.units), "arrays": place(model.first, model.rest)}

    told = {**vars(state), "best": pack(state.best), "iterate": pack(state.iterate)}
    momenta = state.momenta
    if momenta is not None:
        told["momenta"] = {"slots": [pack(slot) for slot in momenta.slots],
                           "last": place(momenta.last)[0], "rule": momenta.rule}
    return {"parameters": pack(parameters), "state": told}


def unpack_model(told, copy=False):
    """(Parameters, State) of `pack_model`; with `copy` in arrays of their own."""
    def unpack(model):
        if model is None:
            return None
        first, rest = map(array, model["arrays"])
        return Parameters(model["units"], rest.dtype, first, rest)

    def array(told):
        found = open_array(told)
        return np.array(found) if copy and found is not None else found

    state = dict(told["state"])
    for name in ("best", "iterate"):
        state[name] = unpack(state[name])
    for name in ("curve", "scores"):
        state[name] = list(state[name])
    momenta = state["momenta"]
    if momenta is not None:
        state["momenta"] = Momenta([unpack(slot) for slot in momenta["slots"]],
                                   array(momenta["last"]), momenta["rule"])
    return unpack(told["parameters"]), State(**state)


def pack_rng(rng):
    """Where a RandomState stands: numbers and arrays."""
    return rng.get_state(legacy=False)


def unpack_rng(told):
    """A RandomState that stands there."""
    rng = np.random.RandomState(getattr(np.random, told["bit_generator"])())
    rng.set_state(told)
    return rng


def train_mlp(comm, *, data, model, settings, rng, skip=0, max_time=None, max_fun=None,
              held_out=None, score=None, each=False, looks=False, own=False):
    """A task of a pool: trains one network on the rows that all ranks see, or on their own.

    Parameters
    ----------
    comm : Communicator
    data : dict
        Of `pack_rows`, with ``targets``, ``sample_weight``, ``label_weights`` and ``subset``,
        which were checked.
    model, settings, rng : dict
        Of `pack_model`, `pack_settings`, `pack_rng`.
    skip : int
        Epochs whose orders were drawn before (`resume`).
    max_time : float or None
        Seconds.
    max_fun : int or None
        Evaluations by 'lbfgs'; None: minibatches.
    held_out : int64 array or None
        Rows to score on, by ``SCORES[score]``.
    each, looks : bool
        What rank 0 tells of epochs: see Teller.
    own : bool
        Whether the rows are this rank's own, and not all of the training's.

    Returns
    -------
    dict
        ``stats`` of the rank; of rank 0 also ``ended`` and ``model``, or ``diverged``.
    """
    comm.stats.clear()
    peers, settings = Peers(comm, own), unpack_settings(settings)
    parameters, state = unpack_model(model, copy=True)
    examples, rng = _examples_of(data), unpack_rng(rng)
    teller = Teller(comm, each, looks)

    def so_far():
        return {**pack_model(parameters, state), "rng": pack_rng(rng)}

    def tell(epoch):
        return teller(lambda: describe(epoch), so_far)

    about = {"on_epoch": tell, "deadline": Deadline(max_time), "peers": peers}
    try:
        if max_fun is not None:
            ended = lbfgs(examples, parameters, state, settings, max_fun=max_fun, **about)
        else:
            next_order = examples.order(settings.shuffle, rng)
            for _ in range(skip if settings.shuffle else 0):
                next_order()
            scored = None if held_out is None else score_of(
                score, examples, parameters, settings, open_array(held_out))
            ended = train(examples, parameters, state, settings, next_order, score=scored, **about)
    except DivergenceError as error:  # on all ranks at once: the pool lives on
        return {"stats": stats_of(comm), "diverged": str(error)}
    if peers.rank:
        return {"stats": stats_of(comm)}
    return {"stats": stats_of(comm), "ended": list(ended[:3]), "model": so_far()}


def describe(epoch):
    """An `Epoch` for those who hear of it later, who have the state from elsewhere."""
    return {name: value for name, value in vars(epoch).items() if name != "state"}


def _examples_of(data):
    rows, matrix = unpack_rows(data)
    rows.checked = True
    return Examples(matrix(), rows, *(open_array(data[name]) for name in (
        "targets", "sample_weight", "label_weights", "subset")))
