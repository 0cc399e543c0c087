"""Steepest descent: each step to the least objective along the gradient (Cauchy 1847)."""

from fastsgd.engine.linear.attempts import attempts_of
from fastsgd.engine.linear.line_search import exact, first_step
from fastsgd.engine.linear.objective import dot


def steepest(f, run):
    """Minimises a smooth f until its gap is proven to be small enough, or no step is better.

    Parameters
    ----------
    f : Objective
    run : Iterations
    """
    value, gradient = f.evaluate(f.start(run.state))
    attempts, met = attempts_of(f, run.proof), False
    while True:
        slope = -dot(gradient, gradient)
        if not slope < 0:
            break
        f.point_to(-gradient)
        eta = exact(f.along, slope, first_step(f.along, slope, 1.0))
        if not eta or not f.along(eta)[0] < value:
            break
        value, gradient = f.move(eta)
        if f.peers.decide(attempts.near(value, gradient))[0]:
            met = attempts.try_now()
        if run.after(f.x, f.value, f.mean_loss, enough=met):
            return
    run.ended(met=run.proof.asked and attempts.try_now())
