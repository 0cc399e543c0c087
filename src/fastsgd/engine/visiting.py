"""In which order an epoch visits the rows: blocks of neighbours, or rows one by one."""

import numpy as np

from fastsgd.kernels import order, tables

MIN_BLOCKS = 2048
"""An epoch is cut into at least so many blocks: fewer do not mix rows that are sorted by label."""

PAIRS, MOST_VALUES = 1024, 30_000
ALIKE, MUCH = 1.5, 0.045
"""Neighbours are alike if their dot product is so many times that of rows far apart, and exceeds
it by so much of a row's square. Measured: 2.2 to 2.6 times on posts sorted by author or group,
0.95 to 1.05 on documents in the order of a news agency, 1.2 if sorted by label."""


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
    """Whether a row tells more about the next one than about others; by a sample of the rows.

    Parameters
    ----------
    rows : Rows
        At least two.
    """
    n = rows.shape[0]
    pairs = max(1, min(PAIRS, n // 8, MOST_VALUES * n // max(1, rows.nnz)))
    here = np.arange(pairs, dtype=np.int64) * (n - 1) // pairs
    near, far, square = (rows.mean_dot(here, other)
                         for other in (here + 1, np.roll(here, pairs // 2), here))
    return bool(near > ALIKE * far and near - far > MUCH * square)


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
