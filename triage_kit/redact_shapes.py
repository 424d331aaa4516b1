"""Secrets that are known by their shape, or by the program, file or protocol that they stand in.

What an investigator needs looks similar and stays: UUIDs, ULIDs and numbers that are keys of rows, hashes of commits,
names of tables and indexes, ``primary key=…``. So a bare ``key=…`` goes only where its value looks drawn by lot. Tokens
that a service issued are :mod:`triage_kit.redact_issued`'s.
"""

from __future__ import annotations

import re

from triage_kit import redact_issued, redact_stars
from triage_kit.redact_stars import HIDDEN

# Drawn by lot: capital, small letter and digit, or letters and digits that change three times and more.
_RANDOM = (
    r"(?-i:(?![0-9a-fA-F]{8}-[0-9a-fA-F]{4}-)(?![0-9a-f]{1,200}(?![\w+/=-]))(?![0-7][0-9A-HJKMNP-TV-Z]{25}(?!\w))"
    r"(?:(?=[\w+/=-]{0,200}[a-z])(?=[\w+/=-]{0,200}[A-Z])(?=[\w+/=-]{0,200}\d)"
    r"|(?=(?:[A-Za-z+/=_-]{0,60}+\d{1,60}+){3}))"
    r"[\w+/=-]{12,200})"
)
_ORDINARY_KEYS = (
    r"primary|foreign|unique|partition(?:ing)?|sort|group|cache|routing|row|index|object|public|natural|surrogate|"
    r"candidate|composite|idempotency|message|replica|range|cluster|distribution|lookup|search|order|join|translation|i18n"
)
_QUOTE = r"(?:\\*[\"']|\\+u002[27]|&quot;|&\#3[49];)"
_NAMED = (
    r"(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential)"
    r"[\w-]{0,40}"
)
_ESCAPED = r"(?:\\+u003[da]|\\+x3[da]|&\#(?:61|58);|&\#x3[da];|%253[da])"
_VALUE = r"'[^'\n]+'|\"[^\"\n]+\"|[^\s'\";|]+"
_PIPED = r"docker\s+login|passwd|chpasswd|sudo|gpg|openssl|cryptsetup|su\b|podman\s+login"

_PIN = ("pin ", "pin:", "pin=", "pin_", "pin-", 'pin"', "pin'")
_CODE = tuple(
    f"{which}{gap}code" for gap in " _-"
    for which in ("security", "verification", "confirmation", "recovery", "login", "time", "2fa", "mfa", "auth",
                  "authentication")
)  # fmt: skip
_KEY = ("key=", "key:", 'key"=', "key'=", 'key":', "key':")
_I = re.IGNORECASE
PLACES = [
    (clues, re.compile(rf"(?P<kept>{kept})(?!\*\*\*)(?P<secret>{secret})", flags))
    for clues, kept, secret, flags in (
        (_PIN, r"\bPIN(?:[ _-](?:code|number|no\.?))?\"?(?:\s+(?:is|was|now)|\s*[:=])?\s*[\"']?", r"\d{4,12}\b", 0),
        (_PIN, r"(?<![a-z])pin(?:[ _-]?(?:code|number))?[\"']?(?:\s+(?:is|was|now)\s+|\s*[:=]\s*)[\"']?",
         r"\d{4,12}\b", _I),
        (_CODE, r"\b(?:security|verification|confirmation|recovery|login|one[- ]time|[2m]fa|auth(?:entication)?)"
                    r"[ _-]codes?[\"']?(?:\s+(?:is|was)|\s*[:=])?\s*[\"']?", r"\d{4,10}\b", _I),
        (_KEY, rf"(?<![\w$.])(?<!primary\s)(?<!foreign\s)(?<!unique\s)(?<!partition\s)(?<!sort\s)"
                   rf"(?!(?:\w*[_-])?(?:{_ORDINARY_KEYS})[_-]?key)[\w.-]{{0,60}}?key[\"']?(?:=|:\s?)(?:base64:)?\"?",
         _RANDOM, _I),
        (_KEY, rf"(?<![\w$.])(?!(?:\w*[_-])?(?:{_ORDINARY_KEYS})[_-]?key)[\w.-]{{1,60}}?[_-]key[\"']?(?:=|:\s?)'",
         _RANDOM, _I),
        (("key=",), r"[?&](?:api|app|auth|subscription)?[_-]?key=",
         r"(?![0-9a-f]{8}-[0-9a-f]{4}-)(?=[\w.%-]{0,99}\d)(?=[\w.%-]{0,99}[a-z])[\w.%-]{10,}", _I),
        (("salt", "pepper"), r"(?:(?<![a-z])|(?<=_))(?:salt|pepper)[\"']?\s*[:=]\s*",
         rf"'[^'\n]{{4,}}'|\"[^\"\n]{{4,}}\"|{_RANDOM}", _I),
        (("unlock", "decrypt", "log in", "login", "logged in", "logs in", "sign in", "signed in", "signs in"),
         r"\b(?:(?:un)?lock(?:ed|s)?|decrypt(?:ed|s)?|log(?:ged|s)?\s?in(?:to)?|sign(?:ed|s)?\s?in)\b[^.;\n]{0,40}?\s"
         r"(?:with|using)\s+(?:the\s+)?",
         rf"{_RANDOM}|(?<=locked\swith\s)(?=[a-z]{{0,60}}\d)[a-z0-9!#$%&*+-]{{6,}}", _I),
        (("u003d", "u003a", "x3d", "x3a", "&#", "%253"), rf"{_NAMED}{_QUOTE}?\s*{_ESCAPED}\s*{_QUOTE}?",
         r"[^\s\\&'\"<]+", _I),
        (("u0022", "u0027", "&quot;", "&#3"), rf"{_NAMED}(?:\\+u002[27]|&quot;|&\#3[49];)\s*[:=]\s*{_QUOTE}?",
         r"[^\s\\&'\"<]+", _I),
        (("aws",), r"(?<![\w/+=])",
         r"(?=[\w/+]{0,39}[a-z])(?=[\w/+]{0,39}[A-Z])(?=[\w/+]{0,39}\d)[A-Za-z0-9/+]{40}(?![\w/+=])", 0),
        (("private key block",), r"-----BEGIN PGP PRIVATE KEY BLOCK-----", r"(?s:.*?(?=-----END|\Z))", 0),
        (("private-lines",), r"\bPrivate-Lines:\s*\d+", r"(?s:.*?(?=\nPrivate-MAC|\Z))", 0),
        (("jdbc:oracle", "sqlplus", "sqlldr", "expdp", "impdp"),
         r"(?:jdbc:oracle:\w+:|\b(?:sqlplus|sqlldr|expdp|impdp)\s+(?:-\w+\s+)*)[\w.$#-]+/", r"[^\s@'\"]+", _I),
        (("sessid", "sessionid", "connect.sid", "cookie"),
         r"(?:\b(?:j|asp|php)?sess(?:ion)?id=|\bconnect\.sid=|\bcookie\s*=\s*[\"'][\w.-]{1,60}=|"
         r"(?<!\S)--cookie[\s=][\"']?[\w.-]{1,60}=)", r"[^\s;'\"]+", _I),
        (("openssl",), r"\bopenssl\b[^\n;|]{0,200}?\s-(?:k|K)\s+", _VALUE, 0),
        (("zip -",), r"\bzip\b[^\n;|]{0,200}?\s(?:-P|--password)\s+", _VALUE, 0),
        (("7z ", "7za ", "7zr "), r"\b7z\w?\b[^\n;|]{0,200}?\s-p", _VALUE, 0),
        (("htpasswd",), r"\bhtpasswd\s+-\w*b\w*\s+(?:\S+\s+)?\S+\s+", rf"(?:{_VALUE})(?=\s*(?:[;|&\n'\"]|\Z))",
         0),
        (("ldapsearch", "ldapmodify", "ldapadd", "ldapdelete", "ldapwhoami", "ldappasswd"),
         r"\bldap\w+\b[^\n;|]{0,300}?\s-w\s*", _VALUE, 0),
        (("smbclient", "mount.cifs", "rpcclient"), r"\s-U\s+[\"']?[\w.\\-]+%", r"[^\s'\"]+", 0),
        (("net use",), r"\bnet\s+use\b[^\n;|]{0,200}?/user:\S+\s+", _VALUE, _I),
        (("community",), r"\bsnmp\w*\b[^\n;]{0,80}?\bcommunity\s+", r"[^\s;'\"]+", _I),
        (("echo ", "printf "),
         r"\b(?:echo|printf)\s+(?:-\w+\s+)*(?:[\"']?[\w.-]+:(?=\S+\s*\|\s*(?:sudo\s+)?chpasswd))?",
         rf"(?:'[^'\n$]+'|\"[^\"\n$]+\"|[^\s'\"|$]+)(?=\s*\|\s*(?:sudo\s+(?=(?!-S)\S)(?:-\w+\s+)*)?(?:{_PIPED}))", 0),
        (("mnemonic", "phrase"), r"\b(?:mnemonic|(?:seed|recovery)[ _-]phrase)[\"']?\s*[:=]\s*",
         r"'[^'\n]+'|\"[^\"\n]+\"|[a-z]+(?: [a-z]+){11,23}", _I),
    )
]  # fmt: skip
# A line of a .pgpass file, whatever its port.
_PASSFILE = re.compile(
    r"(?P<kept>(?<!\S)(?:[\w.*-]+|\[[0-9a-fA-F:]+\]):(?:\d{4,5}|\*):(?!\d+:)[^\s:]+:[^\s:]+:)(?!\*\*\*)\S+"
)
_CLUE = re.compile(redact_stars.any_of(("kind", *(clue for clues, _ in PLACES for clue in clues))))
_SECRET_OBJECT = re.compile(r"(?i)\bkind[\"']?\s*:\s*[\"']?Secret\b")
_DATA = re.compile(r"(?m)^(?P<indent>[ \t]*)data:[ \t]*(?P<rest>(?:\n(?P=indent)[ \t]+[^\n]*|\n[ \t]*(?=\n))+)")
_JSON_DATA = re.compile(r"(?P<kept>\"(?:data|stringData)\"\s*:\s*)\{(?P<rest>[^{}]*)\}")
_DOCUMENT = re.compile(r"(?m)^(---[^\n]*\n)")


def hide(text: str) -> str:
    """The text without what is told by its shape or place alone; names of secrets are :mod:`triage_kit.redact`'s.

    >>> hide("glrt-a1B2c3a1B2c3a1B2c3 and db:5433:shop:app:x y, primary key=a1B2c3a1B2c3")
    '*** and db:5433:shop:app:*** y, primary key=a1B2c3a1B2c3'
    """
    if text.count(":") > 3:
        text = _PASSFILE.sub(rf"\g<kept>{HIDDEN}", text)
    text = redact_issued.hide(text)
    lowered = text.lower()
    if not _CLUE.search(lowered):
        return text
    for clues, place in PLACES:
        if redact_stars.holds(lowered, clues):
            text = place.sub(lambda found: found["kept"] + redact_stars.starred(found["secret"]), text)
    if "kind" in text and _SECRET_OBJECT.search(text):
        text = "".join(map(_secret_object, _DOCUMENT.split(text)))
    return text


def _secret_object(document: str) -> str:
    if not _SECRET_OBJECT.search(document):
        return document  # another object of the same file, as a ConfigMap
    document = _DATA.sub(
        lambda found: f"{found['indent']}data:" + re.sub(r"(:[ \t]+)[^\n]+", rf"\g<1>{HIDDEN}", found["rest"]), document
    )
    return _JSON_DATA.sub(
        lambda found: f"{found['kept']}{{" + re.sub(r"(:\s*)\"[^\"]*\"", rf'\g<1>"{HIDDEN}"', found["rest"]) + "}",
        document,
    )
