"""Sparse matrices as users give them: nothing is indexed by a number that was not checked.

The arrays of scipy's matrices may be replaced by anyone, or come from a file, and scipy's own
products and conversions follow whatever they find there, out of memory.
"""

from scipy import sparse

from fastsgd.data.arrays import blocks
from fastsgd.kernels.csr import csr_arrays, index_array


def checked(matrix, name, *, columns=True):
    """A matrix that scipy's products and conversions may follow; of other formats than CSC as CSR.

    Parameters
    ----------
    matrix : scipy sparse matrix or array, or anything
        What is not sparse is given back.
    name : str
        What messages call it.
    columns : bool, default=True
        Of CSR also the column numbers, in a pass over all of them. The kernels check those of X
        row by row, just before they use them.

    Returns
    -------
    matrix : object
        The same, unless arrays had to be converted.

    Raises
    ------
    ValueError
        Its arrays do not fit together, or a position or column is outside.
    """
    if not sparse.issparse(matrix) or matrix.ndim != 2:
        return matrix
    if matrix.format not in ("csr", "csc"):
        return _by_coordinates(matrix, name)
    by_row = matrix.format == "csr"
    shape, lines, what = (
        (matrix.shape, "rows", "column") if by_row else (matrix.shape[::-1], "columns", "row"))
    given = matrix.data, matrix.indices, matrix.indptr
    arrays = csr_arrays(*given, shape, name, lines)
    nnz = int(arrays[2][-1])
    if columns or not by_row:
        check_within(arrays[1][:nnz], shape[1], f"{name} has a {what} number")
    if len(arrays[0]) != len(arrays[1]):  # what follows the last row is nobody's
        arrays = arrays[0][:nnz], arrays[1][:nnz], arrays[2]
    if all(mine is theirs for mine, theirs in zip(arrays, given, strict=True)):
        return matrix
    return type(matrix)(arrays, shape=matrix.shape)


def check_within(numbers, end, what):
    """Raises ValueError unless all numbers are within 0 and end - 1."""
    for part in blocks(numbers):
        for found in (part.min(), part.max()):
            if not 0 <= found < end:
                raise ValueError(f"{what} {found}; they run from 0 to {end - 1}")


def without_repeats(X):
    """A copy of a CSR matrix whose rows name each column once, in order: entries are added up."""
    X = X.copy()
    X.has_sorted_indices = X.has_canonical_format = False  # what X remembers may be out of date
    X.sum_duplicates()
    return X


def _by_coordinates(matrix, name):
    """CSR of a matrix that scipy keeps by other means."""
    format_ = matrix.format.upper()
    if format_ == "BSR":
        _check_blocks(matrix, name)
    if format_ == "LIL" and any(
            len(row) != len(values) for row, values in zip(matrix.rows, matrix.data, strict=True)):
        raise ValueError(f"{name} ({format_}) has a row with other numbers of columns and values")
    try:
        coo = matrix.tocoo()
    except (ValueError, IndexError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"{name} ({format_}) is no valid matrix: {error}") from error
    lengths = {len(each) for each in (coo.data, *coo.coords)}
    if len(lengths) > 1:
        raise ValueError(f"{name} ({format_}) has vectors of lengths {sorted(lengths)} for "
                         "values, rows and columns")
    for what, numbers, end in zip(("row", "column"), coo.coords, coo.shape, strict=True):
        if numbers.dtype.kind not in "iu":
            raise ValueError(f"{name} ({format_}) must have whole {what} numbers, got "
                             f"{numbers.dtype}")
        check_within(numbers, end, f"{name} ({format_}) has a {what} number")
    return type(matrix.tocoo())((coo.data, tuple(map(index_array, coo.coords))),
                                shape=coo.shape).tocsr()


def _check_blocks(matrix, name):
    """Whether a BSR matrix's arrays fit together."""
    if matrix.data.ndim != 3 or 0 in matrix.data.shape[1:]:
        raise ValueError(f"{name}.data (BSR) must have three dimensions, blocks of at least one "
                         f"value; its shape is {matrix.data.shape}")
    rows, columns = (n // size for n, size in
                     zip(matrix.shape, matrix.data.shape[1:], strict=True))
    _, indices, indptr = csr_arrays(matrix.data[:, 0, 0], matrix.indices, matrix.indptr,
                                    (rows, columns), name, "rows of blocks")
    check_within(indices[:indptr[-1]], columns, f"{name} (BSR) has a block column number")
