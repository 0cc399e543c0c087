"""A line that is longer than a block, in parts: where it is cut, and how its numbers get short.

A line is cut after a blank, after a comma between labels, and anywhere in a comment. What is left
is a token that fills the block alone. It is a number with very many digits, or it is wrong; of a
number only so many digits are kept as can decide how it is rounded, and the power of ten that the
others stood for goes into its exponent.
"""

import re

DIGITS = b"0123456789"
DIGITS_KEPT = 800
"""Significant digits that are kept as they are; one more tells whether anything came after them.
Midpoints of doubles have at most 767."""

EXPONENT_DIGITS = 20
"""Digits of an exponent that is out of all range anyhow."""

SHORTEST_BLOCK = 4096
"""Bytes in which a shortened token leaves room for more."""

_BLANKS = (b" ", b"\t", b"\v", b"\f", b"\r")
_ZEROS_IN_FRONT = re.compile(rb"(?<![0-9.])0+(?=[0-9])")
_NUMBER = re.compile(rb"([0-9]*\.?[0-9]*)(?:[eE]([+-]?)([0-9]+))?")
_ENDS_TOKEN, _ENDS_LABEL = re.compile(rb"[\s#]"), re.compile(rb"[\s#,]")


class LongLine:
    """State of a line whose end has not been seen.

    Parameters
    ----------
    commas : bool
        Whether labels are separated by commas.

    Attributes
    ----------
    columns : int
        Bytes of the line before the first one in the buffer.
    gaps : list of (int, int)
        Where in the buffer bytes are missing, and how many: of a token that was shortened.
    """

    def __init__(self, commas):
        self.columns, self.gaps = 0, []
        self.is_open = False
        self._in_comment, self._in_labels = False, commas
        self._number, self._power = None, 0  # where it begins; what its exponent lacks

    @property
    def missing(self):
        """Bytes that shortening took away."""
        return sum(count for _, count in self.gaps)

    def cut(self, buffer, filled):
        """The end of what can be read of buffer[:filled]; 0 if one token fills it."""
        if self._in_comment or buffer.find(b"#", 0, filled) >= 0:
            self._in_comment = True
            return filled
        stop = 1 + max(buffer.rfind(blank, 0, filled) for blank in _BLANKS)
        if stop:
            self._in_labels = self._in_labels and not buffer[:stop].strip()
        elif self._in_labels:
            stop = 1 + buffer.rfind(b",", 0, filled)
        return stop

    def passed(self, stop):
        """Take note that buffer[:stop] has been read."""
        self.columns += stop + self.missing
        self.gaps, self.is_open = [], True
        self._number, self._power = None, 0

    def shorten(self, buffer, filled):
        """Shorten the token buffer[:filled], which may go on; the end of what is left.

        Nothing is left out of what is no number.
        """
        token = bytes(buffer[:filled])
        start, point, mark, digits = _number_at_the_end(token)
        if self._power and start != self._number:  # a number that goes on as no number may
            return filled
        whole, fraction, power = _short_mantissa(token[start:point], token[point:mark])
        exponent = token[mark:digits] + _short_exponent(token[digits:])
        short = bytearray(token)
        for begin, end, text in ((mark, filled, exponent), (point, mark, fraction),
                                 (start, point, whole)):
            self._replace(short, begin, end, text)
        for zeros in reversed([*_ZEROS_IN_FRONT.finditer(token, 0, start)]):
            self._replace(short, *zeros.span(), b"")
            start -= len(zeros.group())
        self._number, self._power = start, self._power + power
        buffer[: len(short)] = short
        return len(short)

    def _replace(self, text, begin, end, by):
        """text[begin:end] = by; what is missing from there on is noted."""
        count = end - begin - len(by)
        if count:
            self.gaps = [(place - count * (place > begin), n) for place, n in self.gaps]
            self.gaps.append((begin, count))
        text[begin:end] = by

    def token_end(self, buffer, filled):
        """Where the shortened token ends; None if there is none, or more of it may come."""
        if self._number is None:
            return None
        end = (_ENDS_LABEL if self._in_labels else _ENDS_TOKEN).search(buffer, 0, filled)
        return end.start() + (end.group() == b",") if end else None

    def complete(self, buffer, filled, end):
        """Give the shortened token its power of ten; (end of the token, end of the text)."""
        if not self._power:
            return end, filled
        number = _NUMBER.match(buffer, self._number, end)
        sign, digits = number.group(2, 3)
        power = int((sign or b"") + _short_exponent(digits or b"0")) + self._power
        exponent = b"e%d" % power
        begin, end_of_number = number.end(1), number.end()
        self._replace(buffer, begin, end_of_number, exponent)
        more = len(exponent) - (end_of_number - begin)
        buffer += bytes(max(0, -more))  # no shorter than before
        return end + more, filled + more


def _number_at_the_end(token):
    """(start, point, mark, digits): where mantissa, point, mark of the exponent, its digits begin.

    Parts that are missing begin where the next one does.
    """
    end = len(token)
    digits = len(token.rstrip(DIGITS))
    sign = digits - (token[digits - 1 : digits] in (b"+", b"-"))
    if token[sign - 1 : sign] in (b"e", b"E"):
        mark = sign - 1
    else:
        mark = digits = end
    point = len(token[:mark].rstrip(DIGITS))
    if token[point - 1 : point] == b".":
        point -= 1
        return len(token[:point].rstrip(DIGITS)), point, mark, digits
    return point, mark, mark, digits


def _short_mantissa(whole, fraction):
    """(whole, fraction, power): times 10^power, as the mantissa is; more digits may be appended.

    Fractions begin with their point, if there is one.
    """
    point, fraction = fraction[:1], fraction[1:]
    significant, power = whole.lstrip(b"0"), 0
    zero = b"0" if whole or fraction else b""  # instead of no digit
    if not significant:
        zeros = len(fraction) - len(fraction.lstrip(b"0"))
        fraction, power = fraction[zeros:], -zeros
    kept = significant + fraction
    if len(kept) > DIGITS_KEPT + 1:
        more = b"1" if kept[DIGITS_KEPT:].strip(b"0") else b"0"
        kept = kept[:DIGITS_KEPT] + more
    n = min(len(significant), len(kept))
    return kept[:n] or zero, point + kept[n:], power + len(significant) - n


def _short_exponent(digits):
    return digits.lstrip(b"0")[:EXPONENT_DIGITS] or digits[:1]
