"""Which roles could have done it: owners, those with the privilege, their members, superusers; and who was refused.

pg_class with its ACLs and pg_roles are there for whoever may connect, and the log keeps what was denied whatever it is
set to. A function that runs as its owner lets a role do more than it may: none of this is proof of anybody's innocence.
"""

from __future__ import annotations

import re

from triage_kit import schemas
from triage_kit.analyse.context import rows
from triage_kit.analyse.groups import Group
from triage_kit.analyse.inquiry import Inquiry

WRITES_ALL = "pg_write_all_data"  # PostgreSQL's own role, 14 and newer: it may delete everywhere, and truncate nowhere
MOST_LEVELS = 20  # of partitions within partitions
# What only an owner may do, and TRUNCATE, whose privilege of its own is hardly ever granted.
OWNERS = ("truncate", "recreate", "drop", "partition_drop", "column_drop")


def unable(role: str | None, group: Group, inquiry: Inquiry) -> bool:
    """Whether a role cannot have done it: it owns no root and lacks the privilege there, or was refused to touch one.

    A role that nothing is known of may have done it; a bundle that was sealed before ACLs were asked tells of owners.
    """
    known = {row["name"]: row for row in rows(inquiry.evidence["roles"])}
    if role not in known or known[role]["superuser"]:
        return False
    tables = [inquiry.tables[name] for name in group.roots or group.tables if name in inquiry.tables]
    owners = {table.relation["owner"] for table in tables} - {None}
    if not owners or _memberships(role, known) & {*owners, *_superusers(known)}:
        return False
    granted = [_granted(table.oid, group.mechanism, inquiry) for table in tables]
    if tables and all(granted):  # known of every root
        held = _memberships(role, known) | {"public"}
        everywhere = {WRITES_ALL} if group.mechanism == "delete" else set()
        return not any(held & (each | everywhere) for each in granted)
    return group.mechanism in OWNERS or _was_refused(role, group, inquiry)


def _granted(oid: int, mechanism: str, inquiry: Inquiry) -> set[str]:
    """Roles that the ACL of a table, or of one that it is a part of, grants what the deed takes; empty where unknown.

    PostgreSQL documentation, partitioning: what goes by the parent takes the parent's privileges alone.
    """
    column = {"delete": "deleters", "truncate": "truncaters"}.get(mechanism)
    if column is None:
        return set()
    every = {row["oid"]: row for row in rows(inquiry.evidence["relations"])}
    found: set[str] = set()
    for _ in range(MOST_LEVELS):
        row = every.get(oid)
        if row is None or not isinstance(row[column], tuple) or not row[column]:
            break
        found |= set(row[column])
        oid = row["parent_oid"]
    return found


def _memberships(role: str, known: dict[str, dict]) -> set[str]:
    """A role with all that it is a member of, one through the other."""
    found, todo = set(), [role]
    while todo:
        each = todo.pop()
        if each not in found:
            found.add(each)
            todo += known.get(each, {}).get("member_of") or ()
    return found


def _superusers(known: dict[str, dict]) -> set[str]:
    return {name for name, row in known.items() if row["superuser"]}


def _was_refused(role: str, group: Group, inquiry: Inquiry) -> bool:
    """Whether a statement of the role on one of the roots was denied: who may not read it deletes nothing there."""
    names = "|".join(re.escape(schemas.parts(name)[1]) for name in group.roots or group.tables)
    told = re.compile(rf"(?i)(?<!\w)(?:{names})(?!\w)")
    return any(who == role and told.search(text) for who, text in inquiry.denied)
