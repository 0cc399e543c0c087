"""The order in which an epoch visits the rows: blocks of neighbours, or rows one by one."""

import numpy as np

from fastsgd.kernels import order, tables

MIN_BLOCKS = 2048
"""An epoch is cut into at least so many blocks: fewer do not mix rows that are sorted by label."""

PAIRS, MOST_VALUES, SEED = 1024, 30_000, 0xA11
"""Pairs of rows that are compared, and values of one of each pair at most; the draw, which is a
property of the data: the same for all models and seeds."""

ALIKE, MUCH = 1.5, 0.045
"""Neighbours are alike if their dot product is so many times that of rows far apart, and exceeds
it by so much of a row's square. Measured: 2.2 to 2.6 times on posts sorted by author or group,
0.95 to 1.05 on documents in the order of a news agency, 1.2 if sorted by label."""

EQUAL = 0.2
"""Or if they have so much of what tells a row from others in common: where all rows share a large
part (columns with a mean), even equal ones are not 1.5 times as alike. Each row twice: 0.5."""


def block_rows(rows, shuffle=True):
    """Rows of a block: 32, or fewer so that there are at least MIN_BLOCKS blocks.

    One where neighbours are alike: 32 posts of one author in a row are like one step of 32 times
    the length.

    Parameters
    ----------
    rows : Rows
        INOUT: remembers what was found, for the next class or label.
    shuffle : bool or 'rows'
        Only True visits blocks.
    """
    if not shuffle or shuffle == "rows":
        return 1
    size = tables.TILE
    while size > 1 and rows.shape[0] < size * MIN_BLOCKS:
        size //= 2
    if size > 1 and rows.alike is None:
        rows.alike = neighbours_are_alike(rows)
    return 1 if rows.alike else size


def neighbours_are_alike(rows):
    """Whether a row tells more about those near it than about others; by a sample of the rows.

    Near are the next row, and one that is drawn from within a block: sources that take turns
    have their like some rows away.

    Parameters
    ----------
    rows : Rows
        At least two blocks.
    """
    n, reach = rows.shape[0], tables.TILE
    pairs = max(1, min(PAIRS, n // 8, MOST_VALUES * n // max(1, rows.nnz)))
    here = order.spread(SEED, n - reach, pairs)
    away = 1 + order.spread(SEED + 1, pairs * (reach - 1), pairs) % (reach - 1)
    square, far = (rows.mean_dot(here, other) for other in (here, np.roll(here, pairs // 2)))

    def alike(others):
        more = rows.mean_dot(here, others) - far
        return more > MUCH * square and (more > (ALIKE - 1) * far or more > EQUAL * (square - far))

    return bool(alike(here + 1) or alike(here + away))


def visiting_order(shuffle, seed, epoch, n, size, subset=None):
    """The order of one epoch over n rows, or over the rows of `subset`: (blocks, row).

    One of the two is given to `Trainer.set_order`; both None visit the rows as they lie. A pure
    function of its arguments; `size` is that of `block_rows`.
    """
    n = n if subset is None else len(subset)
    if not shuffle:
        return None, subset
    if shuffle == "rows" or size == 1:
        row = order.permutation(seed, epoch, n)
    else:
        blocks = order.stratified(seed, epoch, -(-n // size))
        if size == tables.TILE and subset is None:
            return blocks, None
        row = order.expand(blocks, size, n)
    return None, row if subset is None else subset[row]
