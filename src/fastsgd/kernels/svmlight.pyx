"""Text in svmlight form -> CSR arrays: the loop over lines, for one range of whole lines.

`include/svmlight.h` reads a line, `include/decimal.h` a number. A `LineReader` belongs to one
thread. Ranges of one file can be read by several readers (cut at line ends, `line` the number of
the first line of each), and blocks that follow each other by one reader.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memset

from fastsgd.kernels.types cimport index_t, real_t


cdef extern from "decimal.h" nogil:
    ctypedef struct fsgd_power:
        uint64_t high, low
    int FSGD_Q_MIN, FSGD_Q_MAX
    fsgd_power fsgd_powers_of_five[]
    const char *fsgd_decimal(const char *p, double *value)


cdef extern from "svmlight.h" nogil:
    ctypedef struct fsgd_svm_code_row:
        const char *name
        const char *expected
    int FSGD_SVM_OK, FSGD_SVM_COUNT
    fsgd_svm_code_row fsgd_svm_codes[]
    ctypedef struct fsgd_svm_reader:
        int one_based, multilabel, query_id, allow_nonfinite
        int64_t index_limit
        int more
        int64_t before
        double *labels
        int64_t *label_ptr
        int64_t *qid
        int64_t *indptr
        int32_t *indices_32
        int64_t *indices_64
        float *values_32
        double *values_64
        int64_t n_rows, nnz, n_labels, line
        int64_t min_index, max_index, limit_line, limit_column
        int code
        int64_t detail
        const char *at
    void fsgd_svm_start_line(fsgd_svm_reader *r)
    const char *fsgd_svm_line(fsgd_svm_reader *r, const char *p, const char *end)


PADDING = 8  # readable bytes that must follow the last newline
LARGEST_INDEX = 2**63 - 2
CODES = {
    (<bytes>fsgd_svm_codes[_i].name).decode(): (<bytes>fsgd_svm_codes[_i].expected).decode()
    for _i in range(FSGD_SVM_COUNT)
}  # status -> what was expected
_NAMES = list(CODES)


def _fill_powers_of_five():
    """Write 5**q, cut off to 128 bits with the highest bit set, into the table of decimal.h."""
    for q in range(FSGD_Q_MIN, FSGD_Q_MAX + 1):
        five = 5 ** abs(q)
        bits = five.bit_length()
        if q < 0:
            scaled = (1 << bits + 127) // five
        else:
            scaled = five << 128 >> bits
        fsgd_powers_of_five[q - FSGD_Q_MIN].high = scaled >> 64
        fsgd_powers_of_five[q - FSGD_Q_MIN].low = scaled & 0xFFFFFFFFFFFFFFFF


_fill_powers_of_five()


cdef class LineReader:
    """Counts, rules and place of one reader.

    Parameters
    ----------
    one_based : bool
        Index 0 is an error.
    multilabel, query_id, allow_nonfinite : bool
        As in `fastsgd.load_svmlight`. `multilabel` may be set from one call of `read` to the next.
    index_limit : int
        Largest index allowed, as written in the file.
    line : int
        Number of the first line to be read.

    Attributes
    ----------
    n_rows, nnz, n_labels : int
        How much of the arrays holds finished rows.
    line : int
        Number of the line that comes next, or of the faulty one.
    min_index, max_index : int
        Smallest and largest index so far, as written; `LARGEST_INDEX` + 1 and -1 before the first.
    limit_place : tuple of int
        Line and column where `index_limit` itself was first seen, (0, 0) if nowhere.
    """

    cdef fsgd_svm_reader r

    def __cinit__(self, *, bint one_based=False, bint multilabel=False, bint query_id=False,
                  bint allow_nonfinite=False, int64_t index_limit=LARGEST_INDEX, int64_t line=1):
        memset(&self.r, 0, sizeof(fsgd_svm_reader))
        self.r.one_based = one_based
        self.r.multilabel = multilabel
        self.r.query_id = query_id
        self.r.allow_nonfinite = allow_nonfinite
        self.r.index_limit = index_limit
        self.r.line = line
        self.r.min_index = LARGEST_INDEX + 1
        self.r.max_index = -1
        fsgd_svm_start_line(&self.r)

    @property
    def n_rows(self):
        return self.r.n_rows

    @property
    def nnz(self):
        return self.r.nnz

    @property
    def n_labels(self):
        return self.r.n_labels

    @property
    def line(self):
        return self.r.line

    @property
    def min_index(self):
        return self.r.min_index

    @property
    def max_index(self):
        return self.r.max_index

    @property
    def multilabel(self):
        return self.r.multilabel

    @multilabel.setter
    def multilabel(self, bint several):
        self.r.multilabel = several

    @property
    def limit_place(self):
        return self.r.limit_line, self.r.limit_column

    def read(self, const unsigned char[::1] text, Py_ssize_t begin, Py_ssize_t end,
             double[::1] labels, int64_t[::1] label_ptr, int64_t[::1] qid, int64_t[::1] indptr,
             index_t[::1] indices, real_t[::1] values, bint more=False, int64_t before=0):
        """Read the lines of text[begin:end] and add their rows to the arrays.

        The range can also be a part of one line, and its first line the rest of one whose parts
        were read before.

        Parameters
        ----------
        text : buffer of bytes, IN
            text[end - 1] must be a newline; `PADDING` more bytes must follow.
        begin, end : int
            The range; it starts at the start of a line, or where the last part ended.
        labels : float64, OUT
            One label a row, or all labels of all rows (multilabel).
        label_ptr : int64, OUT, or None
            Needed for multilabel: row i has labels label_ptr[i] to label_ptr[i + 1] - 1.
        qid : int64, OUT, or None
            Needed with query_id.
        indptr : int64, OUT
            indptr[0] must be 0.
        indices : int32 or int64, OUT
            As written in the file.
        values : float32 or float64, OUT
            The arrays must have room beyond the finished rows: (end - begin) // 4 + 1 entries and
            (end - begin) // 2 + 2 rows and labels.
        more : bool
            The range is a part of a line that goes on, and text[end - 1] stands in for what comes.
            It may end after a token, after a comma between labels and anywhere in a comment.
        before : int
            Bytes of the first line that came in earlier parts.

        Returns
        -------
        done : int
            Where the first line starts that was not read; `end` when all is well.
        name : str
            "OK", "WIDEN" (an index needs int64: call again from `done` with such an array), or
            another key of `CODES`.
        at : int
            Where the fault is.
        detail : int
            The number that belongs into the message of `CODES`.
        """
        cdef fsgd_svm_reader *r = &self.r
        cdef Py_ssize_t size = end - begin
        if not 0 <= begin < end or end + PADDING > text.shape[0] or text[end - 1] != 10:
            raise ValueError("the range must end with a newline and be padded")
        if (
            values.shape[0] < r.nnz + size // 4 + 1
            or indices.shape[0] < r.nnz + size // 4 + 1
            or indptr.shape[0] < r.n_rows + size // 2 + 2
            or labels.shape[0] < r.n_labels + size // 2 + 2
            or r.multilabel and (label_ptr is None or label_ptr.shape[0] < indptr.shape[0])
            or r.query_id and (qid is None or qid.shape[0] < indptr.shape[0])
        ):
            raise ValueError("the arrays are too small for the range")

        r.labels = &labels[0]
        r.label_ptr = &label_ptr[0] if r.multilabel else NULL
        r.qid = &qid[0] if r.query_id else NULL
        r.indptr = &indptr[0]
        r.indices_32 = r.values_32 = NULL
        r.indices_64 = r.values_64 = NULL
        if index_t is int32_t:
            r.indices_32 = &indices[0]
        else:
            r.indices_64 = &indices[0]
        if real_t is float:
            r.values_32 = &values[0]
        else:
            r.values_64 = &values[0]

        cdef const char *start = <const char *>&text[0]
        cdef const char *p = start + begin
        cdef const char *stop = start + end
        cdef const char *following
        r.code = FSGD_SVM_OK
        r.at = p
        r.more = more
        r.before = before
        with nogil:
            while p < stop:
                following = fsgd_svm_line(r, p, stop)
                if following == NULL:
                    break
                r.line += not more
                r.before = 0
                p = following
        return p - start, _NAMES[r.code], r.at - start, r.detail


def parse_decimal(bytes text not None):
    """Read one number as the readers do; for tests.

    Returns
    -------
    value : float
    length : int
        How many bytes belong to the number; 0 when `text` does not start with one.
    """
    cdef bytes padded = text + b"\n" + bytes(PADDING)
    cdef const char *p = padded
    cdef double value = 0.0
    cdef Py_ssize_t length = fsgd_decimal(p, &value) - p
    return value, length
