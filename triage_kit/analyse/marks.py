"""Columns and values that say a row is to be seen no more, in the languages that schemas are written in.

A soft delete is a column that flips: ``deleted``, ``gelöscht``, ``supprimé_le``, ``ativo``, ``удалено``, or a state
that becomes ``archived``. Names are compared without accents, case and separators, word by word, so that
``isDeleted``, ``deleted_at`` and ``DATA_EXCLUSAO`` are the same kind of name.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Words for gone, hidden or still to be seen, without accents: English, German, French, Spanish, Portuguese, Italian,
# Dutch, the Scandinavian and some Slavic languages, Hungarian, Romanian, Turkish, Indonesian; Cyrillic, Greek, Chinese,
# Japanese and Korean as they are written.
_GONE = (
    r"(?:soft)?delet(?:ed|e|ion|ado|ada)|remov(?:ed|al|ido|ida)|archiv(?:ed|e|al|iert|e[es]?|ado|ada|iato|iata)|"
    r"arquivad[oa]|disabled|hidden|trash(?:ed)?|discarded|deactivated|retired|obsolete|void(?:ed)?|withdrawn|purged|"
    r"erased|tombstone|unpublished|suppressed|"
    r"gelosch(?:t|te)?|geloescht|entfernt|deaktiviert|ausgeblendet|versteckt|storniert|"
    r"supprim(?:e|ee|es)|suppression|efface(?:e)?|desactiv(?:e|ee|ado|ada)|masque(?:e)?|cache(?:e)|corbeille|"
    r"eliminad[oa]|eliminacion|borrad[oa]|ocult[oa]|anulad[oa]|"
    r"exclui(?:do|da)|exclusao|apagad[oa]|ocultad[oa]|desativad[oa]|cancelad[oa]|"
    r"eliminat[oa]|cancellat[oa]|rimoss[oa]|archiviat[oa]|disattivat[oa]|nascost[oa]|"
    r"verwijderd|gewist|verborgen|gearchiveerd|"
    r"raderad|borttagen|arkiver(?:ad|et|t)|slettet|fjernet|dold|skjult|poistettu|"
    r"usuniet[aey]|ukryt[aey]|zarchiwizowan[aey]|smazan[aoy]?|odstranen[aoy]?|obrisan[ao]?|torolt|torolve|"
    r"sters|silin(?:di|mis)|arsivlendi|dihapus|"
    r"удален[^\W\d_]?|удаление|скрыт[^\W\d_]?|архив(?:ный|ирован[^\W\d_]?)?|видален[^\W\d_]?|διαγραμμεν[^\W\d_]|"
    r"(?:已|是否)?(?:删除|刪除|归档|歸檔|隐藏|隱藏)(?:标记|标志|時間|时间)?|(?:論理)?削除(?:済|済み|フラグ|日時|日)?|非表示|삭제(?:됨|여부|일|일시)?"
)
_SEEN = (
    r"(?:in)?activ(?:e|ated|o|a)|enabled|visible|published|(?:in)?ativ[oa]|(?:in)?aktiv|aktif|inaktif|"
    r"sichtbar|gultig|ungultig|(?:in)?actif|habilitad[oa]|(?:in)?attiv[oa]|visibile|visivel|(?:in)?actief|aktywn[aey]|"
    r"aktivni|активен|активн[^\W\d_]|действующий|有效|有効|활성"
)
_OWNER = r"tenant|workspace|organi[sz]ation"
_WORD = re.compile(rf"(?:{_GONE}|{_SEEN}|{_OWNER})")
_VALUE = re.compile(rf"(?:{_GONE}|inactive|inativ[oa]|inaktiv|inactiv[oa]|inactif)")
# What such a word stands beside in the name of a column.
_BESIDE = re.compile(
    r"is|has|was|at|on|by|date|time|datetime|timestamp|ts|id|key|uuid|flag|indicator|status|ind|yn|soft|row|record|"
    r"am|um|von|datum|ist|zeit|le|du|est|par|en|el|fue|fecha|hora|por|em|data|foi|quando|il|da|stato|op|dato|ved|"
    r"tarihi|mi|na|je|esta|sido|war|wurde|wird|mark|marked|marca|marque"
)
_CAMEL = re.compile(r"(?<=[a-zß-ÿ0-9])(?=[A-ZÀ-Þ])")
_PARTS = re.compile(r"[^\W_]+")
_ASSIGNED = re.compile(r"""(?is)\bset\b(.*?)(?:\bwhere\b|\bfrom\b|\breturning\b|;|\Z)""")
_COLUMN = re.compile(r"""(?:"((?:[^"]|"")+)"|([^\W\d]\w*))\s*=(?!=)\s*(?:\w+\s*)?(?:'((?:[^']|'')*)')?""")


@lru_cache(maxsize=4096)
def marks_deletion(column: str) -> bool:
    """Whether the name of a column says that its rows are deleted, hidden, still active, or somebody's.

    >>> [marks_deletion(name) for name in ("deletedAt", "excluída", "GELÖSCHT_AM", "удалено", "activity", "body")]
    [True, True, True, True, False, False]
    """
    parts = words(column)
    told = [part for part in parts if _WORD.fullmatch(part)]
    return bool(told) and all(part in told or _BESIDE.fullmatch(part) for part in parts)


def hides(update: str) -> bool:
    """Whether an UPDATE sets a column that marks deletion, or a state to a word for it.

    >>> hides("UPDATE t SET supprimé = true WHERE id < 9"), hides("UPDATE t SET state = 'archived' WHERE true")
    (True, True)
    >>> hides("UPDATE t SET body = 'a' WHERE deleted = false")
    False
    """
    assigned = _ASSIGNED.search(update)
    for match in _COLUMN.finditer(assigned[1] if assigned else ""):
        name, value = (match[1] or match[2] or "").replace('""', '"'), match[3]
        if marks_deletion(name) or (value is not None and _says_gone(value)):
            return True
    return False


def _says_gone(value: str) -> bool:
    parts = words(value)
    return 0 < len(parts) <= 2 and any(_VALUE.fullmatch(part) for part in parts)


def words(name: str) -> list[str]:
    """The words of a name without accents and case; Japanese and Korean keep their marks."""
    folded = "".join(
        each for each in unicodedata.normalize("NFKD", _CAMEL.sub(" ", name))
        if not (unicodedata.combining(each) and ord(each) < 0x3000)
    )  # fmt: skip
    return _PARTS.findall(unicodedata.normalize("NFKC", folded).casefold())
