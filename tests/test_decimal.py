"""The number parser of include/decimal.h has the bits of Python's float()."""

import math
import struct
import sys
from decimal import Decimal, localcontext

import pytest
from fastsgd.kernels.svmlight import parse_decimal
from hypothesis import example, given, settings
from hypothesis import strategies as st

MAX = sys.float_info.max


def check(text):
    value, length = parse_decimal(text.encode())
    assert length == len(text)
    assert struct.pack("<d", value) == struct.pack("<d", float(text)), text


digits = st.text("0123456789", max_size=45)


@settings(deadline=None, max_examples=500)
@given(
    st.sampled_from(["", "+", "-"]),
    digits,
    st.none() | digits,
    st.none() | st.integers(-400, 400) | st.integers(-30, 5),
)
@example("", "9007199254740993", None, None)  # a tie
@example("", "1797693134862315807", None, 290)  # the last finite tie, nearly
@example("", "1" + "0" * 400, None, -400)
@example("-", "0", "0" * 400 + "1", 401)
@example("", "0", None, 10**30)
@example("", "3", None, 10**30)
@example("", "3", None, -(10**30))
def test_equals_float(sign, whole, fraction, power):
    text = sign + (whole or ("0" if not fraction else ""))
    text += "" if fraction is None else "." + fraction
    check(text + ("" if power is None else f"e{power}"))


@settings(deadline=None, max_examples=300)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_written_doubles_come_back(value):
    for text in (repr(value), f"{value:.16g}", f"{value:.17E}", f"{value:.30e}", f"{value:.6g}"):
        check(text)


@settings(deadline=None, max_examples=200)
@given(st.floats(0, MAX, exclude_max=True), st.sampled_from("fe"))
@example(0.0, "f")
@example(sys.float_info.min, "e")
@example(math.nextafter(sys.float_info.min, 0), "e")
@example(math.nextafter(MAX, 0), "f")
def test_around_midpoints(below, form):
    with localcontext() as context:
        context.prec = 1200
        middle = (Decimal(below) + Decimal(math.nextafter(below, math.inf))) / 2
    text, e, power = format(middle, form).partition("e")
    text += "" if "." in text else "."
    for more in ("", "0", "1", "0" * 30 + "1", "0" * 900, "0" * 900 + "1"):
        check(text + more + e + power)
    if text[-1] > "0" and text[-1] != ".":
        less = text[:-1] + chr(ord(text[-1]) - 1)
        for more in ("9", "9" * 30, "9" * 900):
            check(less + more + e + power)


def test_midpoint_above_the_largest_double():
    limit = 2**1024 - 2**970
    for text in (str(limit), str(limit - 1), str(limit) + ".0001", f"{limit - 1}.{'9' * 900}"):
        check(text)


@pytest.mark.parametrize("text", ["inf", "-Infinity", "NAN", "+nan", "-nan", "iNf"])
def test_words(text):
    check(text)


@pytest.mark.parametrize("text", ["", "-", "+", ".", "-.", "e5", ".e5", "x", "+-1", "in", " 1"])
def test_no_number(text):
    assert parse_decimal(text.encode())[1] == 0


@pytest.mark.parametrize(
    ("text", "length"),
    [("1e", 1), ("1e+", 1), ("1.5.2", 3), ("1_0", 1), ("0x10", 1), ("infin", 3)],
)
def test_where_a_number_ends(text, length):
    assert parse_decimal(text.encode())[1] == length
