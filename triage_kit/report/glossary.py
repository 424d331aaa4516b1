"""The terms of PostgreSQL and of the kit that a page uses, each explained once, with a link from its first use."""

from __future__ import annotations

import re

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag

from triage_kit.schemas.terms import TERMS

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
