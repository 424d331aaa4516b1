"""Secrets out of text: log lines, statements, settings, files and errors pass here before they enter a table.

It errs on the side of hiding: a value whose name says password, secret, token or key is replaced whatever it is.
Parameters in their place (``$1``, ``%s``, ``:name``) and NULL stay, since they hide nothing.
"""

from __future__ import annotations

import re

from triage_kit import redact_shapes, redact_stars, redact_told

HIDDEN = redact_stars.HIDDEN

# One of these is in every text that the pattern below could change; looking for them costs far less than the pattern.
_CLUES = (
    "pass",
    "pwd",
    "secret",
    "token",
    "credential",
    "api",
    "access",
    "private",
    "account",
    "encryption",
    "signing",
    "master",
    "_auth",
    "auth_key",
    "auth-key",
    "authkey",
    "authorization:",
    "signature",
    "sig=",
    "-literal",
    "hmac",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xox",
    "sk_live_",
    "aiza",
    "eyj",
    "://",
    "akia",
    "asia",
    "scram-",
    "bearer ",
    "crypt",
    "-u",
    "mysql",
    "redis-cli",
    "kennwort",
    "wachtwoord",
    "contrase",
    "senha",
    "парол",
    "パスワード",
    "密码",
    "mot de passe",
    "pw",
    "otp",
    "license",
    "cookie",
    "identified by",
    "identified with",
    "hooks.slack.com",
    "webhooks",
    "stringdata",
    "docker login",
    "age identity",
)


_CLUE = re.compile(redact_stars.any_of(_CLUES))
_NAME = (
    r"(?:password(?!_encryption)|passwd|passwort|passphrase|passcode|pwd|(?<![a-z])pw(?![a-z])|(?<![a-z])otp(?![a-z])|"
    r"kennwort|wachtwoord|contrase[nñ]a|senha|mot\ de\ passe|пароль|パスワード|密码|license[ _-]?key|"
    r"secret|token(?!s\b|i[sz])|credential|api[_-]?key|access[_-]?key|"
    r"(?:private|account|encryption|signing|master|auth)[_-]?key|pgpassword|(?<![a-z])pass(?![a-z])|"
    r"(?<=_)auth(?![a-z]))[\w-]{0,40}"
)
# A quoted value in any of the ways it is written in SQL, Python, YAML, JSON, shells, and JSON inside a string.
_QUOTED = (
    r"(?:[eE]|[uU]&)?'(?:[^'\\\n]|\\.|'')*+(?:'|\\?(?=\n|\Z))"
    r"|\"(?:[^\"\\\n]|\\.|\"\")*+(?:\"|\\?(?=\n|\Z))"
    r"|(?P<escaped>\\++['\"])(?:(?!(?P=escaped)).)*(?:(?P=escaped)|\Z)"
)
_BARE = r"(?!\$\d|\$\{|%s|%\(|\?|:\w|\*\*\*|(?i:null|none|true|false)\b)[^\s,;&'\"()<>{}\[\]]+"

# Behind a colon YAML may open a block of lines, which redact_told looks into, or entries with names of their own.
_NO_BLOCK = r"(?![ \t]*[|>][-+0-9]{0,2}[ \t]*\n|\s*\n\s*(?:-\ )?[\w.\"'-]{1,80}:(?:\s|\Z))"

# In SQL inside a string every quote is doubled, and doubled again in a string inside that; '' alone opens nothing.
_DOUBLED = r"(?P<{0}>'{{2,}}+)(?![\s,;)]|\Z)(?:(?!(?P={0})).){{1,500}}(?:(?P={0})|\Z)"
# Words of SQL, and of OPTIONS (…), that a quoted secret follows with nothing between: password 'x', SET api_key 'x'.
_OPTION = r"password|passwd|passphrase|pwd|secret|token|(?:api|access|private|account|encryption)_?key"
_GRAMMAR = "to|from|drop|not|null|default|type|is|was|has"  # what follows the name of a setting or a column in SQL
_LITERAL = r"'(?:[^'\\]|\\.|'')*+"
_BETWEEN = r"(?:\s|/\*[^*]{0,200}\*/|--[^\n]{0,200}\n)"

_SECRET = re.compile(
    rf"""
    (?P<url>\b(?:[a-z][a-z0-9+.-]{{1,30}})://[^\s:/@'"<>?\#]{{0,100}}:)(?P<url_secret>[^\s'"<>/]{{1,300}}|[^\s'"<>]{{1,300}}(?=@[\w.\[-]{{1,255}}[:/?\s'"]))(?=@)
  | (?P<key>{_NAME}(?:\\*["'])?\s*(?:=>|:?=++|:(?!:)){_NO_BLOCK}\s*)
    (?:(?P<quoted>{_DOUBLED.format("run")}|{_QUOTED})|(?P<bare>{_BARE}))
  | (?P<sql>(?:\b|_)(?:{_OPTION})(?:_[a-z]+){{0,3}}"?{_BETWEEN}+|(?<![\w'".])password(?='))
    (?P<sql_secret>{_DOUBLED.format("sql_run")}|(?:e|u&)?\\?{_LITERAL}(?:'(?:\s*\n\s*{_LITERAL}')*|\\?\Z)
      |\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z))
  | (?P<flag>--(?:{_NAME})\s+)(?P<flag_secret>[^\s'"-][^\s'"]*|'[^'\n]*'?|"[^"\n]*"?)
  | (?P<shape>\b(?:(?:AKIA|ASIA)[A-Z0-9]{{16}}\b|gh[pousr]_\w{{20,}}|github_pat_\w{{20,}}|glpat-[\w-]{{12,}}
      |xox[abeprs]-[\w-]{{10,}}|sk_live_\w{{12,}}|AIza[\w-]{{30,}}|eyJ[\w-]{{8,}}\.[\w-]{{8,}}\.[\w-]*))
  | (?P<scram>\bSCRAM-SHA-256\$[^\s'",]+)
  | (?P<bearer>\bbearer\s+)(?P<bearer_secret>[\w.~+/=-]{{8,}})
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
# Where a secret stands that no name announces; a clue that such a text must hold saves the search.
_PLACES = [
    (clue, re.compile(rf"(?P<kept>{kept})(?P<secret>{secret})", re.IGNORECASE | re.DOTALL))
    for clue, kept, secret in (
        ("]", rf"{_NAME}\\?[\"']\]\s*=\s*", _QUOTED),
        ("(", rf"\b(?:getenv|putenv|setenv|setdefault|set_config|get)\(\s*['\"][\w.]*{_NAME}['\"]\s*,\s*", _QUOTED),
        ("set", rf"\bset\s+(?:local\s+|session\s+)?[\w.\"]*{_NAME}\"?\s+to\s+", rf"{_QUOTED}|{_BARE}"),
        ("'", rf"{_NAME}\s+(?:constant\s+)?(?:text|name|(?:var)?char\w*(?:\s+varying)?)(?:\s*\(\d+\))?"
              r"(?:\s+not\s+null)?\s*(?::=|=|\bdefault\b)\s*", _QUOTED),
        ("<", rf"<(?:\w{{0,40}}[.:-])?{_NAME}>", r"[^<]+"),
        ("%3d", rf"{_NAME}%3D", r"[^\s&'\"]+"),
        ("crypt", r"\bcrypt\s*\(\s*", _QUOTED),
        ("crypt", r"\b(?:pgp_sym_|en|de)\w*crypt\w*\s*\([^()]{0,300}?,\s*", _QUOTED),
        ("hmac", r"\bhmac\s*\([^()]{0,300}?,\s*", _QUOTED),
        ("current_setting", rf"\bcurrent_setting\(\s*'[\w.]*{_NAME}'[^'()]{{0,40}}\)[^'()]{{1,40}}", _QUOTED),
        ("changed to", rf"{_NAME}\"\s+changed\s+to\s+", _QUOTED),
        ("authorization", r"\bauthorization\W{1,4}(?:basic|digest|negotiate|token)\s+", r"[^\s'\"]+"),
        ("=", r"[?&](?:sig|x-amz-signature|signature)=", r"[^\s&'\"]+"),
        ("@", r"\bhttps?://", r"[^\s:/@'\"]{12,}(?=@)"),
        ("key-----", r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----", r".*?(?=-----END|\Z)"),
        ("pass:", r"-pass(?:in|out)?\s+pass:", r"[^\s'\"]+"),
        ("-literal", r"--from-literal[=\s]+[^\s=]+=", r"[^\s'\"]+"),
        ("key (", rf"\bkey \([^)\n]{{0,200}}?{_NAME}[^)\n]{{0,200}}\)=\(", r"[^\n]*(?=\))"),
        ("e", rf"\b(?:env|setx?|configure\s+set)\s+[\w.]*{_NAME}\s+(?!(?:{_GRAMMAR})\b|[=:])",
         r"[^\s'\";,)=]+(?!\s*=)"),
        ("-u", r"(?<=\s)(?:-u|--user)[\s=]?['\"]?[\w.@-]+[:,]", r"[^\s'\"]+"),
        ("sshpass", r"\bsshpass\s+-p\s*", r"'[^'\n]*'?|\"[^\"\n]*\"?|[^\s'\"]+"),
        ("mysql", r"\bmysql\w*\b[^\n;|]{0,200}?\s-p", r"[^\s'\"]+|'[^'\n]*'?"),
        ("redis-cli", r"\bredis-cli\b[^\n;|]{0,200}?\s-a\s+", r"[^\s'\"]+|'[^'\n]*'?"),
    )
]  # fmt: skip
# A row that is inserted into a column of such a name: which of the values it is nobody counts, so all literals go.
_VALUE = re.compile(rf"{_LITERAL}(?:'|\Z)")
_INSERT = re.compile(
    rf"(?P<kept>\binsert\s+into\s+[^()';]{{1,300}}\([^()';]{{0,2000}}?{_NAME}[^()';]{{0,2000}}\)[^();']{{0,60}}\bvalues\b)"
    rf"(?P<values>(?:{_LITERAL}(?:'|\Z)|[^';])*+)",
    re.IGNORECASE,
)


def redact_under(name: str, value: str) -> str:
    """A value as it may be shown beside its name, which may announce that the whole of it is a secret.

    >>> redact_under("app.password", "two words"), redact_under("app.region", "eu west")
    ('***', 'eu west')
    """
    told = re.sub(r"[^\w.-]", "_", name) + "=x9x9x9x9x9x9"
    return HIDDEN if value and redact(told) != told else redact(value)


# A letter that is written as its number: in JSON and Python, C, URLs, XML and HTML, and SQL's U&'…'.
_LETTER = (
    r"(?<!\\)\\++(?:u00|u\{0{0,4}|U000000|x)[3-7][0-9a-fA-F]\}?|%(?:25)?[3-7][0-9a-fA-F]"
    r"|&\#x0{0,4}[3-7][0-9a-fA-F];|&\#0{0,4}\d{2,3};|\\00[3-7][0-9a-fA-F]"
)
_NUMBERED = re.compile(_LETTER)
# No possessive group: up to Python 3.11.4 one whose next round fails stays where that round had come to.
_SPELT = re.compile(rf"(?:[A-Za-z0-9_-]|{_LETTER})+")
_NAMED = re.compile(_NAME, re.IGNORECASE | re.VERBOSE)


def redact(text: str) -> str:
    """The text with every secret that can be told by its place replaced by ``***``; twice gives the same as once.

    >>> redact("postgresql://app:s3cret@db/shop?password=x"), redact("ALTER ROLE a PASSWORD 'b c'")
    ('postgresql://app:***@db/shop?password=***', "ALTER ROLE a PASSWORD '***'")
    """
    found = _redacted(text)
    if not ("\\" in found or "%" in found or "&#" in found) or not _NUMBERED.search(found):
        return found
    # A word is spelt out where it names a secret, and only if that brings one to light.
    spelt = _SPELT.sub(_word, found)
    again = _redacted(spelt) if spelt != found else found
    return again if again != spelt else found


def _word(found: re.Match[str]) -> str:
    spelt = _NUMBERED.sub(_letter, found[0])
    return spelt if spelt != found[0] and _NAMED.search(spelt) else found[0]


def _letter(found: re.Match[str]) -> str:
    written = found[0]
    decimal = written.startswith("&#") and written[2] not in "xX"
    letter = chr(int(written[2:-1]) if decimal else int(written.rstrip("};")[-2:], 16))
    return letter if letter.isascii() and (letter.isalnum() or letter in "_-") else found[0]


def _redacted(text: str) -> str:
    text = redact_shapes.hide(text)
    lowered = text.lower()
    if not _CLUE.search(lowered):
        return text
    for clue, place in _PLACES:
        if clue in lowered:
            text = place.sub(lambda found: found["kept"] + redact_stars.starred(found["secret"]), text)
    if "values" in lowered and "insert" in lowered:
        text = _INSERT.sub(lambda found: found["kept"] + _VALUE.sub(f"'{HIDDEN}'", found["values"]), text)
    text = redact_told.nested(text, HIDDEN)
    for clues, place in redact_told.PLACES:
        if redact_stars.holds(lowered, clues):
            text = place.sub(lambda found: found["kept"] + redact_stars.starred(found["secret"]), text)
    return _SECRET.sub(_hide, text)


def _hide(found: re.Match[str]) -> str:
    for kept, secret, run in (("key", "quoted", "run"), ("sql", "sql_secret", "sql_run")):
        if found[run] is not None:
            return found[kept] + redact_stars.between(found[secret], found[run], found[run])
    for kept, secret in (
        ("url", "url_secret"),
        ("key", "quoted"),
        ("key", "bare"),
        ("sql", "sql_secret"),
        ("flag", "flag_secret"),
        ("bearer", "bearer_secret"),
    ):
        if found[secret] is not None:
            return found[kept] + redact_stars.starred(found[secret])
    return HIDDEN
