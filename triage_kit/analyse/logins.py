"""What lines about connections say of who connects: words of the server's own texts, 13 to 18, and of its translations.

The translations are those of 15 (src/backend/po), each also as a server that was started without a locale spells it.
"""

from __future__ import annotations

import re

_WORDS = {
    "role": "user Benutzer utilisateur usuario utente ユーザー მომხმარებელი 사용자 пользователь användare "
    "користувач 用户 pol`zovatel` anv?ndare koristuvach",
    "database": "database Datenbank base_de_datos base データベース ბაზა 데이터베이스 база|данных база databas "
    "база|даних 数据库 baza baza|danny`x baza|danix",
    "application": "application_name nombre_de_aplicación აპლიკაციის_სახელი приложение applikationsnamn "
    "nombre_de_aplicaci?n prilozhenie",
    "client": "host Host hôte ホスト ჰოსტი 호스트 узел компьютер värd хост 主机 h?te v?rd uzel komp`yuter xost",
}
# French and Italian write no sign before a database.
_OF_DATABASE = r"(?<!\w)(?:base de donn[ée?]es|database) "


def _any(words: str) -> str:
    """A pattern of any of the words; a bar stands for a blank."""
    longest = sorted(words.split(), key=len, reverse=True)
    return "|".join(re.escape(word.replace("|", " ")) for word in longest)


_BEGINS = {column: rf"(?<!\w)(?:{_any(words)}) ?= ?" for column, words in _WORDS.items()}
# Behind a role Swedish puts no blank before the next word.
_ENDS = rf"(?= ?(?:{_any(' '.join(_WORDS.values()))}) ?=| {_OF_DATABASE}| (?:SSL|GSS)\b|,|$)"
SAID = {
    "role": rf"{_BEGINS['role']}(.+?){_ENDS}",
    "database": rf"(?:{_BEGINS['database']}|{_OF_DATABASE})(.+?){_ENDS}",
    "application": rf"{_BEGINS['application']}(.+?)(?= (?:SSL|GSS)\b|$)",
    "client": rf"{_BEGINS['client']}(\S+)",
}
LASTED = r"(?<!\d)(\d+):(\d\d):(\d\d\.\d{3})(?!\d)"
