"""The words that the page cannot do without, for readers who do not run databases."""

from __future__ import annotations

from triage_kit.plot import html
from triage_kit.plot.html import Html, tag

# Meanings as in the PostgreSQL documentation (glossary, WAL configuration, system columns), in words of everyday.
WORDS = (
    ("WAL", "write-ahead log: the server's own record of every change, kept in files of 16 MB (segments) in pg_wal; "
     "rows and transactions can be read out of it until it is recycled"),
    ("checkpoint", "the server writes all changed pages to disk; afterwards it may recycle old WAL files"),
    ("transaction, xid", "statements that take effect together or not at all; its number is its xid"),
    ("commit", "the moment at which a transaction takes effect; undone before it, it was rolled back"),
    ("pg_class.xmin", "the number of the transaction that last wrote a table's entry in the catalogue: a TRUNCATE "
     "leaves its own there"),
    ("TRUNCATE", "empties whole tables at once, without counting rows; with CASCADE also every table that refers to "
     "them"),
    ("foreign key, ON DELETE", "a table that refers to rows of another one, and what a DELETE there does to it"),
    ("G1, G2 \u2026", "losses: tables that one transaction, one statement or one hand damaged together"),
    ("intact", "no committed row is known to be gone; a table that was empty before it was hit is intact"),
    ("partial", "some rows are missing; or all that stood there are, and newer ones came since"),
    ("autovacuum", "the server's own cleaner: it removes deleted rows for good, and refreshes statistics"),
    ("decibans", "how much an observation speaks for or against: 10 are ten to one, 20 a hundred to one"),
)  # fmt: skip


def glossary() -> Html:
    """The words of this page and what they mean, folded."""
    return html.folded(
        "What the words mean", tag("dl", *(html.join([tag("dt", word), tag("dd", said)]) for word, said in WORDS))
    )
