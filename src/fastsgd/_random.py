"""Random numbers that users ask for by `random_state`, and the rows that are held out by them."""

import numbers
from math import ceil

import numpy as np

MAX_INT = np.iinfo(np.int32).max


def random_numbers(random_state):
    """The RandomState that a `random_state` stands for.

    Parameters
    ----------
    random_state : None, int or numpy.random.RandomState
        None: numpy's own, which all share.

    Returns
    -------
    numpy.random.RandomState

    Raises
    ------
    ValueError
        It is something else.
    """
    if random_state is None or random_state is np.random:
        return np.random.mtrand._rand
    if isinstance(random_state, numbers.Integral):
        return np.random.RandomState(random_state)
    if isinstance(random_state, np.random.RandomState):
        return random_state
    raise ValueError(f"{random_state!r} cannot be used to seed a numpy.random.RandomState "
                     "instance; give None, an int or a RandomState")


def draw_seeds(random_state, n):
    """`n` seeds from a random_state: the same for the same int, new ones for None."""
    if isinstance(random_state, numbers.Integral):
        return [(int(random_state) + k * 0x9E3779B97F4A7C15) % 2**64 for k in range(n)]
    return [int(s) for s in random_numbers(random_state).randint(MAX_INT, size=n)]


def hold_out(n, share, random_state, strata=None):
    """Splits rows at random into those to learn from and those to judge by.

    The split is that of scikit-learn's `ShuffleSplit`, and with `strata` that of its
    `StratifiedShuffleSplit`, for the same `random_state`: models that were trained with either go
    on with the same rows.

    Parameters
    ----------
    n : int
        Rows.
    share : float
        Of them that is held out. (0, 1).
    random_state : None, int or numpy.random.RandomState
    strata : ndarray of shape (n,) or (n, n_labels), default=None
        Rows with the same value are a stratum, and both parts get their share of each.

    Returns
    -------
    learn, held_out : int ndarray
        Row numbers in random order.

    Raises
    ------
    ValueError
        A part would be empty, a stratum has one row only, or there are more strata than a part
        has rows.

    Examples
    --------
    >>> import numpy as np
    >>> learn, held_out = hold_out(6, 1 / 3, 0, strata=np.array([0, 0, 0, 1, 1, 1]))
    >>> sorted(held_out // 3)
    [0, 1]
    """
    n_out = ceil(share * n)
    n_learn, draw = n - n_out, random_numbers(random_state)
    if n_learn < 1:
        raise ValueError(f"With n_samples={n}, test_size={share} and train_size=None, the "
                         "resulting train set will be empty. Adjust any of the aforementioned "
                         "parameters.")
    if strata is None:
        rows = draw.permutation(n)
        return rows[n_out:], rows[:n_out]
    values, of_row, counts = np.unique(
        strata, return_inverse=True, return_counts=True, axis=0 if strata.ndim == 2 else None)
    _check_strata(values, counts, n_learn, n_out)
    by_stratum = np.split(np.argsort(of_row.ravel(), kind="stable"), np.cumsum(counts)[:-1])
    to_learn = _deal(counts, n_learn, draw)
    to_hold = _deal(counts - to_learn, n_out, draw)
    learn, held_out = [], []
    for rows, first, second in zip(by_stratum, to_learn, to_hold, strict=True):
        rows = rows[draw.permutation(len(rows))]
        learn.append(rows[:first])
        held_out.append(rows[first:first + second])
    return draw.permutation(np.concatenate(learn)), draw.permutation(np.concatenate(held_out))


def _check_strata(values, counts, n_learn, n_out):
    if counts.min() < 2:
        few = values[counts < 2].tolist()
        names = few if values.ndim == 1 else [" ".join(map(str, value)) for value in few]
        raise ValueError(
            "The least populated classes in y have only 1 member, which is too few. The minimum "
            "number of groups for any class cannot be less than 2. Classes with too few members "
            f"are: {names}")
    for name, size in (("train_size", n_learn), ("test_size", n_out)):
        if size < len(counts):
            raise ValueError(f"The {name} = {size} should be greater or equal to the number of "
                             f"classes = {len(counts)}")


def _deal(counts, n, draw):
    """How many of `n` each stratum gets, in proportion to its rows: the largest remainders win.

    Among equal remainders the winners are drawn.
    """
    wanted = counts / counts.sum() * n
    given = np.floor(wanted)
    left, remainder = int(n - given.sum()), wanted - given
    for value in np.unique(remainder)[::-1]:
        if left <= 0:
            break
        ties = np.flatnonzero(remainder == value)
        winners = draw.choice(ties, size=min(len(ties), left), replace=False)
        given[winners] += 1
        left -= len(winners)
    return given.astype(int)
