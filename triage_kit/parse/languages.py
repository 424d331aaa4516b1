# ruff: noqa: E501 RUF001 tables of patterns and words
"""What a server with lc_messages of another language writes for severities, labels and the words of logged statements.

From the message catalogues of PostgreSQL 15 (src/backend/po) for German, Spanish, French, Italian, Japanese, Georgian,
Korean, Russian, Swedish, Ukrainian and simplified Chinese; Brazilian Portuguese, Polish and Turkish are those of the last
release that had them. csvlog and jsonlog translate severities too; SQLSTATE and numbers stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from triage_kit.parse.transliteration import spelt

_SEVERITIES = """
DEBUG    DEPURAÇÃO გამართვა 디버그 ОТЛАДКА НАЛАГОДЖЕННЯ 调试
LOG      DZIENNIK ჟურნალი 로그 СООБЩЕНИЕ LOGG ЗАПИСУВАННЯ 日志
INFO     INFORMACJA ინფორმაცია 정보 ИНФОРМАЦИЯ ІНФОРМАЦІЯ 信息 BİLGİ
NOTICE   HINWEIS NOTA UWAGA NOTIFICA 알림 ЗАМЕЧАНИЕ NOTIS ПОВІДОМЛЕННЯ 注意 NOT
WARNING  WARNUNG AVISO OSTRZEŻENIE ATTENTION ATTENZIONE გაფრთხილება 경고 ПРЕДУПРЕЖДЕНИЕ VARNING ПОПЕРЕДЖЕННЯ 警告 UYARI
ERROR    FEHLER ERRO BŁĄD ERREUR ERRORE შეცდომა 오류 ОШИБКА FEL ПОМИЛКА 错误 HATA
FATAL    FATALE KATASTROFALNY ფატალური 치명적오류 ВАЖНО FATALT ФАТАЛЬНО 致命错误 ÖLÜMCÜL_(FATAL)
PANIC    PANIK PANICO PÂNICO PANIKA პანიკა 손상 ПАНИКА ПАНІКА 比致命错误还过分的错误 KRİTİK
"""
_LABELS = """
DETAIL     DETALLE DETALHE SZCZEGÓŁY DÉTAIL DETTAGLI 詳細 დეტალები 상세정보 ПОДРОБНОСТИ DETALJ ВІДОМОСТІ 详细信息 AYRINTI
HINT       TIPP DICA PODPOWIEDŹ ASTUCE SUGGERIMENTO ヒント მინიშნება 힌트 ПОДСКАЗКА TIPS УКАЗІВКА 提示 İPUCU
QUERY      ANFRAGE ZAPYTANIE CONSULTA REQUÊTE 問い合わせ მოთხოვნა 쿼리 ЗАПРОС FRÅGA ЗАПИТ 查询 SORGU
CONTEXT    ZUSAMMENHANG KONTEKST CONTEXTO CONTEXTE CONTESTO 文脈 კონტექსტი 내용 КОНТЕКСТ KONTEXT 上下文 ORTAM
STATEMENT  ANWEISUNG COMANDO WYRAŻENIE SENTENCIA INSTRUCTION ISTRUZIONE 文 ოპერატორი 명령_구문 ОПЕРАТОР SATS ІНСТРУКЦІЯ 语句 KOMUT
LOCATION   ORT LOCAL POZYCJA UBICACIÓN EMPLACEMENT POSIZIONE 場所 მდებარეობა 위치 ПОЛОЖЕНИЕ PLATS РОЗТАШУВАННЯ 位置 YER
"""


def _read(table: str) -> dict[str, str]:
    words = [line.split() for line in table.strip().splitlines()]
    return {word.replace("_", " "): each[0] for each in words for word in each[1:]}


def _spelt(words: dict[str, str], known: Iterable[str]) -> dict[str, str]:
    """The same words as a server without a locale spells them, those that keep a letter and mean one thing."""
    found: dict[str, set[str]] = {}
    for word, meaning in words.items():
        found.setdefault(spelt(word), set()).add(meaning)
    return {word: meanings.pop() for word, meanings in found.items()
            if word not in known and word.strip("?") and len(meanings) == 1}  # fmt: skip


_WORDS = _read(_SEVERITIES) | _read(_LABELS)
# Question marks alone: what a server writes before anybody has logged in is LOG but for a few lines of its life.
_MARKS = {spelt(word): "LOG" for word in _WORDS if len(word) > 1 and not spelt(word).strip("?")}
SEVERITY_OF = _read(_SEVERITIES) | _spelt(_read(_SEVERITIES), _WORDS) | _MARKS
LABEL_OF = _read(_LABELS) | _spelt(_read(_LABELS), SEVERITY_OF | _WORDS)

# What %u, %d and %a are before a session has said who it is.
UNKNOWN = frozenset(
    [
        "[unknown]",
        "[desconhecido]",
        "[nieznany]",
        "[bilinmeyen]",
        "[desconocido]",
        "[inconnu]",
        "[okänd]",
        "[sconosciuto]",
        "[unbekannt]",
        "[н/д]",
        "[невідомо]",
        "[უცნობი]",
        "[不明]",
        "[未知]",
        "[알수없음]",
    ]
)
# Words before a logged text, and around a duration.
STATEMENT = r"(?:statement|Anweisung|comando|komut|wyrażenie|sentencia|instruction|istruzione|文|ოპერატორი|გამოსახულება|명령 구문|оператор|sats|语句)[ \u00a0]?"
EXECUTE = r"(?:execute|Ausführen|executar|wykonanie|ejecutar|exécute|esecuzione di|実行|გაშვება|쿼리실행|выполнение|kör|виконувати|执行)"
FETCH = (
    r"(?:execute fetch from|Ausführen Fetch von|executar busca de|wykonanie pobrania z|ejecutar fetch desde|exécute fetch à partir de|esecuzione di fetch da|"
    r"取り出し実行|자료뽑기|выборка из|kör hämtning från|виконати витягнення з|执行FETCH操作)"
)
DURATION = (
    r"(?:duration|Dauer|duração|czas trwania|süre|duración|durée|durata|期間|ხანგრძლივობა|실행시간|수행시간|продолжительность|varaktighet|тривалість|"
    r"执行时间)[ \u00a0]?:? (?P<ms>\d+(?:[.,]\d+)?) (?:ms|milisaniye|ミリ秒|მწმs?|мс)"
)
# Parse and bind run nothing: a text after them is what the next line runs.
STEP = r"(?:parse|bind|ligação|parsowanie|dowiązanie|Parsen|Binden|analyse|lien|analisi di|パース|バインド|разбор|сообщение Bind|解析|绑定|분석|접속)"


def english(word: str) -> str:
    """The severity or label in English; a word of no language that is known stays as it is.

    >>> english("FEHLER"), english("ANWEISUNG"), english("LOG")
    ('ERROR', 'STATEMENT', 'LOG')
    """
    return SEVERITY_OF.get(word) or LABEL_OF.get(word) or word


def alternation(*words: str) -> str:
    """A pattern of any of the words, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))
