"""Secrets that no assignment holds: told in a sentence, or nested in JSON, YAML, XML, headers and argument lists.

A sentence gives a value away by "is", "was", "to" or by standing right behind the word. Ordinary words follow there too
("the password is wrong"), so a bare word is hidden where it does not belong to those, and behind the words of other
things ("token", "secret", "key") only where it has both letters and digits, as hardly a word of any language has.
"""

from __future__ import annotations

import re

# What people call it where it can be nothing else, and where it may be (the token of a parser, the key of a table).
_SURE = (
    r"(?:pass(?:word|wd|phrase|code|wort)|pwd|(?<![a-z])pw(?![a-z])|kennwort|wachtwoord|contrase[nñ]a|senha|"
    r"mot\ de\ passe|пароль|パスワード|密码)"
)
_UNSURE = r"(?:tokens?|secrets?|credentials?|api[ _-]?key|access[ _-]?key|private[ _-]?key|license[ _-]?key|otp)"
_NAMED = (
    rf"(?:{_SURE}|tokens?(?![a-z])|secrets?(?![a-z])|credentials?|api[_-]?key|access[_-]?key|auth[_-]?key|"
    r"(?:private|signing|encryption|master|account)[_-]?key|(?<![a-z])pass(?![a-z]))[\w.-]{0,40}"
)
_STARS = r"(?!['\"`(\[]?\*\*\*)"
_QUOTED = r"\"[^\"\s]{3,200}\"|'[^'\s]{3,200}'|`[^`\n]{3,200}`|“[^”\n]{3,200}”|«[^»\n]{3,200}»"
# Letters and digits in one word, and none of the names of methods, encodings, dates and versions that look like it.
_MIXED = (
    r"(?!(?:md5|scram|sha|base|utf|ascii|latin|iso|argon|pbkdf|bcrypt|aes|rsa|rfc|oauth|http|int|float|varchar|char|"
    r"line|column|page|step|python|postgresql|pg|v|version)[-_]?v?\d)"
    r"(?=[^\s'\"`,;()<>\[\]{}]*\d)(?=[^\s'\"`,;()<>\[\]{}]*[a-z])(?![\w.]*[=(\[:])[^\s'\"`,;()<>\[\]{}=\\$%|]{6,200}"
)
# What may stand behind "the password is", and is no password.
_WORDS = (
    r"(?!(?:not|no|n?ever|none|null|true|false|nothing|anything|something|the|an?|this|that|these|those|it|its|he|she|we|"
    r"they|you|your|my|our|their|his|her|what|which|who|whom|whose|when|where|why|how|there|here|if|as|at|by|in|on|of|"
    r"or|to|too|so|such|very|with|without|from|for|and|but|only|just|also|still|already|now|then|again|always|often|"
    r"usually|being|been|be|is|was|are|were|does|do|did|has|have|had|can|cannot|could|may|might|must|shall|should|will|"
    r"would|needs?|used|using|unused|useless|wrong|right|correct|incorrect|invalid|valid|bad|good|weak|strong|short|"
    r"long|longer|shorter|empty|blank|missing|absent|present|required|optional|mandatory|needed|unknown|known|secret|"
    r"public|private|unsafe|safe|secure|insecure|set|unset|reset|changed|unchanged|change|expired|revoked|rotated|"
    r"generated|created|deleted|removed|replaced|read|written|sent|kept|stored|saved|hidden|shown|visible|masked|"
    r"redacted|printed|logged|leaked|encrypted|decrypted|hashed|salted|encoded|given|taken|passed|checked|verified|"
    r"accepted|rejected|refused|denied|ignored|asked|prompted|expected|allowed|disabled|enabled|supported|unsupported|"
    r"implemented|documented|case|different|identical|equal|same|similar|shared|default|defaults?|defined|undefined|"
    r"enough|exactly|mandated|looked|found|lost|forgotten|compromised|up|down|out|off|all|any|both|each|every|plain|"
    r"plaintext|clear|cleartext|text|bytes|string|number|one|two|first|last|new|old|ok|okay|fine|simply|probably|likely|"
    r"really|actually|currently|temporarily|deprecated|obsolete|part|chosen|n/?a|tbd|todo|"
    r"[a-z-]+(?:ed|en|ing|able|ible|ory|ly|ful|less|tive|itive))(?![\w'-]))"
)
_BARE = rf"{_WORDS}[^\s'\"`,;()<>\[\]{{}}=\\$%|&:*?]{{4,200}}(?![\w(=])"
_GAP = r"(?:\s+(?:for|of|on|to|in|at|from)(?:\s+[\w.@'/-]{1,40}){1,7}?)?"
_IS = (
    r"(?:\s+(?:is|was|are|were|will\s+be|would\s+be|has\s+been|becomes?|now)\b(?:\s+now)?\s*[:=]?"
    r"|\s*(?:->|=>|→|⇒|≔))\s*"
)
_TO = r"(?:\s+from\s+\S{1,200})?\s+(?:changed\s+|set\s+|reset\s+)?to\s+"
_SCALAR = r"\"(?:[^\"\\\n]|\\.)*+\"|'(?:[^'\n]|'')*+'|[^\s,'\"\]}]+"

# Clues, one of which the lowered text must hold; what stays; what goes.
_SURELY = ("pass", "pwd", "pw", "kennwort", "wachtwoord", "contrase", "senha", "парол", "パスワード", "密码")
_EITHER = (*_SURELY, "token", "secret", "credential", "key", "otp")
_WORD = rf"(?:{_SURE}|{_UNSURE})"
_TELLING = (
    (_EITHER, rf"\b{_WORD}{_GAP}(?:{_IS}|\s*:\s+|\s+from\s+)", rf"{_QUOTED}|{_MIXED}"),
    (_EITHER, rf"\b{_WORD}{_GAP}{_TO}", rf"{_QUOTED}|{_MIXED}"),
    (("pass",), rf"\bpass(?:word|phrase|code){_IS}", _BARE),
    (_EITHER, rf"(?:\b|_){_WORD}(?:\s+|\s*\(|\s+\[)", rf"`[^`\n]{{3,200}}`|{_MIXED}"),
    (
        ("pass",),
        r"\b(?:use|with|using|new|old|the|set|this)\s+(?:password|passphrase|passcode)\s+",
        r"\"[^\"\s]{3,200}\"",
    ),
    (("age identity",), r"\bage\s+identity(?:\s+(?:is|was)|\s*[:=])?\s*", rf"{_QUOTED}|{_MIXED}"),
    (("credential",), r"\bcredentials?\s*(?:are|is|:)\s*[^\s/]{1,100}\s*/\s*", r"[^\s,;'\"]+"),
    (("docker login",), r"\bdocker\s+login\b[^\n;|]{0,200}?\s-p[\s=]+", r"[^\s'\"]+|'[^'\n]*'?"),
    (
        ("identified",),
        r"\bidentified\s+(?:with\s+\S+\s+)?by\s+(?:password\s+)?",
        r"'(?:[^'\n]|'')*+'|(?!(?:the|an?|its|their|this|that|one|each|name|an?)\b)[^\s,;'\"()]+(?=\s*(?:[;'\"]|\Z))",
    ),
)
_NESTED = (
    (("value",), rf"[\"']?\b(?:name|key|variable)[\"']?\s*[:=]\s*(?P<q>\\?[\"']?)[\w.-]{{0,60}}?{_NAMED}"
                 r"(?P=q)\s*,?\s*[\"']?value[\"']?"
              r"\s*[:=]\s*", _SCALAR),
    (("value",), rf"<[^<>]{{0,200}}?\b(?:name|key)\s*=\s*[\"'][\w.-]{{0,60}}?{_NAMED}[\"'][^<>]{{0,200}}?"
                 r"\bvalue\s*=\s*", _SCALAR),
    (("</",), rf"<[^<>]{{0,200}}?\b(?:name|key|id)\s*=\s*[\"'][\w.-]{{0,60}}?{_NAMED}[\"'][^<>]{{0,200}}>\s*"
              r"(?:<value>\s*)?", r"(?!\s|\*\*\*|<)[^<]+"),
    (("cdata",), rf"<(?:\w{{0,40}}[.:-])?{_NAMED}>\s*<!\[CDATA\[", r"[^\]]+"),
    (("${",), rf"{_NAMED}[\"']?\s*[:=]\s*[\"']?\$\{{[\w.]{{1,80}}:?[-=?+]", r"[^}\n]+"),
    (("--",), rf"[\"']--?[\w-]{{0,40}}?{_NAMED}[\"']\s*,\s*", r"\"[^\"\n]*\"|'[^'\n]*'"),
    (("cookie",), r"\b(?:set-)?cookie[\"']?\s*:\s*[\"']?", r"[\w!#$%&*.^|~-]{1,100}=[^\"'\n]{1,4000}"),
    (("authorization",), r"\bauthorization[\"']?[ \t]*:[ \t]*[\"']?(?!(?:basic|bearer|digest|negotiate|token|aws4)\b)",
     r"[^\s'\",;]{8,}"),
    (("hooks.slack.com",), r"\bhooks\.slack\.com/services/", r"[^\s'\"<>]+"),
    (("/webhooks/",), r"\bdiscord(?:app)?\.com/api/webhooks/", r"[^\s'\"<>]+"),
    (("u003d",), rf"{_NAMED}\\u003d", r"[^\s\\&'\"]+"),
)  # fmt: skip
# Everything below a name, to the end of the brackets or of the deeper lines: every scalar in it goes.
_BRACKETS = re.compile(
    rf"(?P<kept>{_NAMED}[\"']\s*[:=]>?\s*)(?P<block>\[[^\[\]]{{0,4000}}\]|\{{[^{{}}]{{0,4000}}\}}|\([^()]{{0,4000}}\))",
    re.IGNORECASE,
)
_OPENS = re.compile(r"[\"']\s*[:=]>?\s*[\[{(]")  # cheap, and in every text that the pattern above could change
_BLOCK = re.compile(
    rf"(?P<kept>(?:^|(?<=\n))(?P<indent>[ \t]*)(?:-[ \t]+)?[\"']?(?:[\w.-]{{0,60}}?{_NAMED}|stringData)[\"']?"
    r"[ \t]*:[ \t]*)"
    r"(?P<block>[|>][-+0-9]{0,2}[ \t]*(?:\n(?P=indent)[ \t]+[^\n]*|\n[ \t]*(?=\n))+"
    r"|(?:\n(?P=indent)[ \t]+(?:- )?[\w.\"'-]+[ \t]*:[^\n]*)+)",
    re.IGNORECASE,
)
_STRING = re.compile(
    r"(?P<value>\"(?:[^\"\\\n]|\\.)*+\"|'(?:[^'\n]|'')*+'|(?<=[\[,({:\s])[^\s\[\](){},:'\"]+(?=\s*[,\])}]))(?P<key>\s*:)?"
)
_ENTRY = re.compile(r"(?m)(?P<kept>^[ \t]*(?:- )?[\w.\"'-]+[ \t]*:[ \t]+)(?P<value>[^\s#][^\n]*)")
PLACES = [
    (clues, re.compile(rf"(?P<kept>{kept}){_STARS}(?P<secret>{secret})", re.IGNORECASE))
    for clues, kept, secret in (*_NESTED, *_TELLING)
]


def nested(text: str, hidden: str) -> str:
    """The text with every value hidden that stands in brackets or in an indented block below the name of a secret.

    >>> nested('{"password": ["a", "b"]}', "***"), nested("secret: |\\n  a b\\nport: 1", "***")
    ('{"password": ["***", "***"]}', 'secret: |\\n  ***\\nport: 1')
    """
    if _OPENS.search(text):
        text = _BRACKETS.sub(
            lambda found: found["kept"] + _STRING.sub(lambda one: _same(one, hidden), found["block"]), text
        )
    if ":" in text and "\n" in text:
        text = _BLOCK.sub(lambda found: found["kept"] + _below(found["block"], hidden), text)
    return text


def _same(one: re.Match[str], hidden: str) -> str:
    value = one["value"]
    if one["key"] or value.lower() in ("true", "false", "null", "none"):
        return one[0]
    quote = value[0] if value[0] in "'\"" else ""
    return f"{quote}{hidden}{quote}"


def _below(block: str, hidden: str) -> str:
    head, _, rest = block.partition("\n")
    if head[:1] in "|>" and head:
        return head + "\n" + re.sub(r"(?m)^([ \t]*)\S[^\n]*", rf"\g<1>{hidden}", rest)
    return _ENTRY.sub(lambda found: found["kept"] + hidden, block)
