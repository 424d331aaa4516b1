"""Alembic's and Django's own calls as the DDL that they send, as far as it declares keys, numbering and indexes.

Read are literals, as the migrations themselves write them (https://alembic.sqlalchemy.org/en/latest/ops.html,
https://docs.djangoproject.com/en/stable/ref/migration-operations/); what only a run would tell declares nothing. Types
are left out, but for those that number a column: nothing is made of the columns here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterator, Mapping

from triage_kit import schemas, sql
from triage_kit.analyse.losses import literal

_CALL = re.compile(r"[\w.]+\(")
_SERIAL = {"Integer": "serial", "INTEGER": "serial", "BigInteger": "bigserial", "BIGINT": "bigserial",
           "SmallInteger": "smallserial", "SMALLINT": "smallserial"}  # fmt: skip
_AUTO = ("AutoField", "BigAutoField", "SmallAutoField")
_FOREIGN = ("ForeignKey", "OneToOneField")


def as_sql(text: str, table: str, stand: Collection[str]) -> str:
    """Statements for one call; empty where it is none that declares anything, or cannot be read.

    ``table`` is the one that it concerns, ``stand`` are the columns that it has now: Django names fields.

    >>> as_sql("op.create_primary_key('pits_pkey', 'pits', ['id'])", "pits", ())
    'ALTER TABLE pits ADD CONSTRAINT pits_pkey PRIMARY KEY (id)'
    """
    if not _CALL.match(text):
        return ""
    try:
        node = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""  # a long one is cut where it was collected
    rule = _RULES.get(_last(node.func)) if isinstance(node, ast.Call) else None
    if not isinstance(node, ast.Call) or rule is None or not table or "{" in table:
        return ""
    return ";\n".join(rule(_Call(node), _Table(table, stand)))


class _Table:
    """The table of a call: its name in SQL and the columns that it has now."""

    def __init__(self, name: str, stand: Collection[str]) -> None:
        schema, self.bare = schemas.parts(name)
        self.written = sql.quote_qualified(schema, self.bare) if schema else sql.quote_ident(self.bare)
        self._stand = stand

    def column(self, field: str) -> str:
        """The column of one of Django's fields: that of a foreign key has a suffix."""
        return f"{field}_id" if field not in self._stand and f"{field}_id" in self._stand else field

    def add(self, name: object, what: str) -> str:
        """The statement that adds a constraint, or nothing that has a name by itself."""
        named = f"CONSTRAINT {sql.quote_ident(name)} " if isinstance(name, str) else ""
        return f"ALTER TABLE {self.written} ADD {named}{what}"


class _Call:
    """A call with its literal arguments."""

    def __init__(self, node: ast.Call) -> None:
        self.kind, self.args = _last(node.func), node.args
        self.given = {each.arg: each.value for each in node.keywords if each.arg}

    def node(self, place: int, keyword: str) -> ast.expr | None:
        return self.given.get(keyword, self.args[place] if 0 <= place < len(self.args) else None)

    def value(self, place: int, keyword: str) -> object:
        """A literal, that within ``op.f(…)`` or ``sa.text(…)`` too; None for all else."""
        return _literal(self.node(place, keyword))

    def names(self, place: int, keyword: str) -> list[str]:
        """A list of names; empty where one of them is none."""
        told = self.value(place, keyword)
        listed = [told] if isinstance(told, str) else told if isinstance(told, (list, tuple)) else ()
        return [*listed] if all(isinstance(each, str) for each in listed) else []

    def calls(self, place: int, keyword: str) -> list[_Call]:
        """The calls in a list."""
        found = self.node(place, keyword)
        listed = found.elts if isinstance(found, (ast.List, ast.Tuple)) else []
        return [_Call(each) for each in listed if isinstance(each, ast.Call)]


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _literal(node: ast.expr | None) -> object:
    if isinstance(node, ast.Call) and _last(node.func) in ("f", "text", "literal_column") and node.args:
        node = node.args[0]
    try:
        return ast.literal_eval(node) if node is not None else None
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def _listed(names: Collection[str]) -> str:
    return ", ".join(map(sql.quote_ident, names))


def _actions(call: _Call) -> str:
    """What a foreign key does when its parent goes, and when it is checked."""
    said = ""
    for event in ("delete", "update"):
        if isinstance(action := call.value(-1, f"on{event}"), str) and re.fullmatch(r"[A-Za-z ]+", action):
            said += f" ON {event.upper()} {action.upper()}"
    late = call.value(-1, "initially")
    said += " DEFERRABLE" if call.value(-1, "deferrable") is True else ""
    return said + (f" INITIALLY {late.upper()}" if isinstance(late, str) and late.isalpha() else "")


def _refers(target: str) -> str:
    """REFERENCES for ``schema.table.column``."""
    *table, column = target.split(".")
    return f"REFERENCES {'.'.join(map(sql.quote_ident, table))} ({sql.quote_ident(column)})" if table else ""


def _create_table(call: _Call, table: _Table) -> Iterator[str]:
    parts = [_Call(each) for each in call.args if isinstance(each, ast.Call)]
    columns = [each for each in parts if each.kind == "Column"]
    told = [line for each in parts if (line := _constraint(each, table))]
    keyed = [name for each in parts if each.kind == "PrimaryKeyConstraint" for name in map(_literal, each.args)]
    keyed += [each.value(0, "name") for each in columns if each.value(-1, "primary_key") is True]
    if keyed and not any(each.kind == "PrimaryKeyConstraint" for each in parts):
        told.append(f"PRIMARY KEY ({_listed([each for each in keyed if isinstance(each, str)])})")
    elements = [line for each in columns if (line := _column(each, keyed))]
    if elements:
        yield f"CREATE TABLE {table.written} ({', '.join([*elements, *told])})"
        yield from (line for each in columns if (line := _indexed(each, table)))


def _column(call: _Call, keyed: Collection[object] = ()) -> str:
    """A column with what hangs on it; SQLAlchemy numbers a key of one whole number unless it refers to another."""
    name = call.value(0, "name")
    if not isinstance(name, str):
        return ""
    inner = [_Call(each) for each in call.args[1:] if isinstance(each, ast.Call)]
    kinds = [_last(each.func if isinstance(each, ast.Call) else each) for each in call.args[1:]]
    kinds += [_last(each.func if isinstance(each, ast.Call) else each) for each in [call.given.get("type_")] if each]
    serial = next((_SERIAL[each] for each in kinds if each in _SERIAL), None)
    wanted = call.value(-1, "autoincrement")
    alone = list(keyed) == [name] and not {"ForeignKey", "Identity", "Computed"} & set(kinds)
    alone = alone and "server_default" not in call.given and wanted is not False
    told = [sql.quote_ident(name), serial if serial and (alone or wanted is True) else "text"]
    for each in inner:
        target = each.value(0, "column")
        if each.kind == "Identity":
            told.append(f"GENERATED {'ALWAYS' if each.value(0, 'always') is True else 'BY DEFAULT'} AS IDENTITY")
        elif each.kind == "ForeignKey" and isinstance(target, str) and (refers := _refers(target)):
            named = each.value(-1, "name")
            told.append(f"CONSTRAINT {sql.quote_ident(named)}" if isinstance(named, str) else "")
            told.append(refers + _actions(each))
    told += [f"DEFAULT {default}"] if (default := _default(call.given.get("server_default"))) else []
    told += ["UNIQUE"] if call.value(-1, "unique") is True and call.value(-1, "index") is not True else []
    return " ".join(filter(None, told))


def _default(node: ast.expr | None) -> str:
    """The expression of ``server_default``: a text is a value, ``sa.text`` an expression, ``sa.func`` a call."""
    told = _literal(node)
    if isinstance(node, ast.Call) and isinstance(told, str):
        return told
    if isinstance(told, str):
        return literal(told)
    if isinstance(node, ast.Call) and not node.args and not node.keywords and isinstance(node.func, ast.Attribute):
        within = node.func.value
        called = isinstance(within, (ast.Name, ast.Attribute)) and _last(within) == "func"
        return f"{node.func.attr}()" if called else node.func.attr if node.func.attr in ("true", "false") else ""
    return ""


def _alter_column(call: _Call, table: _Table) -> Iterator[str]:
    """A default that is set or taken away; one that cannot be read counts as taken away."""
    column = call.value(_shift_of_column(call), "column_name")
    if "server_default" in call.given and isinstance(column, str):
        told = _default(call.given["server_default"])
        what = f"SET DEFAULT {told}" if told else "DROP DEFAULT"
        yield f"ALTER TABLE {table.written} ALTER COLUMN {sql.quote_ident(column)} {what}"


def _shift_of_column(call: _Call) -> int:
    """The place of the column, which follows the table unless a batch has bound that."""
    return int(isinstance(call.value(1, "column_name"), str))


def _indexed(call: _Call, table: _Table) -> str:
    """The index that ``index=True`` makes, as SQLAlchemy names it."""
    name = call.value(0, "name")
    if call.value(-1, "index") is not True or not isinstance(name, str):
        return ""
    unique = "UNIQUE " if call.value(-1, "unique") is True else ""
    return f"CREATE {unique}INDEX {sql.quote_ident(f'ix_{table.bare}_{name}')} ON {table.written} ({_listed([name])})"


def _constraint(call: _Call, table: _Table) -> str:
    """A table constraint within ``create_table``."""
    named = call.value(-1, "name")
    start = f"CONSTRAINT {sql.quote_ident(named)} " if isinstance(named, str) else ""
    own = [each for each in map(_literal, call.args) if isinstance(each, str)]
    if call.kind in ("PrimaryKeyConstraint", "UniqueConstraint") and own and len(own) == len(call.args):
        word = "PRIMARY KEY" if call.kind == "PrimaryKeyConstraint" else "UNIQUE"
        return f"{start}{word} ({_listed(own)})"
    if call.kind == "CheckConstraint" and own:
        return f"{start}CHECK ({own[0]})"
    columns, targets = call.names(0, "columns"), call.names(1, "refcolumns")
    if call.kind != "ForeignKeyConstraint" or not columns or len(columns) != len(targets):
        return ""
    parents = {each.rpartition(".")[0] for each in targets}
    if len(parents) > 1 or "" in parents:
        return ""
    written = ".".join(map(sql.quote_ident, parents.pop().split(".")))
    theirs = _listed([each.rpartition(".")[2] for each in targets])
    return f"{start}FOREIGN KEY ({_listed(columns)}) REFERENCES {written} ({theirs}){_actions(call)}"


def _shift(call: _Call, table: _Table) -> int:
    """One where the call names its table; none in a batch, which has bound it."""
    return int(call.value(1, "table_name") == table.bare or call.value(1, "source_table") == table.bare)


def _create_key(call: _Call, table: _Table) -> Iterator[str]:
    if columns := call.names(1 + _shift(call, table), "columns"):
        word = "PRIMARY KEY" if call.kind == "create_primary_key" else "UNIQUE"
        yield table.add(call.value(0, "constraint_name"), f"{word} ({_listed(columns)})")


def _create_check(call: _Call, table: _Table) -> Iterator[str]:
    if isinstance(condition := call.value(1 + _shift(call, table), "condition"), str):
        yield table.add(call.value(0, "constraint_name"), f"CHECK ({condition})")


def _create_foreign_key(call: _Call, table: _Table) -> Iterator[str]:
    at = 1 + _shift(call, table)
    parent, schema = call.value(at, "referent_table"), call.value(-1, "referent_schema")
    own, theirs = call.names(at + 1, "local_cols"), call.names(at + 2, "remote_cols")
    if isinstance(parent, str) and own and theirs:
        written = sql.quote_qualified(schema, parent) if isinstance(schema, str) else sql.quote_ident(parent)
        told = f"FOREIGN KEY ({_listed(own)}) REFERENCES {written} ({_listed(theirs)}){_actions(call)}"
        yield table.add(call.value(0, "constraint_name"), told)


def _create_index(call: _Call, table: _Table) -> Iterator[str]:
    name, found = call.value(0, "index_name"), call.node(1 + _shift(call, table), "columns")
    listed = found.elts if isinstance(found, (ast.List, ast.Tuple)) else []
    told = [(_literal(each), isinstance(each, ast.Call)) for each in listed]
    where, using = call.value(-1, "postgresql_where"), call.value(-1, "postgresql_using")
    # Of a condition or an expression that is built, the index would be another one without it.
    built = where is None and "postgresql_where" in call.given
    if not isinstance(name, str) or not told or built or not all(isinstance(each, str) for each, _ in told):
        return
    shown = ", ".join(f"({each})" if called else sql.quote_ident(str(each)) for each, called in told)
    method = f" USING {using}" if isinstance(using, str) and using.isalpha() else ""
    unique = "UNIQUE " if call.value(-1, "unique") is True else ""
    only = f" WHERE {where}" if isinstance(where, str) else ""
    yield f"CREATE {unique}INDEX {sql.quote_ident(name)} ON {table.written}{method} ({shown}){only}"


def _add_column(call: _Call, table: _Table) -> Iterator[str]:
    column = next((_Call(each) for each in [*call.args, *call.given.values()]
                   if isinstance(each, ast.Call) and _last(each.func) == "Column"), None)  # fmt: skip
    if column is not None and (told := _column(column)):
        yield f"ALTER TABLE {table.written} ADD COLUMN {told}"
        yield from filter(None, [_indexed(column, table)])


def _create_model(call: _Call, table: _Table) -> Iterator[str]:
    listed, options = call.node(1, "fields"), call.node(2, "options")
    told = []
    for each in listed.elts if isinstance(listed, (ast.List, ast.Tuple)) else []:
        pair = each.elts if isinstance(each, ast.Tuple) else []
        if len(pair) == 2 and isinstance(pair[1], ast.Call):
            told.append(_field(_literal(pair[0]), _Call(pair[1])))
    given = dict(zip(map(_literal, options.keys), options.values, strict=True)) if isinstance(options, ast.Dict) else {}
    told = [*filter(None, told), *_together(given, table)]
    if told:
        yield f"CREATE TABLE {table.written} ({', '.join(told)})"
    for key in ("indexes", "constraints"):
        found = given.get(key)
        for each in found.elts if isinstance(found, (ast.List, ast.Tuple)) else []:
            if isinstance(each, ast.Call):
                yield from _of_model(_Call(each), table)


def _together(options: Mapping[object, ast.expr], table: _Table) -> Iterator[str]:
    """``unique_together`` of a model: one tuple of fields, or several."""
    told = _literal(options.get("unique_together"))
    listed = [*told] if isinstance(told, (list, tuple, set)) else []
    for each in [listed] if listed and all(isinstance(one, str) for one in listed) else listed:
        if isinstance(each, (list, tuple)) and all(isinstance(one, str) for one in each):
            yield f"UNIQUE ({_listed([table.column(one) for one in each])})"


def _field(name: object, call: _Call) -> str:
    """The column of a field. What a field leaves to the model's Python, as a default, is none of the table's."""
    foreign = call.kind in _FOREIGN
    column = call.value(-1, "db_column")
    if not isinstance(name, str) or call.kind == "ManyToManyField":
        return ""
    written = sql.quote_ident(column if isinstance(column, str) else f"{name}_id" if foreign else name)
    numbered = " GENERATED BY DEFAULT AS IDENTITY" if call.kind in _AUTO else ""
    key = " PRIMARY KEY" if call.value(-1, "primary_key") is True else ""
    unique = call.value(-1, "unique") is True or call.kind == "OneToOneField"
    target = call.value(0, "to")
    refers = ""
    if foreign and isinstance(target, str) and target.count(".") == 1 and call.value(-1, "db_constraint") is not False:
        refers = f" REFERENCES {sql.quote_ident(target.replace('.', '_').lower())} DEFERRABLE INITIALLY DEFERRED"
    return f"{written} text{numbered}{key}{' UNIQUE' if unique and not key else ''}{refers}"


def _of_model(call: _Call, table: _Table) -> Iterator[str]:
    """An index or a unique constraint of fields; one with a condition or of expressions is not read."""
    name, fields = call.value(-1, "name"), call.names(-1, "fields")
    if not isinstance(name, str) or not fields or {"condition", "opclasses", "include"} & set(call.given):
        return
    if call.kind == "UniqueConstraint":
        yield table.add(name, f"UNIQUE ({_listed([table.column(each) for each in fields])})")
    elif call.kind == "Index":
        shown = [sql.quote_ident(table.column(each.lstrip("-"))) + " DESC" * each.startswith("-") for each in fields]
        yield f"CREATE INDEX {sql.quote_ident(name)} ON {table.written} ({', '.join(shown)})"


def _add_to_model(call: _Call, table: _Table) -> Iterator[str]:
    found = call.node(1, "index" if call.kind == "AddIndex" else "constraint")
    if isinstance(found, ast.Call):
        yield from _of_model(_Call(found), table)


def _add_field(call: _Call, table: _Table) -> Iterator[str]:
    found = call.node(2, "field")
    if isinstance(found, ast.Call) and (told := _field(call.value(1, "name"), _Call(found))):
        yield f"ALTER TABLE {table.written} ADD COLUMN {told}"


_RULES: dict[str, Callable[[_Call, _Table], Iterator[str]]] = {
    "create_table": _create_table,
    "create_primary_key": _create_key,
    "create_unique_constraint": _create_key,
    "create_check_constraint": _create_check,
    "create_foreign_key": _create_foreign_key,
    "create_index": _create_index,
    "add_column": _add_column,
    "alter_column": _alter_column,
    "CreateModel": _create_model,
    "AddIndex": _add_to_model,
    "AddConstraint": _add_to_model,
    "AddField": _add_field,
}
