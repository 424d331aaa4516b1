"""Tables that a program works off: what comes back into one unmarked is done again, mails and calls to others too."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import by_table
from triage_kit.analyse.losses import relations_of, remarked
from triage_kit.analyse.marks import words
from triage_kit.analyse.queues import CONSUMES, PASSING

# Words of names, without accents: what has gone out of the house, which nothing takes back.
_SENT = re.compile(
    r"sent|mailed|emailed|e-?mailed|notified|enqueued|queued|requeued|"
    r"(?:ab|ver)?gesendet|envoye(?:e|s|es)?|enviad[oa]|inviat[oa]|"
    r"sendt|skickad|skickat|wyslan[oaey]|odeslan[oaey]?|lahetetty|elkuldve|gonderildi|отправлен[оаы]?|відправлен[оаы]?"
)
# What a program notes of its work on a row, or people of theirs: goods are dispatched, too. By themselves such columns
# say nothing of a queue.
_WORKED = re.compile(
    r"status|state|dispatched|versendet|verschickt|verstuurd|verzonden|processed|delivered|published|handled|consumed|executed|completed|finished|acked|acknowledged|"
    r"attempts?|tries|retries|retry|locked|reserved|claimed|available|scheduled|pushed|synced|exported|failed|done|"
    r"verarbeitet|zugestellt|erledigt|versuche|traite(?:e)?|procesad[oa]|processad[oa]|elaborat[oa]|estado|stato|statut"
)
# What a program alone notes: people have tasks that are done and events that have a status.
_TRIED = re.compile(
    r"processed|handled|consumed|executed|acked|acknowledged|attempts?|tries|retries|retry|locked|reserved|claimed|"
    r"verarbeitet|zugestellt|versuche|procesad[oa]|processad[oa]|elaborat[oa]"
)
_AFFAIRS = re.compile(r"tasks?|events?|campaigns?|alerts?|invitations?")
# Names of what is handed on, one row a message; they need a column of one of the first two kinds besides.
_MESSAGES = re.compile(
    r"e?mails?|notifications?|webhooks?|messages?|sms|push|deliver(?:y|ies)|reminders?|letters?|newsletters?|"
    r"dispatch(?:es)?|callbacks?|benachrichtigung(?:en)?|nachrichten?|"
    r"erinnerung(?:en)?|briefe?|versand|postausgang|ausgang|courriels?|rappels?|avisos?|correos?|notificacion(?:es)?|"
    r"notificac(?:ao|oes)|notific(?:a|he)|messaggi(?:o)?|berichten?|meldinger|varsler|powiadomienia|уведомления"
)
_QUEUES = re.compile(r"warteschlangen?|file_d?_?attente|cola|fila|coda|wachtrij|kolejka|jono|очередь|черга")
_STAGES = re.compile(r"(?i)stage|staging|stg|tmp|temp|scratch|buffer|landing|_feed\b")  # rows pass, nothing is sent
MOST_TOLD = 3


def worked_off(names: Sequence[str], evidence: Mapping[str, pd.DataFrame]) -> dict[str, str | None]:
    """Of some tables those that a program works off, each with the column in which it notes that; None where none does.

    By their names, by a column that says a row was sent, or by a statement that takes rows with SKIP LOCKED.
    """
    standing = relations_of(evidence)
    oids = {name: standing[name]["oid"] for name in names if name in standing}
    own = evidence["columns"]
    columns = by_table(own[own["table_oid"].isin(set(oids.values())) & ~own["dropped"].fillna(False).astype(bool)])
    consumed = _consumed(evidence)
    found: dict[str, str | None] = {}
    for name in names:
        marks = [row["name"] for row in columns[oids[name]]] if name in oids else []
        if queue_like(name, marks) or schemas.parts(name)[1].lower() in consumed:
            found[name] = _noted_in(marks)
    return found


def queue_like(table: str, columns: Sequence[str]) -> bool:
    """Whether a table's name and its columns say that its rows are handed on.

    >>> queue_like("mail_queue", []), queue_like("notifications", ["id", "status"]), queue_like("bills", ["sent_at"])
    (True, True, True)
    >>> queue_like("notifications", ["id", "body"]), queue_like("orders", ["status"]), queue_like("stage_queue", [])
    (False, False, False)
    >>> queue_like("tasks", ["done"]), queue_like("orders", ["dispatched_at"]), queue_like("tasks", ["attempts"])
    (False, False, True)
    """
    bare = schemas.parts(table)[1]
    if _STAGES.search(bare):
        return False
    named = words(bare)
    if PASSING.search(table) or any(_QUEUES.fullmatch(each) for each in named):
        return True
    told = [each for column in columns for each in words(column)]
    message, affair = (any(kind.fullmatch(each) for each in named) for kind in (_MESSAGES, _AFFAIRS))
    return any(
        _SENT.fullmatch(each) or (message and _WORKED.fullmatch(each)) or (affair and _TRIED.fullmatch(each))
        for each in told
    )


def _noted_in(columns: Sequence[str]) -> str | None:
    """The column that tells what was done already: of having been sent before any other."""
    for kind in (_SENT, _WORKED):
        for column in columns:
            if any(kind.fullmatch(each) for each in words(column)):
                return column
    return None


def _consumed(evidence: Mapping[str, pd.DataFrame]) -> set[str]:
    """Bare names after FROM of the statements that take rows with SKIP LOCKED."""
    texts = pd.concat([evidence["statements"]["text"], evidence["log_events"]["statement"]]).dropna()
    taking = texts[texts.str.contains(CONSUMES)].unique()
    return {name.strip('"').lower() for text in taking
            for name in re.findall(r'(?i)\bfrom\s+(?:(?:"[^"]+"|\w+)\s*\.\s*)?("[^"]+"|\w+)', text)}  # fmt: skip


def beware(found: Mapping[str, str | None]) -> str:
    """What to do before rows come back into such tables, in a sentence; nothing where there is none.

    >>> beware({"s.outbox": "sent_at"})
    'a program may work off s.outbox (sent_at): pause it first, or it sends or does again what comes back undone'
    """
    if not found:
        return ""
    told = [f"{name} ({column})" if column else name for name, column in found.items()]
    more = f" and {len(told) - MOST_TOLD} more" if len(told) > MOST_TOLD else ""
    named = ", ".join(told[:MOST_TOLD]) + more
    return f"a program may work off {remarked(named)}: pause it first, or it sends or does again what comes back undone"
