"""Terms are explained once each, and only those that the page uses."""

from __future__ import annotations

from bs4 import BeautifulSoup

from triage_kit.report import glossary


def made(body: str) -> BeautifulSoup:
    soup = BeautifulSoup(f"<main>{body}</main>", "html.parser")
    glossary.add(soup)
    return soup


def test_the_first_use_of_a_term_leads_to_its_explanation_and_no_other_does() -> None:
    soup = made("<h2>WAL</h2><p>The WAL and the WAL again; xids too.</p><p>WAL</p>")
    links = soup.select("a.term")
    assert [link.get_text() for link in links] == ["WAL", "xids"]
    assert [link.find_parent("p").get_text() for link in links] == ["The WAL and the WAL again; xids too."] * 2
    for link in links:
        explained = soup.find(id=link["href"].removeprefix("#"))
        assert explained.name == "dt"
        assert explained.find_next_sibling("dd").get_text() == link.abbr["title"] + "."
    assert [each.get_text() for each in soup.select(".glossary dt")] == ["transaction id", "WAL"]


def test_a_term_is_no_part_of_a_name_a_path_or_another_term() -> None:
    soup = made(
        "<p>pg_walinspect WALKER /pg_wal/x my.WAL x-WAL vacuum_cost autovacuum</p><pre>TOAST</pre><code>LSN</code>"
    )
    assert [link.get_text() for link in soup.select("a.term")] == ["autovacuum"]


def test_what_looks_like_markup_stays_text() -> None:
    soup = made("<p>&lt;b&gt; WAL &lt;script&gt;</p>")
    assert soup.p.get_text() == "<b> WAL <script>"
    assert soup.script is None
    assert str(soup.p).startswith("<p>&lt;b&gt; <a")


def test_a_page_without_terms_has_no_glossary() -> None:
    assert made("<p>rows</p>").find("h2") is None
