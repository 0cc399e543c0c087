"""Rows of a sparse first layer that ranks send each other, with their features' numbers."""

import numpy as np


def add_up_rows(peers, touched, rows):
    """The sums over all ranks of some rows of a matrix, in the order of ranks: the same bits.

    Parameters
    ----------
    peers : Peers
    touched : int64 ndarray of shape (n,)
        Numbers of this rank's rows, all different.
    rows : ndarray of shape (n, width)

    Returns
    -------
    union : int64 ndarray of shape (m,)
        The numbers that some rank gives, in order.
    sums : ndarray of shape (m, width)
    counts : int64 ndarray of shape (m,)
        How many ranks give each.
    """
    features, lengths = peers.join(touched)
    given, _ = peers.join(rows)
    union, places = np.unique(features, return_inverse=True)
    sums, begin = np.zeros((len(union), given.shape[1]), given.dtype), 0
    for length in lengths.tolist():
        part = slice(begin, begin + length)
        sums[places[part]] += given[part]
        begin += length
    return union, sums, np.bincount(places, minlength=len(union))
