"""What of a table an INSERT of copied rows has to know, as the catalogue tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from triage_kit.analyse import circles, declared
from triage_kit.analyse.context import by_table
from triage_kit.analyse.losses import relations_of

# Values of these lie in their row whole, and each of their bytes says something: no salvage lacks one.
ALWAYS_READ = {"bool", "int2", "int4", "int8", "oid", "float4", "float8", "name", "uuid", "date", "timestamp",
               "timestamptz", "time", "timetz", "interval"}  # fmt: skip


@dataclass(frozen=True)
class Form:
    """What of a table an INSERT has to know: its columns, a key without NULLs, and whether ON CONFLICT may be used.

    ``filled`` are the columns that must not be NULL and that salvaged rows may lack.
    """

    name: str
    kind: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    deferrable: bool
    own_parent: bool
    filled: tuple[str, ...] = ()

    @property
    def by_itself(self) -> bool:
        """Whether no dump brings its rows: ON CONFLICT does not tell which stand, or a row refers to one after it."""
        return self.kind == "table" and bool(self.columns) and (self.deferrable or self.own_parent or not self.key)


def forms(
    names: Sequence[str], evidence: Mapping[str, pd.DataFrame], parts: Sequence[declared.Part] = ()
) -> dict[str, Form]:
    """The form of each table of these names; ``parts`` are keys that they have lost."""
    standing = relations_of(evidence)
    oids = {standing[name]["oid"] for name in names if name in standing}
    columns, constraints = (
        by_table(evidence[source][evidence[source]["table_oid"].isin(oids)]) for source in ("columns", "constraints")
    )
    found = {name: _with_key(_form(name, standing.get(name), columns, constraints), parts) for name in names}
    round_ = {
        child for child, _, _ in circles.of(names, evidence)
    }  # keys of these are checked at the commit, own ones too
    return {name: replace(form, own_parent=form.own_parent and name not in round_) for name, form in found.items()}


def _with_key(form: Form, parts: Sequence[declared.Part]) -> Form:
    """The form with the key that the table has lost, which no ON CONFLICT knows of."""
    key = () if form.key or form.kind != "table" else declared.key_of(form.name, parts)
    return replace(form, key=key, deferrable=True) if key else form


def _form(
    name: str, relation: dict | None, columns: Mapping[int, Sequence[dict]], constraints: Mapping[int, Sequence[dict]]
) -> Form:
    if relation is None:
        return Form(name, "missing", (), (), False, False)
    own = sorted((each for each in columns[relation["oid"]] if not each["dropped"]), key=lambda each: each["position"])
    filled = {each["name"] for each in own if each["not_null"]}
    keys = [each for each in constraints[relation["oid"]]
            if each["kind"] in ("primary_key", "unique", "exclusion")]  # fmt: skip
    whole = [each for each in keys if each["kind"] == "primary_key"
             or (each["kind"] == "unique" and filled.issuperset(each["columns"]))]  # fmt: skip
    whole.sort(key=lambda each: (bool(each["deferrable"]), each["kind"] != "primary_key", each["name"]))
    return Form(
        name,
        relation["kind"],
        tuple(each["name"] for each in own if not each["generated"]),
        tuple(whole[0]["columns"]) if whole else (),
        any(each["deferrable"] for each in keys),
        any(each["kind"] == "foreign_key" and each["referenced_oid"] == relation["oid"]
            for each in constraints[relation["oid"]]),
        tuple(each["name"] for each in own
              if each["not_null"] and not each["generated"] and each["base_type"] not in ALWAYS_READ),
    )  # fmt: skip
