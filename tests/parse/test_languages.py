"""A server with lc_messages of another language: its own lines, each beside what the English server wrote there."""

import json
from pathlib import Path

import pytest

from triage_kit.parse import Clock, Entry, infer_prefix, parse
from triage_kit.parse.kinds import recognise

# Written by PostgreSQL 15 with the catalogues of Debian, one run a language and one in English: the same statements,
# a vacuum, a checkpoint, a session that an administrator ended, a killed backend with its recovery, a stop.
WRITTEN = json.loads(Path(__file__).with_name("languages_by_server.json").read_text(encoding="utf-8"))


def read(language: str) -> list[tuple[dict, Entry]]:
    lines = [line for each in WRITTEN[language] for line in each["lines"]]
    prefix = infer_prefix(lines)
    assert prefix == "%m [%p] %q%u@%d "
    found = [list(parse([f"{line}\n".encode() for line in each["lines"]], "stderr", prefix, Clock()))
             for each in WRITTEN[language]]  # fmt: skip
    assert [len(each) for each in found] == [1] * len(found)
    return [(told, entry) for told, [entry] in zip(WRITTEN[language], found, strict=True)]


@pytest.mark.parametrize("language", WRITTEN)
def test_severity_and_kind_are_those_of_the_english_message(language: str) -> None:
    for told, entry in read(language):
        assert (told["english"], entry.severity, entry.kind) == (told["english"], told["severity"], told["kind"])


@pytest.mark.parametrize("language", WRITTEN)
def test_what_the_messages_carry_is_read(language: str) -> None:
    entries = [entry for _, entry in read(language)]
    [truncate] = [each for each in entries if each.kind == "statement"]
    assert (truncate.statement, truncate.role, truncate.database) == ("TRUNCATE parent\n  CASCADE", "batch-job", "shop")
    assert {each.role for each in entries} <= {None, "batch-job", "app"}  # what nobody knows has a name of its own
    failed = {each.statement for each in entries if each.outcome == "failed"}
    assert {"SELECT 1/0", "DELETE FROM missing"} <= failed
    checkpoints = [each for each in entries if each.kind == "checkpoint_complete"]
    assert all(each.buffers is not None and 0 < each.buffers < 5000 and each.sync_files == 0 for each in checkpoints)
    for vacuum in (each for each in entries if each.kind == "autovacuum"):
        assert (vacuum.relation or "").startswith("shop.")
        assert vacuum.removed is not None
        assert vacuum.remain is not None
    assert checkpoints or language == "ka_GE"  # whose catalogue lacks it


def test_a_message_of_nobody_stays_unknown() -> None:
    for text in ("Verbindung", "検査", "Checkpoint", "система", "% (PID 1) x", "réussi : vérification de l'intégrité"):
        assert recognise(text) == (None, "other")


def test_the_numbers_of_a_translated_checkpoint_keep_their_order() -> None:
    text = ("Checkpoint komplett: 319 Puffer geschrieben (1.9%), 3 SLRU-Puffer; 0 WAL-Datei(en) hinzugefügt, "
            "0 entfernt, 1 wiederverwendet; Schreiben=0.042 s, Sync=0.001 s, gesamt=0.053 s; sync. Dateien=66, "
            "längste=0.000 s, Durchschnitt=0.000 s; Entfernung=8480 kB, Schätzung=8480 kB; lsn=0/1A")  # fmt: skip
    [entry] = parse([f"2025-10-07 20:27:38.343 UTC [1] LOG:  {text}\n".encode()], "stderr", "%m [%p] ")
    assert (entry.kind, entry.buffers, entry.sync_files) == ("checkpoint_complete", 319, 66)


def test_numbers_that_are_no_counts_are_left_out() -> None:
    """As two lines give that were torn into each other."""
    text = "checkpoint complete: 38.343 " + " ".join(["7"] * 7 + ["1.5"] + ["7"] * 4)
    [entry] = parse([f"2025-10-07 20:27:38.343 UTC [1] LOG:  {text}\n".encode()], "stderr", "%m [%p] ")
    assert (entry.kind, entry.buffers, entry.sync_files) == ("checkpoint_complete", None, None)
