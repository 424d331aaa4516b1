"""From a grammar of ordinary lines, the pattern of all lines that are not ordinary.

A matcher reports what matches, and nearly every line is ordinary: reporting the few others costs nothing. The grammar
must tell by one character what comes next; then a line is wrong at the first character that is not foreseen there.
"""

from __future__ import annotations

from dataclasses import dataclass

Set = frozenset[int]
_ALL: Set = frozenset(range(256))
_PLAIN = ' ",:@<>=_%!;'


class Ambiguous(ValueError):
    """One character does not tell what comes next."""


def chars(text: str = "", *, without: str = "", digits: bool = False, letters: bool = False) -> Set:
    """The bytes of a text, of the digits, of the letters; or all bytes but those of a text and the line's end."""
    if without:
        return _ALL - frozenset(without.encode()) - {10}
    found = text
    found += "0123456789" if digits else ""
    found += "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" if letters else ""
    return frozenset(found.encode())


def written(some: Set) -> str:
    """A set of bytes in the words of a pattern."""
    if not some:
        return r"[^\x00-\xff]"
    if len(some) == 1:
        return _byte(next(iter(some)))
    inverse = len(some) > 128
    ranges: list[list[int]] = []
    for each in sorted(_ALL - some if inverse else some):
        if ranges and ranges[-1][1] == each - 1:
            ranges[-1][1] = each
        else:
            ranges.append([each, each])
    inside = "".join(_byte(low) if low == high else f"{_byte(low)}-{_byte(high)}" for low, high in ranges)
    return f"[{'^' if inverse else ''}{inside}]" if inside else r"[\x00-\xff]"


def _byte(each: int) -> str:
    # Short, since a matcher takes patterns of some thousand characters only.
    return chr(each) if (chr(each).isalnum() and each < 128) or chr(each) in _PLAIN else rf"\x{each:02x}"


@dataclass(frozen=True)
class Rest:
    """What may come: its first bytes, and the pattern of what begins well and goes wrong later."""

    first: Set
    deep: tuple[str, ...] = ()

    def wrong(self, besides: Set = frozenset()) -> str:
        """The pattern of everything wrong from here on; besides are bytes that what stands before may go on with."""
        now = _ALL - self.first - besides
        parts = ([written(now)] if now else []) + list(self.deep)
        return f"(?:{'|'.join(parts)})" if parts else ""


END = Rest(_ALL)  # anything may follow


class Item:
    """A part of a grammar and how it matches; ends tells how it may end, and with which bytes each end may go on."""

    match: str
    empty = False  # whether it may be nothing

    def before(self, rest: Rest) -> Rest:
        """What may come and what goes wrong where this stands before the rest."""
        raise NotImplementedError

    def ends(self) -> list[tuple[str, Set]]:
        return [(self.match, frozenset())]

    def first(self) -> Set:
        return self.before(_NOTHING).first

    def tail(self) -> Set:
        return frozenset().union(*(tail for _, tail in self.ends()))


_NOTHING = Rest(frozenset())


def _disjoint(one: Set, other: Set) -> None:
    if one & other and other != _ALL:
        raise Ambiguous(f"both may begin with {bytes(sorted(one & other))!r}")


def _any(patterns: tuple[str, ...]) -> str:
    return f"(?:{'|'.join(patterns)})" if patterns else ""


def _then(match: str, wrong: str) -> tuple[str, ...]:
    return (match + wrong,) if wrong else ()


class One(Item):
    """One byte of a set."""

    def __init__(self, some: Set) -> None:
        self.some, self.match = some, written(some)

    def before(self, rest: Rest) -> Rest:
        return Rest(self.some, _then(self.match, rest.wrong()))


class Many(Item):
    """Any number of bytes of a set."""

    empty = True

    def __init__(self, some: Set) -> None:
        self.some, self.match = some, written(some) + "*"

    def ends(self) -> list[tuple[str, Set]]:
        return [(self.match, self.some)]

    def before(self, rest: Rest) -> Rest:
        _disjoint(self.some, rest.first)
        return Rest(self.some | rest.first, _then(self.match, rest.wrong(self.some)))


class Row(Item):
    """Items one behind the other."""

    def __init__(self, *items: Item) -> None:
        self.items = items
        self.match = "".join(each.match for each in items)
        self.empty = all(each.empty for each in items)

    def before(self, rest: Rest) -> Rest:
        for each in reversed(self.items):
            rest = each.before(rest)
        return rest

    def ends(self) -> list[tuple[str, Set]]:
        if not self.items:
            return []
        *others, last = self.items
        before = Row(*others)
        found = [(before.match + match, tail) for match, tail in last.ends()]
        if last.empty and not isinstance(last, Many):  # whose pattern fits nothing as well
            found += [(match, tail | last.first()) for match, tail in before.ends()]
        return found


class Either(Item):
    """One of several items, which begin differently."""

    def __init__(self, *items: Item) -> None:
        self.items = items
        self.match = f"(?:{'|'.join(each.match for each in items)})"

    def ends(self) -> list[tuple[str, Set]]:
        return [end for each in self.items for end in each.ends()]

    def before(self, rest: Rest) -> Rest:
        first: Set = frozenset()
        deep: list[str] = []
        _disjoint(self.tail(), rest.first)
        for each in self.items:
            inner = each.before(END)
            _disjoint(first, inner.first)
            first |= inner.first
            deep += inner.deep
        for match, tail in self.ends():
            deep += _then(match, Rest(rest.first).wrong(tail))
        return Rest(first, (*deep, *_then(self.match, _any(rest.deep))))


class Maybe(Item):
    """An item or nothing; often: or many of it."""

    empty = True

    def __init__(self, item: Item, often: bool = False) -> None:
        self.item, self.often = item, often
        self.match = f"(?:{item.match}){'*' if often else '?'}"
        self.head = self.match if often else ""  # what may stand before the last of it

    def ends(self) -> list[tuple[str, Set]]:
        again = self.item.first() if self.often else frozenset()
        return [(self.head + match, tail | again) for match, tail in self.item.ends()]

    def before(self, rest: Rest) -> Rest:
        inner = self.item.before(END)
        _disjoint(inner.first, rest.first)
        _disjoint(self.tail(), rest.first)
        deep = [*_then(self.head, _any(inner.deep)), *_then(self.match, _any(rest.deep))]
        for match, tail in self.ends():
            deep += _then(match, Rest(rest.first).wrong(tail))
        return Rest(inner.first | rest.first, tuple(deep))


class Word(Item):
    """One of several words, none of which begins with another."""

    def __init__(self, *words: str) -> None:
        self.words = sorted(set(words))
        self.match = f"(?:{'|'.join(map(_literal, self.words))})"

    def before(self, rest: Rest) -> Rest:
        first, deep = self._from(0, self.words)
        return Rest(first, (*deep, *_then(self.match, rest.wrong())))

    def _from(self, at: int, words: list[str]) -> tuple[Set, list[str]]:
        first = frozenset(word.encode()[at] for word in words)
        deep = []
        for byte in sorted(first):
            some = [word for word in words if word.encode()[at] == byte]
            if any(len(word) == at + 1 for word in some):
                continue
            inner, deeper = self._from(at + 1, some)
            deep.append(written(frozenset([byte])) + Rest(inner, tuple(deeper)).wrong())
        return first, deep


def _literal(text: str) -> str:
    return "".join(map(_byte, text.encode()))


def literal(text: str) -> Row:
    """The bytes of a text."""
    return Row(*(One(frozenset([each])) for each in text.encode()))


def lines_unlike(item: Item, besides: Set = frozenset()) -> str:
    """The pattern of all lines that begin neither with the item nor with a byte of besides."""
    return "^" + item.before(END).wrong(besides)
