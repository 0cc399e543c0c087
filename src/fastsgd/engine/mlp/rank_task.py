"""One rank of a network's training by several workers: the same loop, with peers.

No worker process imports scikit-learn: what it is told are arrays and what JSON can hold. The
model, the optimizer's state and the random numbers go to all ranks, and come back from rank 0.
"""

from dataclasses import fields, replace

import numpy as np

from fastsgd.engine.mlp.activations import ACTIVATIONS
from fastsgd.engine.mlp.examples import Examples
from fastsgd.engine.mlp.lbfgs import lbfgs
from fastsgd.engine.mlp.loop import train
from fastsgd.engine.mlp.optimizer import Momenta
from fastsgd.engine.mlp.outputs import OUTPUTS
from fastsgd.engine.mlp.parameters import Parameters
from fastsgd.engine.mlp.scores import score_of
from fastsgd.engine.mlp.settings import Settings, State
from fastsgd.engine.rank import Rank, unpack_rows
from fastsgd.engine.shared_arrays import open_array
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


def train_mlp(comm, *, about, data, model, settings, orders, max_fun=None, scored=None):
    """A task of a pool: trains one network on the rows that all ranks see, or on their own.

    Parameters
    ----------
    comm : Communicator
    about : dict
        Of `Rank`.
    data : dict
        Of `pack_rows`, with ``targets``, ``sample_weight``, ``label_weights`` and ``subset``,
        which were checked.
    model, settings : dict
        Of `pack_model`, `pack_settings`.
    orders : dict
        The orders to come: ``rng`` of `pack_rng`, and ``skip``, the epochs whose orders were drawn
        before (`resume`).
    max_fun : int or None
        Evaluations by 'lbfgs'; None: minibatches.
    scored : dict or None
        ``rows`` to score on, by ``SCORES[by]``.

    Returns
    -------
    dict
        As `Rank.run`.
    """
    rank, settings = Rank(comm, **about), unpack_settings(settings)
    parameters, state = unpack_model(model, copy=True)
    examples, rng = _examples_of(data), unpack_rng(orders["rng"])

    def so_far():
        return {**pack_model(parameters, state), "rng": pack_rng(rng)}

    given = {"on_epoch": rank.on_epoch(describe, so_far), "deadline": rank.deadline,
             "peers": rank.peers}

    def learn():
        if max_fun is not None:
            return lbfgs(examples, parameters, state, settings, max_fun=max_fun, **given)
        next_order = examples.order(settings.shuffle, rng)
        for _ in range(orders["skip"] if settings.shuffle else 0):
            next_order()
        score = None if scored is None else score_of(
            scored["by"], examples, parameters, settings, open_array(scored["rows"]))
        return train(examples, parameters, state, settings, next_order, score=score, **given)

    return rank.run(learn, so_far)


def describe(epoch):
    """An `Epoch` for those who hear of it later, who have the state from elsewhere."""
    return {name: value for name, value in vars(epoch).items() if name != "state"}


def _examples_of(data):
    rows, matrix = unpack_rows(data)
    return Examples(matrix(), rows, *(open_array(data[name]) for name in (
        "targets", "sample_weight", "label_weights", "subset")))
