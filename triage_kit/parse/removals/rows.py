# ruff: noqa: E501 tables of patterns
"""Calls that remove rows."""

from __future__ import annotations

import re
from functools import lru_cache

from triage_kit.parse.chains import Call
from triage_kit.parse.migration import Operation
from triage_kit.parse.orm_rules import limited
from triage_kit.parse.removals.names import (
    CARRIER,
    GIVEN,
    LITERAL,
    LOOP,
    MOST_HELD,
    NO_ROWS,
    SYMBOL,
    held_by,
    name_of_match,
    removal_of,
)
from triage_kit.parse.removals.receivers import KEEPS, MAPS, SENDS, SENT, by_chain

_BARE = re.compile(
    r"\s*(?:\w+\.)*(?P<name>[A-Z]\w*|[a-z_]\w*(?:::table|_?[tT]able)?)(?:\.(?:table|TABLE|\$|type|__table__))?\s*(?:[,)]|\Z)"
)
_ANY_SOURCE = re.compile(rf"(?i:\b(?:table|from|into)_?)\s*\(\s*(?:{LITERAL}|{SYMBOL})")
_BODY = re.compile(r"\s*(?::\s*[\w<>\[\], |]+\s*)?(?:throws\s+\w+\s*)?\{|\s*=>|\s*:\s*Promise")


# Prisma's, of the one row that a unique key picks.
_OF_ONE = re.compile(r"\s*\{\s*where\s*:")


def rows_removed(call: Call, text: str) -> Operation | None:
    groups = call.found.groupdict()
    verb, mass = (
        groups["verb"].lower().replace("deletes", "delete"),
        bool(groups["mass"] or groups["bulk"]) or groups["verb"].lower() == "truncate",
    )
    if _BODY.match(call.following) and not groups["join"]:
        return None
    if groups["name"] == "delete" and _OF_ONE.match(call.arguments):
        return None
    chain = call.chain
    if chain.startswith("(") and (typed := _TYPED.search(text, max(0, begin_of(call) - 200), begin_of(call))):
        chain = typed[0] + chain
    begin = call.found.start() - len(chain)
    before = text[max(0, begin - 40) : begin].rstrip()
    if (groups["join"] or "").startswith(("|>", "%>%")) or before.endswith(("|>", "%>%")):
        chain = _piped(call, text)
    elif chain.startswith("{"):  # a block that the chain has given to one of its calls
        chain = text[text.rfind("\n", 0, call.found.start() - len(chain)) + 1 : call.found.start()].strip()
    opened = text.startswith("(", call.found.end())
    rest = text[call.found.end() : call.found.end() + 40].lstrip(" \t")
    if not opened and not (
        groups["join"] and (chain.endswith((")", "}", "]")) or rest.startswith(("{", "|>", ".where(", ".Where(")))
    ):
        return None
    told_of = _of_rows(call._replace(chain=chain), text, verb, mass)
    if not told_of:
        return None
    name, by_argument = told_of
    name = re.sub(r"(?<=\w{3})(?:Query(?:Builder)?|Entity)\Z|\AQ(?=[A-Z][a-z])", "", name)
    if verb in ("drop", "truncate"):
        return removal_of("drop_table" if verb == "drop" else "truncate", name)
    return removal_of("delete", name, _bounded(call._replace(chain=chain), text, by_argument))


def _piped(call: Call, text: str) -> str:
    before = text[max(0, call.found.start() - 600) : call.found.start()]
    return re.split(r"\n[ \t]*\n|\n(?=\S)|\b(?:do|then|begin)[ \t]*\n|->[ \t]*\n|[^=<>!]=[ \t\n]", before)[-1]


def _of_rows(call: Call, text: str, verb: str, mass: bool) -> tuple[str, bool] | None:
    """The table or class whose rows a call removes, and whether its arguments name it; None for another call."""
    chain, arguments = call.chain.rstrip(), CARRIER.sub("", call.arguments, count=1)
    generic = (call.found["generic"] or "").strip("<>[]:").rsplit(".", 1)[-1]
    makes = re.match(r"(?i)(?:create|new|build)", call.found["name"]) is not None
    sends, maps = makes or SENDS.search(chain) is not None, MAPS.search(chain) is not None
    keeps = not sends and KEEPS.search(chain) is not None
    only = _BARE.fullmatch(arguments)
    if mass and only and only["name"][:1].isupper() and re.fullmatch(r"(?:\w+\.)*[A-Z]\w*", chain) and not keeps:
        return (only["name"], True) if not NO_ROWS.match(only["name"]) else None
    if generic[:1].isupper() and len(generic) > 1 and not keeps and not NO_ROWS.match(generic):
        return generic, True
    if named := by_chain(chain, text, verb, mass, arguments, call.following):
        return named, False
    if keeps or not (chain or not call.found["join"]):
        return None
    free = not chain and not call.found["join"]
    given = GIVEN.match(arguments)
    if given and (given["literal"] or given["symbol"]):
        told_so = (sends and verb != "del") or (mass and (maps or "from" in call.found["name"].lower()))
        return (name_of_match(given), True) if told_so else None
    if given and (name := name_of_match(given)) and not NO_ROWS.match(name):
        return name, True
    if (source := name_of_match(_ANY_SOURCE.search(arguments))) and (sends or maps):
        return source, True
    if loop := LOOP.match(arguments):
        return (loop["name"], True) if free else None
    bare = _BARE.match(arguments)
    if bare and (sends or maps or free) and verb in ("delete", "truncate", "destroy"):
        name = bare["name"].removesuffix("::table")
        if name[:1].isupper() and not NO_ROWS.match(name) and (mass or sends or maps):
            return name, True
        if name[:1].islower() and not mass and sends and SENT.match(call.following):
            return _bound_to(name, text) or name, True
        if name[:1].islower() and mass and (sends or "from" in call.found["name"].lower()) and len(name) > 2:
            return held_by(arguments, text) or name, True
    return None


_TYPED = re.compile(r"[\w.$:>-]+<[\w.:, ]{1,80}>\Z")


def begin_of(call: Call) -> int:
    """Where the chain of a call begins."""
    return call.found.start() - len(call.chain)


@lru_cache(maxsize=256)
def _bound_to(name: str, text: str) -> str:
    """What a variable is that stands for a table: the class it is declared as, or the last name it is given."""
    found = re.search(
        rf"(?m)\b(?P<type>Q?[A-Z]\w*?)(?:Table)?[ \t]+{re.escape(name)}[ \t]*=|(?<!\w){re.escape(name)}[ \t]*=[ \t]*(?:\w+\.)+(?P<last>\w+)[ \t]*;?$",
        text[:MOST_HELD],
    )
    return name_of_match(found)


_CONDITION = re.compile(r"[\w\])}]\s*(?:[<>]=?|[!=]==?|=)\s*|=>|\bwhere\b|\{\s*[\"']?\w+[\"']?\s*[:=]|\[\s*['\"]\w+")


def _bounded(call: Call, text: str, by_argument: bool) -> bool:
    name = call.found["name"].lower()
    if "where" in name or "older" in name or "expired" in name or re.search(r"by_?\w", name.replace("bulk", "")):
        return "1 = 1" not in call.arguments
    arguments = call.arguments
    if by_argument:
        arguments = CARRIER.sub("", arguments, count=1).partition(",")[2] or (
            arguments if call.found["generic"] else ""
        )
    if re.search(r"[\"'`]1\s*=\s*1[\"'`]", call.chain + arguments):
        return False
    return bool(_CONDITION.search(arguments)) or limited(call) or bool(_PICKED.search(call.chain))


_PICKED = re.compile(
    r"(?i)(?:\.|->|::)(?:where\w*|filter\w*|search|find\w*|having|condition|limit|exclude)\s*[({\[]\s*[^\s)}\]]"
)
