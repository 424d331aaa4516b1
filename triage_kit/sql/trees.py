"""One statement as PostgreSQL's own grammar reads it, for those who need more of it than its effects."""

from __future__ import annotations

from typing import Any

from triage_kit.sql.fallback import Unreadable


def tree(statement: str) -> tuple[str, Any]:
    """Kind and node of one statement, as libpg_query names them; raises Unreadable for anything else.

    Locations in the node are bytes of the UTF-8 text. A statement that could nest too deep for the parser's stack is
    not tried.

    >>> tree("CREATE TABLE a (b int)")[0]
    'create_stmt'
    """
    try:
        import postgast

        from triage_kit.sql.grammar import too_deep
    except ImportError as error:
        raise Unreadable("postgast is not installed") from error
    if too_deep(statement):
        raise Unreadable("too big or too deep")
    try:
        parsed = postgast.parse(statement.replace("\0", " ").encode("utf-8", "replace").decode("utf-8"))
    except Exception as error:  # PgQueryError, protobuf's DecodeError, whatever a foreign parser raises
        raise Unreadable(str(error)) from error
    if len(parsed.stmts) != 1:
        raise Unreadable(f"{len(parsed.stmts)} statements where one was given")
    kind = parsed.stmts[0].stmt.WhichOneof("node")
    return kind, getattr(parsed.stmts[0].stmt, kind)


__all__ = ["Unreadable", "tree"]
