# ruff: noqa: E501 tables of patterns
"""Removals that stand without the parentheses of a call: forms of Lisps, of functional languages, mutations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from triage_kit.parse.migration import Operation
from triage_kit.parse.removals.names import MOST, line_at, removal_of

LISPS = (
    ".clj",
    ".cljs",
    ".cljc",
    ".edn",
    ".bb",
    ".lisp",
    ".cl",
    ".el",
    ".scm",
    ".rkt",
    ".fnl",
    ".hs",
    ".ml",
    ".fs",
    ".fsx",
)
_FORMS = [
    # (delete-from :orders), {:delete-from :orders}, delete! ds :orders, drop :orders, drop table_for(Order)
    re.compile(
        r"(?P<verb>delete|truncate|drop)(?:[-_]from|From_?|!|[-_]table|-by-values)?\s+(?:table_for[( ]\s*|(?:ds|db|conn|tx|spec|datasource)\s+)?"
        r"(?::(?:model/)?(?P<symbol>[A-Za-z][\w.-]*)|#(?P<label>[a-z]\w*)|(?<=\()(?P<class>[A-Z]\w*)\))"
    ),
    # delete { for o in orders do …
    re.compile(r"\b(?P<verb>delete)\w*\s*(?:\w+\s*)?\{\s*for\s+\w+\s+in\s+(?:\w+\.)?(?P<symbol>\w+)"),
    # deleteWhere [OrderPlaced <. limit], deleteWhere ([] :: [Filter Order])
    re.compile(
        r"\b(?P<verb>delete)(?:Cascade)?Where(?:Count)?\s*\(?\s*\[\s*(?:\]\s*::\s*\[\s*Filter\s+)?(?P<class>[A-Z][a-z0-9]+)"
    ),
    # delete Delete { from = orderSchema, … }, delete $ do o <- from $ table @Order
    re.compile(r"\b(?P<verb>delete|Delete)\s*\{[^{}]{0,200}?\b(?:from|dTable)\s*=\s*(?P<symbol>\w+)"),
    re.compile(r"\b(?P<verb>delete)\s*\$[^;]{0,120}?\btable\s*@(?P<class>\w+)"),
    # mutation { delete_orders(where: …) { affected_rows } }
    re.compile(
        r"\b(?P<verb>delete)_(?P<symbol>[a-z]\w*?)(?:_by_pk)?\s*\((?=[^(){}]*(?:where\s*:|_by_pk|\bid\s*:))(?=.{0,400}?(?:affected_rows|returning|_by_pk))",
        re.DOTALL,
    ),
]
_FORM_CLUES = ("", " in ", "Where", "elete", "table @", "delete_")  # without its one a form is not there


def forms_of_removal(text: str, blanked: str, lisp: bool) -> Iterator[Operation]:
    """What stands without the parentheses of a call: forms of Lisps and functional languages, commands, mutations."""
    for clue, pattern in zip(_FORM_CLUES, _FORMS, strict=True):
        if clue not in text:
            continue
        shown = text if "affected_rows" in pattern.pattern else blanked
        for found in islice(pattern.finditer(shown), MOST):
            before = text[max(0, found.start() - 1) : found.start()]
            if before and (before.isalnum() or before in ("_.-@#$" if lisp else "_.-@/#$")):
                continue
            name = next(each for key, each in found.groupdict().items() if key != "verb" and each)
            operation = {"drop": "drop_table", "truncate": "truncate", "delete": "delete"}[found["verb"].lower()]
            rest = text[found.end() : found.end() + 200]
            bounded = bool(re.search(r"(?i)where|<|=", rest.split("\n\n")[0])) if operation == "delete" else None
            made = removal_of(operation, name.rsplit("/", 1)[-1], bounded)
            made.line, made.text = text.count("\n", 0, found.start()) + 1, line_at(text, found.start())
            yield made
