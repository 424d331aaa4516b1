"""Ordinary lines of each format as grammars, narrower than what the plain parsers accept, never wider."""

from __future__ import annotations

import re
from functools import cache

from triage_kit.parse.scan.complement import Ambiguous, Either, Item, Many, Maybe, One, Row, Word, chars, literal

_DIGIT = One(chars(digits=True))
_DIGITS = Row(_DIGIT, Many(chars(digits=True)))
_LETTER = chars(letters=True)
_HEX = chars("0123456789abcdef")
_KEY = chars("abcdefghijklmnopqrstuvwxyz_")
OFTEN = ("statement: ", "duration: ", "execute ")
ORDINARY = Word(*OFTEN, "connection received: ", "connection auth", "disconnection: session time: ")
_LINE_END = Row(Maybe(One(chars("\r"))), One(chars("\n")))


def _number(form: str) -> Row:
    """Digits and what stands between them: 9 is a digit."""
    return Row(*(_DIGIT if each == "9" else literal(each) for each in form))


def _zone() -> Item:
    name = Row(One(_LETTER), Many(_LETTER | chars("_/+-", digits=True)))
    offset = Row(One(chars("+-")), _DIGIT, Many(chars(digits=True)))
    return Either(name, offset)


_SECOND = "9999-99-99 99:99:99"
_TIMES = {"m": f"{_SECOND}.999 ", "t": f"{_SECOND} ", "s": f"{_SECOND} "}
_SIMPLE = {
    "p": _DIGITS,
    "P": Many(chars(digits=True)),
    "l": _DIGITS,
    "x": _DIGITS,
    "n": Row(_number("999999999"), Many(chars(digits=True)), _number(".999")),
    "e": Row(*[One(chars("ABCDEFGHIJKLMNOPQRSTUVWXYZ", digits=True))] * 5),
    "c": Row(One(_HEX), Many(_HEX), literal("."), One(_HEX), Many(_HEX)),
    "v": Maybe(Row(_DIGITS, literal("/"), _DIGITS)),
    "Q": Row(Maybe(literal("-")), _DIGITS),
}
_ESCAPE = re.compile(r"%(-?\d+)?(.)|%\Z|[^%]", re.DOTALL)


def prefix_grammar(prefix: str) -> Row:
    """What a session's line begins with under this log_line_prefix.

    Raises Ambiguous for a prefix in which one character does not tell the fields apart.
    """
    found = [each for each in _ESCAPE.finditer(prefix) if each[2] != "q"]
    items: list[Item] = []
    for at, each in enumerate(found):
        if each[1] or each[0] == "%":
            raise Ambiguous("fields of fixed width are left to the plain pattern")
        if each[2] is None or each[2] == "%":
            items.append(literal("%" if each[2] else each[0]))
        else:
            items.append(_field(each[2], found[at + 1] if at + 1 < len(found) else None))
    return Row(*items)


def begins_with_time(prefix: str) -> str:
    """What stands first under this log_line_prefix, if that is a time: 9 is a digit of it; empty for another prefix.

    >>> begins_with_time("< %t > [%p] ")
    '< 9999-99-99 99:99:99 '
    """
    text = ""
    for each in _ESCAPE.finditer(prefix):
        if each[0] == f"%{each[2]}" and each[2] in _TIMES:
            return text + _TIMES[each[2]]
        if each[2] not in (None, "%") or each[1] or each[0] == "9" or not each[0].isascii():
            return ""
        text += each[0][0]
    return ""


def _field(letter: str, following: re.Match[str] | None) -> Item:
    if letter in _SIMPLE:
        return _SIMPLE[letter]
    if letter in _TIMES:
        return Row(_number(_TIMES[letter]), _zone())
    if letter not in "audirhLb":
        return Row()
    if following is None or following[2] not in (None, "%"):
        raise Ambiguous("a field of free text ends where the next begins")
    # A colon might be taken for the one behind a severity.
    stop = following[0][0] + (":\t\r" if letter in "audi" else " \t\r\f\v\x1c\x1d\x1e\x1f\x85\xa0")
    return Many(chars(without=stop + ("0123456789" if letter == "b" else "")))


def ordinary_stderr(prefix: str) -> Row:
    """A line that begins an ordinary entry of a session."""
    return Row(prefix_grammar(prefix), literal("LOG:  "), ORDINARY)


def _ordinary_csv(more: frozenset[int] = frozenset()) -> Row:
    """A record; more are bytes that its texts may hold besides those of one line."""
    inside = chars(without='"') | more
    text = Maybe(Row(literal('"'), Many(inside), literal('"')), often=True)
    short = Maybe(Row(literal('"'), Many(chars(without='"')), literal('"')))
    number, comma = Many(chars("-", digits=True)), literal(",")
    rest = Many(chars(without='",\r'))  # of a time
    session = Row(One(_HEX), Many(_HEX), literal("."), One(_HEX), Many(_HEX))
    head = [Row(_number("9999-"), One(rest.some), rest), text, text, _DIGITS, text, session, _DIGITS, short, rest]
    head += [Many(chars("/-", digits=True)), Many(chars(digits=True))]
    message = Row(literal('LOG,00000,"'), ORDINARY, Many(inside), literal('"'), text)
    behind = [text, text, text, number, text, text, number, text, text]
    end = [Row(comma, text), Row(comma, number), Row(comma, number)]
    whole = [part for each in head for part in (each, comma)] + [message]
    whole += [part for each in behind for part in (comma, each)]
    return Row(*whole, Maybe(Row(end[0], Maybe(Row(end[1], end[2])))), _LINE_END)


@cache
def whole_csv() -> re.Pattern[bytes]:
    """An ordinary record of any number of lines, to be matched as a whole."""
    return re.compile(_ordinary_csv(chars("\n")).match.encode())


_BEFORE = ("user", "dbname", "pid", "remote_host", "remote_port", "session_id", "line_num", "ps", "session_start",
           "vxid", "txid")  # fmt: skip


def _ordinary_json() -> Row:
    plain = One(chars(without='"\\' + "".join(map(chr, range(32)))))
    escape = Row(literal("\\"), Either(One(chars('"\\/bfnrt')), Row(literal("u"), *[One(_HEX | chars("ABCDEF"))] * 4)))
    inside = Row(Maybe(Either(plain, escape), often=True), literal('"'))
    string = Row(literal('"'), inside)
    value = Either(string, Row(Maybe(literal("-")), Either(literal("0"), Row(One(chars("123456789")),
                   Many(chars(digits=True))))))  # fmt: skip
    pairs = Maybe(Row(Word(*_BEFORE), literal('":'), value, literal(',"')), often=True)
    # Of a key that comes twice the latter counts: behind the message, none may be called so, or error_severity, again.
    key = Row(One(_KEY - chars("em")), Many(_KEY))
    more = Maybe(Row(literal(',"'), key, literal('":'), value), often=True)
    return Row(literal('{"timestamp":'), string, literal(',"'), pairs, literal('error_severity":"LOG","'),
               Maybe(literal('state_code":"00000","')), literal('message":"'), ORDINARY, inside, more, literal("}"),
               _LINE_END)  # fmt: skip


def ordinary(format: str, prefix: str) -> Row:
    """An ordinary line of a format; of csv and json to its end. Raises Ambiguous as prefix_grammar does."""
    if format == "stderr":
        return ordinary_stderr(prefix)
    return _ordinary_csv() if format == "csv" else _ordinary_json()
