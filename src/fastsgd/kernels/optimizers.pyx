"""Steps of the optimizers of include/optimizers.h on arrays of weights, dense or lazy."""

import numpy as np

from libc.stdint cimport int64_t

from fastsgd.kernels.rows cimport FSGD_F32, FSGD_F64

ADDS = FSGD_ADDS
LINEAR = FSGD_LINEAR
cdef int64_t AHEAD = 4  # rows that are asked for before they are stepped


def optimizers():
    """{name: (number, slots, flags)} of every row of optimizers.h."""
    return {fsgd_optimizer_names[i].decode():
            (i, fsgd_optimizer_slots[i], fsgd_optimizer_flags[i])
            for i in range(FSGD_N_OPTIMIZERS)}


cdef int real_of(object array, str name) except -1:
    """FSGD_F32 or FSGD_F64."""
    if array.dtype == np.float32:
        return FSGD_F32
    if array.dtype == np.float64:
        return FSGD_F64
    raise TypeError(f"{name} must be float32 or float64, got {array.dtype}")


cdef Matrix matrix_of(object array, int real, str name, bint writable) except *:
    """The rows of a 2-d array whose rows are contiguous; a vector is one row."""
    cdef Matrix m
    cdef const float[:, :] single
    cdef const double[:, :] double_
    if array.dtype != (np.float32 if real == FSGD_F32 else np.float64):
        raise TypeError(f"{name} must be {'float32' if real == FSGD_F32 else 'float64'}, got "
                        f"{array.dtype}")
    if writable and not array.flags.writeable:
        raise ValueError(f"{name} is read-only")
    if array.ndim == 1:
        array = array.reshape(1, -1)
    if real == FSGD_F32:
        single = array
        m.n_rows, m.n_units = single.shape[0], single.shape[1]
        m.data = <void *>&single[0, 0] if m.n_rows and m.n_units else NULL
    else:
        double_ = array
        m.n_rows, m.n_units = double_.shape[0], double_.shape[1]
        m.data = <void *>&double_[0, 0] if m.n_rows and m.n_units else NULL
    strides = array.strides
    if m.n_units > 1 and strides[1] != array.itemsize or strides[0] % array.itemsize:
        raise ValueError(f"rows of {name} must be contiguous")
    m.stride = strides[0] // array.itemsize
    return m


cdef void bind(fsgd_stepper *s, int rule, object W, object slots, dict constants,
               object last, bint squares) except *:
    """Fills a stepper; the caller keeps the arrays."""
    cdef int64_t[::1] steps
    cdef Matrix m
    cdef fsgd_constants c = constants
    if not 0 <= rule < FSGD_N_OPTIMIZERS:
        raise ValueError(f"optimizers have numbers from 0 to {FSGD_N_OPTIMIZERS - 1}, got {rule}")
    if len(slots) != fsgd_optimizer_slots[rule]:
        raise ValueError(f"{fsgd_optimizer_names[rule].decode()} has {fsgd_optimizer_slots[rule]} "
                         f"slots, got {len(slots)}")
    if c.t < 1:
        raise ValueError(f"t must be >= 1, got {c.t}")
    if c.scale != 1 and (c.l2 != 0 or not fsgd_optimizer_flags[rule] & FSGD_LINEAR):
        raise ValueError("a scale goes with a linear rule whose l2 is 0")
    s.rule, s.real, s.c, s.squares = rule, real_of(W, "W"), c, squares
    m = matrix_of(W, s.real, "W", True)
    s.n_units, s.w, s.w_stride = m.n_units, m.data, m.stride
    s.a = s.b = s.last = NULL
    for i, slot in enumerate(slots):
        if slot.shape != W.shape:
            raise ValueError(f"slot {i} has shape {slot.shape}, W {W.shape}")
        m = matrix_of(slot, s.real, f"slot {i}", True)
        if i == 0:
            s.a, s.a_stride = m.data, m.stride
        else:
            s.b, s.b_stride = m.data, m.stride
    if last is not None:
        steps = last
        if W.ndim != 2 or steps.shape[0] != W.shape[0]:
            raise ValueError(f"last has {steps.shape[0]} entries for W of shape {W.shape}")
        if steps.shape[0]:
            s.last = &steps[0]
    fsgd_prepare(s)


def step(int rule, W, G, slots, dict constants, touched=None, last=None, *,
         bint squares=False, int vector=0):
    """One step of an optimizer on an array of weights.

    Parameters
    ----------
    rule : int
        Row of the table: ``OPTIMIZERS[name].number``.
    W : float32 or float64 ndarray of shape (n_rows, n_units) or (n,)
        INOUT. Rows are contiguous; other threads may read and write them (HOGWILD!).
    G : ndarray of W's dtype
        IN. The gradient without L2: W's shape or, with `touched`, row i is that of W's row
        touched[i].
    slots : sequence of ndarray
        INOUT. The state, each of W's shape.
    constants : dict
        The fields of fsgd_constants: eta, momentum, beta_1, beta_2, rho, epsilon, l2, t, scale.
    touched : int64 ndarray of shape (n_touched,), optional
        IN. Rows of W that take the step, each once; None: all.
    last : int64 ndarray of shape (n_rows,), optional
        INOUT. The step at which each row's state stands, 0 before its first: what a row was left
        out of is made up for first (lazy steps). None: it is not.
    squares : bool
        Whether to sum the change of |W|^2 (as stored, without scale).
    vector : int
        Bytes of the widest registers to use; 0: the widest there are. All give the same bits.

    Returns
    -------
    float
        The change of |W|^2, or 0.
    """
    cdef fsgd_stepper s
    cdef const int64_t[::1] chosen
    cdef Matrix g
    cdef int64_t i, row, n = 1 if W.ndim == 1 else W.shape[0], n_rows = n
    cdef double change = 0
    bind(&s, rule, W, slots, constants, last, squares)
    g = matrix_of(G, s.real, "G", False)
    if touched is not None:
        chosen = touched
        n = chosen.shape[0]
    if g.n_rows < n or g.n_units != s.n_units:
        raise ValueError(f"G has shape {G.shape}; {n} rows of {s.n_units} are needed")
    if n == 0 or s.n_units == 0:
        return 0.0
    if touched is not None and not 0 <= min_of(chosen) <= max_of(chosen) < n_rows:
        raise ValueError(f"touched rows must be within 0 and {n_rows - 1}")
    cdef int size = 4 if s.real == FSGD_F32 else 8
    cdef fsgd_step_fn step_row = fsgd_choose_step(s.real, fsgd_vector_bytes(vector))
    with nogil:
        for i in range(n):
            row = i if touched is None else chosen[i]
            if touched is not None and i + AHEAD < n:
                fsgd_ask_for_row(&s, chosen[i + AHEAD])
            change += step_row(&s, row, <char *>g.data + i * g.stride * size)
    return change


def settle(int rule, W, slots, dict constants, last, touched=None, *, bint squares=False,
           int vector=0):
    """Makes up for the steps before step t that rows were left out of, as `step` would at step t.

    After it W is what dense steps would have left, and `last` is t - 1 in all rows that were ever
    touched. Parameters and result as in `step`; `touched` None: all rows.
    """
    cdef fsgd_stepper s
    cdef const int64_t[::1] chosen
    cdef int64_t i, n = W.shape[0], n_rows = W.shape[0]
    cdef double change = 0
    bind(&s, rule, W, slots, constants, last, squares)
    if touched is not None:
        chosen = touched
        n = chosen.shape[0]
    if n == 0 or s.n_units == 0:
        return 0.0
    if touched is not None and not 0 <= min_of(chosen) <= max_of(chosen) < n_rows:
        raise ValueError(f"touched rows must be within 0 and {n_rows - 1}")
    cdef fsgd_step_fn step_row = fsgd_choose_step(s.real, fsgd_vector_bytes(vector))
    with nogil:
        for i in range(n):
            change += step_row(&s, i if touched is None else chosen[i], NULL)
    return change


cdef int64_t min_of(const int64_t[::1] x) noexcept nogil:
    cdef int64_t i, found = x[0]
    for i in range(1, x.shape[0]):
        found = min(found, x[i])
    return found


cdef int64_t max_of(const int64_t[::1] x) noexcept nogil:
    cdef int64_t i, found = x[0]
    for i in range(1, x.shape[0]):
        found = max(found, x[i])
    return found
