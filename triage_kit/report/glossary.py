"""The terms of PostgreSQL and of the kit that a page uses, each explained once, with a link from its first use."""

from __future__ import annotations

import re

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag

# Term as the glossary calls it: how it may stand in a text, and what it means (PostgreSQL documentation, glossary).
TERMS = {
    "autovacuum": ("autovacuum", "the server's own process that vacuums tables on its own, and so removes dead rows"),
    "bundle": ("bundle", "the sealed folder of evidence that this page was made of; no server was asked after it"),
    "checkpoint": (
        "checkpoints?",
        "the moment at which changed pages are written to the data files; older WAL is not needed then and may go",
    ),
    "commit record": (
        "commit records?",
        "the entry of a transaction in the WAL that says when it was committed, to the microsecond",
    ),
    "dead rows": (
        "dead rows?",
        "deleted or outdated rows that still lie in the table's file until a vacuum or a later access removes them",
    ),
    "decibans": ("decibans?", "a measure of evidence: 10 make a hypothesis ten times as likely against its opposite"),
    "hint bits": ("hint bits?", "marks that the server sets on a row once it knows how the row's transaction ended"),
    "initdb": ("initdb", "the program that makes a new, empty data directory"),
    "LSN": ("LSNs?", "log sequence number: a place in the WAL, written as 0/1D87AF0"),
    "OID": ("OIDs?", "the number that the catalogue knows a table by; a table that is made anew gets another one"),
    "pageinspect": ("pageinspect", "an extension of PostgreSQL that shows the raw pages of a table, dead rows too"),
    "pg_stat_statements": (
        "pg_stat_statements",
        "an extension that counts which statements ran, by which role, and how many rows they touched",
    ),
    "pg_wal": ("pg_wal", "the folder of the server that holds the newest part of the WAL"),
    "point-in-time recovery": (
        "point-in-time recovery",
        "a base backup brought forward by archived WAL to a chosen moment, beside the damaged server",
    ),
    "relfilenode": (
        "relfilenodes?",
        "the number of the file that holds a table's rows; TRUNCATE and rewrites give the table a new one",
    ),
    "replication slot": ("replication slots?", "a mark that makes the server keep WAL until somebody has read it"),
    "standby": ("standby", "a second server that follows this one by its WAL"),
    "sub-transaction": ("sub-?transactions?", "a part of a transaction that can be undone alone, as after SAVEPOINT"),
    "TOAST": ("TOAST", "where PostgreSQL keeps long values: in a table of their own beside the rows"),
    "transaction id": (
        "transaction ids?|xids?|xmin|xmax",
        "the number of a transaction, also called xid; each row carries those that made (xmin) and deleted it (xmax)",
    ),
    "unlogged": ("unlogged", "a table whose changes are not in the WAL; a crash empties it"),
    "vacuum": ("vacuum", "the clean-up that removes dead rows for good and makes their space free"),
    "WAL": ("WAL", "write-ahead log: the server's log of every change, from which it recovers after a crash"),
}
UNTOUCHED = {"a", "abbr", "button", "code", "h1", "h2", "h3", "h4", "nav", "pre", "script", "style", "summary", "svg"}


def add(soup: BeautifulSoup) -> None:
    """Link the first use of each term to its explanation, and put those that were used at the end of the page."""
    main = soup.find("main")
    if not isinstance(main, Tag):
        return
    used = _linked(soup, main)
    if not used:
        return
    section = soup.new_tag("section", attrs={"class": "cell glossary"})
    heading, words = soup.new_tag("h2"), soup.new_tag("dl")
    heading.string = "Glossary"
    for term in sorted(used, key=str.lower):
        said, meaning = soup.new_tag("dt", id=_place(term)), soup.new_tag("dd")
        said.string, meaning.string = term, f"{TERMS[term][1]}."
        words.extend([said, meaning])
    section.extend([heading, words])
    main.append(section)


def _linked(soup: BeautifulSoup, main: Tag) -> list[str]:
    """The terms that stand in the text, each linked where it stands first."""
    left, used = dict(TERMS), list[str]()
    waiting = [each for each in main.find_all(string=True) if type(each) is NavigableString]
    waiting.reverse()
    sought = _pattern(left)
    while waiting and left:
        said = waiting.pop()
        found = sought.search(said)
        if found is None or any(parent.name in UNTOUCHED for parent in said.parents):
            continue
        term = next(name for name, (form, _) in left.items() if re.fullmatch(form, found[0]))
        del left[term]
        used.append(term)
        sought = _pattern(left)
        rest = NavigableString(said[found.end() :])
        said.replace_with(NavigableString(said[: found.start()]), _link(soup, term, found[0]), rest)
        waiting.append(rest)
    return used


def _pattern(terms: dict[str, tuple[str, str]]) -> re.Pattern[str]:
    # Longer forms first, so that `autovacuum` and `commit record` are not taken for parts of themselves.
    forms = sorted((form for form, _ in terms.values()), key=len, reverse=True)
    return re.compile(rf"(?<![\w./-])(?:{'|'.join(forms) or '(?!)'})(?![\w/]|\.\w)")


def _link(soup: BeautifulSoup, term: str, said: str) -> Tag:
    link, short = soup.new_tag("a", href=f"#{_place(term)}", attrs={"class": "term"}), soup.new_tag("abbr")
    short["title"], short.string = TERMS[term][1], said
    link.append(short)
    return link


def _place(term: str) -> str:
    return "g-" + re.sub(r"[^a-z]+", "-", term.lower())
