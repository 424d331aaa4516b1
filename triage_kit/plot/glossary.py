"""The terms that a notebook cannot do without, for readers who do not run databases."""

from __future__ import annotations

from triage_kit.plot import html
from triage_kit.plot.html import Html, tag
from triage_kit.schemas.terms import TERMS


def glossary() -> Html:
    """Every term and what it means, folded; the page explains those that it uses, in the same words."""
    told = [html.join([tag("dt", term), tag("dd", f"{meaning}.")]) for term, (_, meaning) in TERMS.items()]
    return html.folded("What the words mean", tag("dl", *told))
