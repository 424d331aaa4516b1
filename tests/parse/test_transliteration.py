# ruff: noqa: E501 lines as a server wrote them
"""A server of another language that was started without a locale writes its own lines in ASCII.

Written by PostgreSQL 15 with Debian's catalogues, lc_messages set, and the server started with LC_ALL=C.
"""

import pytest

from triage_kit.parse import Clock, Unparsed, infer_prefix, parse

STAMP = "2026-11-27 05:07:41.110 UTC"
ZH = "checkpoint complete: wrote 38 buffers (0.2%); 0 WAL file(s) added, 0 removed, 0 recycled; write=0.001 s, sync=0.001 s, total=0.007 s; sync files=3, longest=0.000 s, average=0.000 s; distance=213 kB, estimate=4844 kB"
KO = "????? ????: 46?(0.3%) ?? ?; 0? WAL ?? ???, 0? ???, 0? ???; ????: 0.001 s, ?????: 0.001 s, ????: 0.019 s; ??? ?? ??: 4, ????: 0.000 s, ????: 0.000 s; ?????: 293 kB, ??????: 4852 kB"
JA = "??????????: 36????????? (0.2%); 0??WAL????????0?????0?????; ????=0.001?, ??=0.001?, ??=0.002?; ????????=5, ??=0.000?, ??=0.000?; ??=199 kB, ??=4843 kB"
RU = "kontrol`naya tochka zavershena: zapisano buferov: 44 (0.3%); dobavleno fajlov WAL 0, udaleno: 0, pererabotano: 0; zapis`=0.001 sek., sinxr.=0.001 sek., vsego=0.007 sek.; sinxronizirovano_fajlov=6, samaya_dolgaya_sinxr.=0.000 sek., srednyaya=0.000 sek.; rasstoyanie=281 KB, ozhidalos`=4851 KB"
UK = "kontrol`na tochka zavershena: zapisano 41 buferiv (0.3%); 0 WAL fajliv dodano, 0 vidaleno, 0 pereroblenix; zapis=0.102 sek, sinxronizacziya=0.001 sek, us`ogo=0.103 sek; fajli sinxronizacziyi=7, najdovshij=0.000 sek, serednij=0.000 sek; distancziya=226 kb, priblizno=4993 kb"
FR = "checkpoint termin? : a ?crit 44 tampons (0.3%); 0 fichiers WAL ajout?s, 0 supprim?s, 0 recycl?s ; ?criture=0.001 s, synchronisation=0.001 s, total=0.007 s; fichiers synchronis?s=8, plus long=0.000 s, moyenne=0.000 s; distance=281 kB, estimation=4851 kB"
DE = "Checkpoint komplett: 46 Puffer geschrieben (0.3%); 0 WAL-Datei(en) hinzugef?gt, 0 entfernt, 0 wiederverwendet; Schreiben=0,001 s, Sync=0,001 s, gesamt=0,004 s; sync. Dateien=9, l?ngste=0,000 s, Durchschnitt=0.000 s; Entfernung=293 kB, Sch?tzung=4852 kB"
CHECKPOINTS = {
    "zh": ("??", ZH, 38, 3), "ko": ("??", KO, 46, 4), "ja": ("LOG", JA, 36, 5), "ru": ("SOOBSHHENIE", RU, 44, 6),
    "uk": ("ZAPISUVANNYA", UK, 41, 7), "fr": ("LOG", FR, 44, 8), "de": ("LOG", DE, 46, 9),
}  # fmt: skip


def of_csv(severity: str, message: str) -> str:
    quoted = message.replace('"', '""')
    return f'{STAMP},,,4455,,6b091043.1167,1,,2026-11-27 05:07:19 UTC,,0,{severity},00000,"{quoted}",,,,,,,,,"","checkpointer",,0\n'


@pytest.mark.parametrize("language", CHECKPOINTS)
def test_a_checkpoint_is_dating_evidence_in_any_spelling(language: str) -> None:
    severity, message, buffers, files = CHECKPOINTS[language]
    plain = [f"{STAMP} [4455] {severity}:  {message}\n".encode()]
    assert infer_prefix([plain[0].decode().strip()]) == "%m [%p] "
    for data, format in ((plain, "stderr"), ([of_csv(severity, message).encode()], "csv")):
        [entry] = parse(data, format, "%m [%p] ", Clock())
        assert not isinstance(entry, Unparsed)
        assert (entry.severity, entry.kind, entry.buffers, entry.sync_files) == (
            "LOG", "checkpoint_complete", buffers, files)  # fmt: skip


@pytest.mark.parametrize(
    ("line", "severity", "kind"),
    [
        ("LOG:  ??????????: immediate force wait", "LOG", "checkpoint_starting"),
        ("SOOBSHHENIE:  nachata kontrol`naya tochka: shutdown immediate", "LOG", "checkpoint_starting"),
        ("LOG:  conexi?n recibida: host=[local]", "LOG", "connection"),
        ("LOG:  connexion re?ue : h?te=[local]", "LOG", "connection"),
        ("LOG:  el sistema de bases de datos est? listo para aceptar conexiones", "LOG", "startup"),
        ("LOG:  le syst?me de bases de donn?es est pr?t pour accepter les connexions", "LOG", "startup"),
        ("LOGG:  databassystemet ?r redo att ta emot anslutningar", "LOG", "startup"),
        ("SOOBSHHENIE:  sistema BD gotova prinimat` podklyucheniya", "LOG", "startup"),
        ("ZAPISUVANNYA:  z'yednannya otrimano: xost=[local]", "LOG", "connection"),
        ("LOG:  il database ? stato arrestato", "LOG", "shutdown"),
        ("LOG:  why is that??", "LOG", "other"),
        ("LOG:  deleted?? 12 of 40 (1.9%); no WAL; a=1 b=2 c=3", "LOG", "other"),
    ],
)
def test_what_the_server_says_of_itself(line: str, severity: str, kind: str) -> None:
    [entry] = parse([f"{STAMP} [4455] {line}\n".encode()], "stderr", "%m [%p] ")
    assert not isinstance(entry, Unparsed)
    assert (entry.severity, entry.kind) == (severity, kind)
