"""Which roles could have done it: owners, their members and superusers, told from those that were refused.

pg_class and pg_roles are there for whoever may connect, and the log keeps what was denied whatever it is set to.
"""

from __future__ import annotations

import re

from triage_kit import schemas
from triage_kit.analyse.context import rows
from triage_kit.analyse.groups import Group
from triage_kit.analyse.inquiry import Inquiry

# What only an owner may do, and TRUNCATE, whose privilege of its own is hardly ever granted.
OWNERS = ("truncate", "recreate", "drop", "partition_drop", "column_drop")


def unable(role: str | None, group: Group, inquiry: Inquiry) -> bool:
    """Whether a role cannot have done it: it owns none of the roots, or was refused to touch one.

    A role that nothing is known of may have done it.
    """
    known = {row["name"]: row for row in rows(inquiry.evidence["roles"])}
    if role not in known or known[role]["superuser"]:
        return False
    tables = [inquiry.tables[name] for name in group.roots or group.tables if name in inquiry.tables]
    owners = {table.relation["owner"] for table in tables} - {None}
    if not owners or _memberships(role, known) & {*owners, *_superusers(known)}:
        return False
    return group.mechanism in OWNERS or _was_refused(role, group, inquiry)


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
