"""Plain gradient steps whose lengths a schedule has, of all rows or of minibatches.

With L1 a step is proximal: u = prox(x - eta g, eta) (Beck, Teboulle 2009, eq. 2.6).
"""

from fastsgd.engine.linear.attempts import attempts_of


def _step(f, x, gradient, eta):
    u = x - eta * gradient
    return f.prox(u, eta) if f.proximal else u


def by_schedule(f, run):
    """Steps by the gradient of all rows; the best point met, the start included, is the model.

    Parameters
    ----------
    f : Objective
    run : Iterations
    """
    f.evaluate(f.start(run.state))
    attempts, ended, met = attempts_of(f, run.proof), False, False
    best = f.value, f.x
    while not ended:
        f.evaluate(_step(f, f.x, f.gradient, run.steps(run.state.t)))
        better = f.value <= best[0]
        if better:
            best = f.value, f.x
        if f.peers.decide(better and attempts.near(f.value, f.gradient))[0]:
            met = attempts.try_now()
        ended = run.after(f.x, f.value, f.mean_loss, enough=met)
    if best[0] < f.value:  # the last steps went up
        f.evaluate(best[1])
        run.keep(best[1], steps=0)
        run.state.curve[-1] = f.value


def minibatches(f, run):
    """An epoch of steps, each by the mean gradient of `batch_size` rows in the visiting order.

    Parameters
    ----------
    f : Objective
    run : Iterations
        With minibatches.
    """
    state, batches = run.state, run.minibatches
    x, ended = f.start(state), False
    while not ended:
        losses = 0.0
        for rows, n in batches.of_epoch(state.epoch):
            value, gradient = f.batch(x, rows, n)
            x = _step(f, x, gradient, run.steps(state.t))
            losses += value
            run.keep(x, steps=1)
        mean_loss = losses / max(1, batches.visits)
        ended = run.after(x, mean_loss + f.penalty(x), mean_loss, steps=0)
