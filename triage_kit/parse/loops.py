"""Names of a list that code goes through, one by one, in languages without a parser here."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice

_MOST = 200
# A list that is written out, words of Ruby, or what holds one of these.
_LIST = (
    r"(?:(?:\bnew\s*(?:string)?\s*\[\]\s*|\[\]string|\b(?:List|Arrays|Set|Stream)\.(?:of|asList)|\b(?:list|set|array)Of|\bvec!|"
    r"\barray)?\s*&?[\[{(](?P<items>[^\[\](){}]{1,1000})[\]})]|%[wi][\[({](?P<words>[\w\s.]{1,1000})[\])}]|\$?\b(?P<held>[A-Za-z_]\w*))"
)
_LOOPS = [
    re.compile(each)
    for each in (
        r"\b(?:for|foreach)\s*\(?\s*(?:(?:const|let|var|val|auto|final|[sS]tring|\w+\s*,)\s+)*(?P<name>[A-Za-z_]\w*)\s*"
        rf"(?::=\s*range\b|\bof\b|\bin\b|:)\s*{_LIST}",
        rf"\bforeach\s*\(\s*{_LIST}\s+as\s+\$(?P<name>\w+)",
        rf"{_LIST}\s*(?:as\s+const\s*\)?)?\.(?:forEach|each|map|for_each)\s*(?:\bdo\b\s*|[({{]\s*)(?:async\s*)?\(?\s*[|$]?(?P<name>[A-Za-z_]\w*)",
    )
]
_NAME = re.compile(r"\s*(?:[\"'`](?P<quoted>[A-Za-z_][\w.]*)[\"'`]|:(?P<symbol>[a-z_]\w*))\s*")


@lru_cache(maxsize=4)
def gone_through(text: str) -> dict[str, tuple[str, ...]]:
    """The names that each variable of a loop takes, where the file writes all of them out in one place.

    >>> gone_through("for (const t of ['a', 'b']) x(t)"), gone_through("%w[a b].each do |t|")
    ({'t': ('a', 'b')}, {'t': ('a', 'b')})
    >>> gone_through('var all = []string{"a", "b"}\\nfor _, t := range all {'), gone_through("for t in names() {")
    ({'t': ('a', 'b')}, {})
    """
    found: dict[str, set[tuple[str, ...]]] = {}
    for pattern in _LOOPS:
        for loop in islice(pattern.finditer(text), _MOST):
            names = _listed(loop["items"], loop["words"]) if not loop["held"] else _held(loop["held"], text)
            found.setdefault(loop["name"], set()).add(names)
    return {name: each for name, lists in found.items() if len(lists) == 1 for each in lists if each}


_HOLE = re.compile(r"[#$]\{(?:self\.|this\.)?([A-Za-z_]\w*)\}")


def rounds(written: str, text: str) -> list[str]:
    """A text with a hole for the variable of such a loop, once for each name; any other as it is.

    >>> rounds("TRUNCATE #{t}", "%w[a b].each do |t|"), rounds("TRUNCATE #{t}", "")
    (['TRUNCATE a', 'TRUNCATE b'], ['TRUNCATE #{t}'])
    """
    found = _HOLE.search(written)
    names = gone_through(text).get(found[1], ()) if found else ()
    return [written.replace(found[0], each) for each in names] if found and names else [written]


def _held(name: str, text: str) -> tuple[str, ...]:
    given = list(islice(re.finditer(rf"(?<![\w.])\$?{name}\b(?:\s*:[^=\n]{{0,40}})?\s*:?=(?!=)\s*{_LIST}", text), 2))
    return _listed(given[0]["items"], given[0]["words"]) if len(given) == 1 else ()


def _listed(items: str | None, words: str | None) -> tuple[str, ...]:
    if words is not None:
        return tuple(words.split())
    told = [_NAME.fullmatch(each) for each in (items or "").rstrip().removesuffix(",").split(",")]
    return tuple(each["quoted"] or each["symbol"] for each in told if each) if all(told) else ()
