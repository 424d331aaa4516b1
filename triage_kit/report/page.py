"""One page from four executed notebooks: joined, exported through the kit's own template, given contents."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import nbformat
from bs4 import BeautifulSoup
from bs4.element import Tag
from nbconvert import HTMLExporter
from nbconvert.exporters.templateexporter import TemplateExporter
from traitlets.config import Config

from triage_kit.errors import ReportError
from triage_kit.report import glossary, sanitise
from triage_kit.report.copies import ANSI
from triage_kit.resources import resource_dir

LAST = "appendix"  # long lists that a reader comes to by links
DATE = re.compile(r"(<time [^>]*>)(\d{4}-\d\d-\d\d)")  # no line of the page ends inside it
LEFT_OUT = {"parameters", "injected-parameters", "title", "explore", "words"}  # the page has a glossary of its own


def joined(notebooks: Mapping[str, nbformat.NotebookNode]) -> nbformat.NotebookNode:
    """The cells of all notebooks in order, appendices last, without those that serve a notebook that is run by hand."""
    cells: list[nbformat.NotebookNode] = []
    last: list[nbformat.NotebookNode] = []
    set_up = False
    for notebook in notebooks.values():
        for cell in notebook.cells:
            tags, failed = set(cell.metadata.get("tags", [])), _failed(cell)
            if (tags & LEFT_OUT or ("setup" in tags and set_up)) and not failed:
                continue
            set_up = set_up or "setup" in tags
            (last if LAST in tags and not failed else cells).append(cell)
    return nbformat.from_dict({"cells": cells + last, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def _failed(cell: nbformat.NotebookNode) -> bool:
    return any(output.output_type == "error" for output in cell.get("outputs", []))


def page(notebooks: Mapping[str, nbformat.NotebookNode], head: Mapping[str, object]) -> str:
    """The report as one self-contained page.

    Parameters
    ----------
    notebooks : executed notebooks by name, in the order of the page.
    head : ``title``, ``facts`` (pairs of words and values), ``practice`` and ``failed`` (pairs of notebook, cell id and
        error) for the head of the page; text, escaped by the template.
    """
    folder = resource_dir("templates") / "triage"
    script = (folder / "triage.js").read_text("utf-8").strip()
    about = {**head, "css": (folder / "triage.css").read_text("utf-8").strip(), "js": script, "js_hash": _hash(script)}
    exporter = _Exporter(
        template_name="triage",
        extra_template_basedirs=[str(folder.parent)],
        filters={"safe_html": sanitise.html, "safe_svg": sanitise.svg, "b64": _b64, "plain": _plain},
        config=Config({"HTMLExporter": {"exclude_anchor_links": True}}),
    )
    body, _ = exporter.from_notebook_node(joined(notebooks), resources={"triage": about})
    return _finished(body)


class _Exporter(HTMLExporter):
    """nbconvert's exporter without its own reading of the page: ``_finished`` reads it, and twice takes a second."""

    def from_notebook_node(  # type: ignore[override] # as nbconvert's own exporter of HTML
        self, nb: nbformat.NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        return TemplateExporter.from_notebook_node(self, nb, resources, **kw)


def _hash(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _plain(text: str | Sequence[str]) -> str:
    return ANSI.sub("", text if isinstance(text, str) else "\n".join(text))


def _finished(body: str) -> str:
    """A glossary, ids for headings, the contents, no link that leads nowhere; the script is still the one hashed."""
    # A break that is not closed by itself is kept for an end tag that may follow and looked for at every other: the
    # time grew with the square of the names on the page.
    soup = BeautifulSoup(body.replace("<wbr>", "<wbr/>"), "html.parser")
    glossary.add(soup)
    _contents(soup)
    targets = {element["id"] for element in soup.find_all(id=True)}
    for link in soup.find_all("a", href=re.compile("^#")):
        if link["href"][1:] not in targets:
            link.unwrap()  # in a case of thousands of tables most ids lead to findings.json alone
    script, policy = soup.find("script"), soup.find("meta", attrs={"http-equiv": "Content-Security-Policy"})
    if script is None or policy is None or _hash(str(script.string)) not in str(policy["content"]):
        raise ReportError("the page's script is not the one that its security policy allows: the template is damaged")
    return DATE.sub(r'\1<span class="u">\2</span>', str(soup)) + "\n"


def _contents(soup: BeautifulSoup) -> None:
    contents = soup.find(id="contents")
    main = soup.find("main")
    if not isinstance(contents, Tag) or not isinstance(main, Tag):
        raise ReportError("the template has no <main> or no element with the id 'contents'")
    taken: set[str] = {str(element["id"]) for element in soup.find_all(id=True)}
    listing = contents
    for heading in main.find_all(["h2", "h3"]):
        heading["id"] = _free(_slug(heading.get_text()), taken)
        if heading.find_parent(class_=["finding", "way"]):
            continue
        item, link = soup.new_tag("li"), soup.new_tag("a", href=f"#{heading['id']}")
        link.string = heading.get_text()
        item.append(link)
        if heading.name == "h2":
            contents.append(item)
            listing = soup.new_tag("ol")
            item.append(listing)
        else:
            listing.append(item)
    for empty in [each for each in contents.find_all("ol") if not each.find("li")]:
        empty.decompose()


def _slug(words: str) -> str:
    return "s-" + (re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:50] or "section")


def _free(wanted: str, taken: set[str]) -> str:
    free, number = wanted, 2
    while free in taken:
        free, number = f"{wanted}-{number}", number + 1
    taken.add(free)
    return free
