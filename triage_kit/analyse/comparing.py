"""Rows that stand under the key of a copied row with other values: a way back leaves them as they are, and shows both.

After TRUNCATE and a reload, or a restore of an older state, keys stand again: ON CONFLICT DO NOTHING passes over the
old rows of those, and which values are right only people can tell.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping

from triage_kit import sql
from triage_kit.analyse.forms import Form
from triage_kit.analyse.losses import written

MOST_SHOWN = 50
SAYS = (
    f"rows that stand with other values than those of the same key that were lost, {MOST_SHOWN} at most: they were "
    "left as they are; decide with the data's owner which are right"
)


def shown(forms: Mapping[str, Form], names: Collection[str]) -> list[Form]:
    """Of some tables those whose rows can be compared: their columns are known, and they have a key."""
    return [each for name, each in forms.items() if name in names and each.columns and each.key]


def query(form: Form, beside: str) -> str:
    """SQL for the rows of a table beside that stand here with other values, each as texts."""
    listed, key = (", ".join(map(sql.quote_ident, each)) for each in (form.columns, form.key))
    both = (
        f"(SELECT {listed} FROM {beside}) AS triage_copy JOIN (SELECT {listed} FROM {written(form.name)}) AS triage_now"  # noqa: S608 quoted names
    )
    return (
        f"SELECT count(*) OVER () AS differ, triage_copy::text AS lost, triage_now::text AS stands FROM {both} "  # noqa: S608
        f"USING ({key}) WHERE triage_copy::text <> triage_now::text ORDER BY {key} LIMIT {MOST_SHOWN}"
    )


def piped(forms: Collection[Form], source: str, into: str, beside: str) -> Iterator[str]:
    """Commands of a shell that show them out of another database; ``beside`` is the name of a temporary table."""
    if forms:
        yield f"# {SAYS}:"
    for form in forms:
        listed, here = ", ".join(map(sql.quote_ident, form.columns)), written(form.name)
        steps = (
            f"CREATE TEMP TABLE {beside} AS SELECT {listed} FROM {here} WITH NO DATA",  # noqa: S608 quoted names
            f"COPY {beside} FROM STDIN (ENCODING 'UTF8')",
            query(form, beside),
        )
        out = f"COPY (SELECT {listed} FROM {here}) TO STDOUT (ENCODING 'UTF8')"  # noqa: S608 quoted names
        told = " ".join(f"--command={shlex.quote(each)}" for each in steps)
        yield f"psql -X {source} --command={shlex.quote(out)} | {into} {told}"
