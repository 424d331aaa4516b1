# ruff: noqa: RUF001 letters of other alphabets
"""What a server that was started without a locale writes instead of the letters of another language.

lc_messages may be German or Russian where the environment of the server's own start is C, as of many services and jobs.
Then postmaster, checkpointer, autovacuum and every session before its login write ASCII: ``conexi?n recibida``,
``>>orders<<``, and Cyrillic spelt out as ``SOOBSHHENIE`` (GOST 7.79, measured on 15 with Debian's catalogues).
"""

from __future__ import annotations

_ALPHABET = "абвгґдежзийклмнопрстуфхцчшщъыьэюяёіїє"
_SPELT = "a b v g g` d e zh z i j k l m n o p r s t u f x cz ch sh shh `` y` ` e` yu ya yo i yi ye"
_CYRILLIC = dict(zip(_ALPHABET, _SPELT.split(" "), strict=True))
_MARKS = {"«": "<<", "»": ">>", "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "\u00a0": " "}
_LETTERS = str.maketrans(_CYRILLIC | {letter.upper(): spelt.upper() for letter, spelt in _CYRILLIC.items()} | _MARKS)


def spelt(text: str) -> str:
    """The text in ASCII; a letter that has no other spelling is a question mark.

    >>> spelt("conexión"), spelt("СООБЩЕНИЕ"), spelt("»orders«")
    ('conexi?n', 'SOOBSHHENIE', '>>orders<<')
    """
    return text.translate(_LETTERS).encode("ascii", "replace").decode("ascii")
