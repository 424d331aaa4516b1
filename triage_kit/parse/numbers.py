"""Whole numbers as people and programs write them: with marks between the thousands, as decimals, with exponents.

``1.234`` is a thousand in one country and little more than one in another; which, the other numbers of the file tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

_PLAIN = re.compile(r"\d+")
_BLANKS = re.compile(r"\d{1,3}(?:[ '\u2019_\u00a0\u2009\u202f]\d{3})+")
_GROUPED = {mark: re.compile(rf"\d{{1,3}}(?:{re.escape(mark)}\d{{2,3}})*{re.escape(mark)}\d{{3}}") for mark in ",."}
_DECIMAL = {mark: re.compile(rf"\d+{re.escape(mark)}\d*") for mark in ",."}
_EXPONENT = re.compile(r"(\d+)(?:[.,](\d+))?[eE]\+?(\d{1,2})")
_LONGEST = 40


class Numbers:
    """Reads the numbers of one file; cells are all of it, by which is told what its points and commas mean.

    >>> Numbers(["1,234", "81.50"]).whole("1,234"), Numbers([]).whole("1.2E+03")
    (1234, 1200)
    """

    def __init__(self, cells: Iterable[str] = ()) -> None:
        self.groups = dict.fromkeys(",.", False)  # whether some number has this mark between its thousands
        self.decimals = dict.fromkeys(",.", False)  # whether some number has it before its fraction
        self.long = False  # whether some number above a thousand has no mark
        for cell in cells:
            self._learn(cell.strip())

    def _learn(self, cell: str) -> None:
        if not cell or len(cell) > _LONGEST or not cell[0].isdecimal():
            return
        if _PLAIN.fullmatch(cell):
            self.long = self.long or len(cell) > 3
            return
        for mark in ",.":
            if _GROUPED[mark].fullmatch(cell) and (cell.count(mark) > 1 or set(cell.partition(mark)[2]) != {"0"}):
                self.groups[mark] = True
            elif (found := _DECIMAL[mark].fullmatch(cell)) and not _GROUPED[mark].fullmatch(found[0]):
                self.decimals[mark] = True

    def whole(self, written: str) -> int:
        """The number; raises ValueError, with what was got, for what is no whole number or may be two."""
        text = written.strip()
        if len(text) <= _LONGEST and text.isascii() | bool(_BLANKS.fullmatch(text)):
            if _PLAIN.fullmatch(text):
                return int(text)
            if _BLANKS.fullmatch(text):
                return int(re.sub(r"\D", "", text))
            if found := _EXPONENT.fullmatch(text):
                return self._power(found, written)
            for mark, other in (",.", ".,"):
                bare, point, fraction = text.partition(other)
                if mark in bare and point and _GROUPED[mark].fullmatch(bare) and not fraction.strip("0"):
                    return int(bare.replace(mark, ""))
                if _DECIMAL[mark].fullmatch(text) or _GROUPED[mark].fullmatch(text):
                    return self._marked(text, mark)
        raise ValueError(f"got {written[:40]!r}, want a whole number")

    def _marked(self, text: str, mark: str) -> int:
        whole, _, fraction = text.partition(mark)
        grouped, decimal = _GROUPED[mark].fullmatch(text), not fraction.strip("0")
        if grouped and not decimal:
            return int(text.replace(mark, ""))
        if decimal and not grouped:
            return int(whole)
        if grouped and decimal:  # 81,000
            if self.groups[mark] and not self.decimals[mark]:
                return int(text.replace(mark, ""))
            if (self.decimals[mark] or self.long) and not self.groups[mark]:
                return int(whole)
            raise ValueError(f"got {text!r}, which is {whole} or {whole}{fraction}: write it without a mark")
        raise ValueError(f"got {text[:40]!r}, want a whole number")

    def _power(self, found: re.Match[str], written: str) -> int:
        digits, fraction, exponent = found[1], (found[2] or "").rstrip("0"), int(found[3])
        if len(fraction) > exponent:
            raise ValueError(f"got {written[:40]!r}, want a whole number")
        return int(Decimal(f"{digits}.{fraction or 0}").scaleb(exponent))

    def doubt(self, written: str) -> str:
        """Why a number that was read may not be the one that was meant; empty when nothing speaks against it."""
        found = _EXPONENT.fullmatch(written.strip())
        if found is None or len((found[2] or "").rstrip("0")) == int(found[3]):
            return ""
        return f"{written.strip()} was read as {self.whole(written)}; a spreadsheet may have rounded it"
