# ruff: noqa: RUF001 messages of a Turkish server
"""A server with lc_messages of another language: its own lines, each beside what the English server wrote there."""

import json
from pathlib import Path

import pytest

from triage_kit.parse import Clock, Entry, infer_prefix, parse
from triage_kit.parse.kinds import recognise
from triage_kit.parse.wrappers import Unwrapper, wrapping

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


# In the form of the last Turkish catalogue (13 and 14); some of its labels have no space behind their colon.
TURKISH = """\
2025-10-07 20:27:38.343 +03 [11] [bilinmeyen]@[bilinmeyen] LOG:  bağlantı alındı: istemci=[local]
2025-10-07 20:27:38.344 +03 [11] app@shop LOG:  bağlantı tanımı: kullanıcı=app veritabanı=shop
2025-10-07 20:27:38.345 +03 [11] app@shop LOG:  komut: TRUNCATE parent
	CASCADE
2025-10-07 20:27:38.346 +03 [11] app@shop NOT:  truncate işlemi , cascade neticesinde child' tablosuna varıyor
2025-10-07 20:27:38.347 +03 [11] app@shop LOG:  süre: 12.345 milisaniye
2025-10-07 20:27:38.348 +03 [11] app@shop HATA:  "missing" nesnesi mevcut değil 13 karakterinde
2025-10-07 20:27:38.348 +03 [11] app@shop İPUCU:Adı denetleyin.
2025-10-07 20:27:38.348 +03 [11] app@shop KOMUT:  DELETE FROM missing
2025-10-07 20:27:38.349 +03 [11] app@shop LOG:  süre: 2.5 milisaniye  komut: DELETE FROM b
2025-10-07 20:27:38.350 +03 [11] app@shop LOG:  süre: 3.5 ms  execute s1: DELETE FROM c WHERE d = $1
2025-10-07 20:27:38.350 +03 [11] app@shop AYRINTI:parameters: $1 = '7'
2025-10-07 20:27:38.351 +03 [11] app@shop ÖLÜMCÜL (FATAL):  yönetici talimatı doğrultusunda bağlantı kesildi
2025-10-07 20:27:38.352 +03 [9] LOG:  sunucu süreci (PID 12) 9 sinyali tarafından sonlandırıldı: Killed
"""


@pytest.mark.parametrize("around", ["", "Oct  7 20:27:38 db postgres[11]: [{}-{}] "], ids=["plain", "syslog"])
def test_a_turkish_server(around: str) -> None:
    lines, messages, piece = [], 0, 0
    for line in TURKISH.splitlines():
        begins = "LOG:" in line or any(f"{word}:  " in line for word in ("NOT", "HATA", "(FATAL)"))
        messages, piece = messages + begins, 1 if begins else piece + 1
        lines.append(around.format(messages, piece) + line)
    data = "".join(f"{line}\n" for line in lines).encode()
    layers = wrapping(data)
    assert layers == (("syslog",) if around else ())
    bare = [line.text for line in Unwrapper(layers, data).lines(data.splitlines(keepends=True))]
    assert bare == TURKISH.splitlines()
    prefix = infer_prefix(bare)
    assert prefix == "%m [%p] %q%u@%d "
    found = list(parse([f"{line}\n".encode() for line in bare], "stderr", prefix))
    told = [(each.severity, each.kind, each.statement) for each in found]
    assert told == [
        ("LOG", "connection", None), ("LOG", "connection", None), ("LOG", "statement", "TRUNCATE parent\nCASCADE"),
        ("NOTICE", "other", None), ("LOG", "duration", None), ("ERROR", "error", "DELETE FROM missing"),
        ("LOG", "duration", "DELETE FROM b"), ("LOG", "duration", "DELETE FROM c WHERE d = $1"),
        ("FATAL", "disconnection", None), ("LOG", "crash", None),
    ]  # fmt: skip
    assert (found[0].role, found[5].hint, found[7].parameters) == (None, "Adı denetleyin.", "$1 = '7'")
    assert [each.duration_ms for each in found[6:8]] == [2.5, 3.5]
    assert found[3].subject == "truncate_cascade"
