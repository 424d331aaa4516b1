"""Claims without proof: every conclusion of an investigation, and every sentence of a page, must name evidence rows."""

from __future__ import annotations

from pathlib import Path

from bs4 import BeautifulSoup

from triage_kit.analyse import Investigation

DAMAGED = ("wiped", "missing", "partial", "hidden")
BECAUSE = ("recovery", "decisions", "freeze", "recommendations")
EVIDENCE = ("explaining_statements", "statements", "review")
# What a page claims, as elements that must each hold a link to an evidence row.
CLAIMS = (".freeze li", ".finding > dl > dd:first-of-type", ".way > dl", ".answers div:has(> dt:-soup-contains('Who'))")


def unproved(found: Investigation) -> list[str]:
    """Conclusions that name no evidence row, or one that is not there."""
    known = set(found.evidence["id"])
    lacking = []
    for name in BECAUSE:
        for place, proof in enumerate(getattr(found, name)["because"]):
            if not proof or not set(proof) <= known:
                lacking.append(f"{name} {place}: {proof}")
    for row in found.next_steps.itertuples():
        proved = row.because or _of_nothing_read(row.step, found)
        if not proved or not set(row.because) <= known:
            lacking.append(f"next step {row.order}: {row.step}")
    for name in EVIDENCE:
        for place, proof in enumerate(getattr(found, name)["evidence"]):
            if proof not in known:
                lacking.append(f"{name} {place}: {proof}")
    damaged = found.findings[found.findings["status"].isin(DAMAGED)]
    lacking += [f"{row.schema}.{row.table}" for row in damaged.itertuples() if not set(row.because) & known]
    best = found.causes.sort_values("probability", ascending=False, kind="stable").drop_duplicates("group")
    lacking += [f"cause {row.cause}: {proof}" for row, proof in zip(best.itertuples(), best["for"], strict=True)
                if row.cause != "unknown" and not set(proof) & known]  # fmt: skip
    return lacking


def _of_nothing_read(step: str, found: Investigation) -> bool:
    """Whether the step is to get a source that nobody read, or to ask about a cause of which nothing is known."""
    unknown = found.causes[found.causes["cause"] == "unknown"]
    return step.startswith("Get ") or step in set(unknown["would_settle"].dropna())


def unlinked(page: Path) -> list[str]:
    """Claims of a page that lead to no evidence row of it."""
    soup = BeautifulSoup(page.read_text("utf-8"), "html.parser")
    rows = {each["id"] for each in soup.select("tr[id^='E']")}
    lacking = []
    for selector in CLAIMS:
        for claim in soup.select(selector):
            links = {each["href"].removeprefix("#") for each in claim.select("a[href^='#E']")}
            if not links or not links <= rows:
                lacking.append(f"{selector}: {' '.join(claim.get_text(' ').split())[:120]}")
    return lacking
