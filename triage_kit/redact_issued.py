"""Tokens and keys that a service or a program issued: known by the letters before them, or by being drawn by lot.

Each issuer documents its own: `GitLab <https://docs.gitlab.com/security/tokens/>`_, `Stripe
<https://docs.stripe.com/keys>`_, `Slack <https://docs.slack.dev/authentication/tokens>`_, `Vault
<https://developer.hashicorp.com/vault/docs/concepts/tokens>`_, `Twilio
<https://www.twilio.com/docs/iam/api-keys>`_, `age <https://github.com/C2SP/C2SP/blob/main/age.md>`_. An issuer that
nobody listed is met by the rule that most of them follow: a word, a hyphen or underscore, and 32 letters and digits
or more in which no seven of a kind stand together. What rows are called stays: a checksum, a commit or a UUID has no
capital letters, a name of several words has longer ones, and ids as ``pi_3MtwBwLkdIwHu7ix28a3tqPa`` are shorter.
"""

from __future__ import annotations

import re

from triage_kit import redact_stars
from triage_kit.redact_stars import HIDDEN

_PREFIXES = (
    "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-", "glagent-", "glimt-", "gloas-", "xapp-", "sk_test_",
    "rk_live_", "rk_test_", "whsec_", "npm_", "pypi-ag", "dop_v1_", "doo_v1_", "hf_", "sk-proj-", "sk-ant-",
    "sk-or-v1-", "shpat_", "shpss_", "shpca_", "dckr_pat_", "dckr_oat_", "hvs.", "hvb.", "hvr.", "ya29.", "1//0",
    "glsa_", "glc_eyj", "nrak-", "lin_api_", "pmak-", "figd_", "atatt3", "atctt3", "dp.pt.", "dp.st.", "sq0csp-",
    "sq0atp-", "eaacedeose0cba", "dapi", "sbp_", "rubygems_", "sntrys_",
    "cfut_", "pscale_pw_", "pscale_tkn_", "xkeysib-", "tskey-auth-", "tskey-api-", "tskey-client-",
)  # fmt: skip
# After a letter or digit a prefix is the end of another word; words of a table's name are shorter than twelve letters.
_ISSUED = re.compile(
    rf"(?<![\w.-])(?i:{'|'.join(re.escape(prefix) for prefix in _PREFIXES)})"
    r"(?=[\w.-]{0,99}\d)(?=[\w.-]{0,99}?[A-Za-z0-9]{12})[\w.-]{16,}|\bSG\.[\w-]{16,}\.[\w-]{16,}"
)
_CLUE = re.compile(redact_stars.any_of(_PREFIXES))
# Clues, one of which the text must hold; what stays; what goes.
_KNOWN = [
    (clues, re.compile(rf"(?P<kept>{kept})(?:{secret})"))
    for clues, kept, secret in (
        # Vault before 1.10: s. and 24 letters and digits; a column of the alias s is a word or several, or goes on.
        (("s.", "b."), r"(?<![\w.])",
         r"[sb]\.(?![A-Z]?[a-z]+(?:[A-Z]+[a-z]+)*\d*(?!\w))(?=[a-z0-9]{0,23}[A-Z])(?=[A-Z0-9]{0,23}[a-z])"
         r"(?=[A-Za-z]{0,23}\d)[A-Za-z0-9]{24}(?:\.[A-Za-z0-9]{5})?(?![\w.(])"),
        (("hvs.", "hvb.", "hvr."), r"(?<![\w.-])", r"hv[sbr]\.(?=[\w-]{0,99}?[A-Za-z0-9]{20})[\w-]{20,}"),
        # Twilio: an account (AC) is a name, its token is 32 digits in hexadecimal as any checksum; SK is a key's name.
        (("AC", "SK"), r"(?<!\w)(?:AC|SK)[0-9a-f]{32}(?!\w)[^\n]{0,40}?(?<!\w)",
         r"(?:[0-9a-f]{32}|(?=[a-z0-9]{0,31}[A-Z])(?=[A-Z0-9]{0,31}[a-z])[A-Za-z0-9]{32})(?!\w)"),
        (("SK",), r"(?<!\w)", r"SK[0-9a-f]{32}(?!\w)"),
        # Mailgun, the old form and the new one, which is no UUID.
        (("key-",), r"(?<![\w-])", r"(?:pub)?key-[0-9a-f]{32}(?![\w-])"),
        (("-",), r"(?<![\w-])", r"[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}(?![\w-])"),
        (("AGE-", "age-"), r"(?<![\w-])", r"(?i:age-(?:secret-key|plugin)-(?:[a-z0-9]{1,20}-){0,3}1[a-z0-9]{20,})"),
        (("Q~",), r"(?<![\w~.-])", r"[\w~.-]{3}\dQ~[\w~.-]{31,34}(?![\w~.-])"),
    )
]  # fmt: skip
_WORDED = re.compile(
    r"(?<![\w.+/-])(?!(?:sha|md)\d)[A-Za-z][A-Za-z0-9]{0,11}[_-](?:[A-Za-z0-9]{1,8}[_-]){0,2}"
    r"(?=[a-z0-9]{0,99}[A-Z])(?=[A-Z0-9]{0,99}[a-z])(?=[A-Za-z]{0,99}\d)"
    r"(?!\w{0,99}?(?:[a-z]{7}|[A-Z]{7}|\d{7}))[A-Za-z0-9]{32,200}(?![\w+/=])"
)
# Every form above has so many letters and digits in a row; looking for them first costs far less than the forms.
_RUN, _LONG_RUN, _WORD_AND_RUN = (
    re.compile(each) for each in (r"[A-Za-z0-9]{12}", r"[A-Za-z0-9]{20}", r"[_-][A-Za-z0-9]{32}")
)


def hide(text: str) -> str:
    """The text without tokens that were issued.

    >>> hide("glrt-a1B2c3a1B2c3a1B2c3, commit 3b18e512dba79e4c8300dd08aeb37f8e728b8dad")
    '***, commit 3b18e512dba79e4c8300dd08aeb37f8e728b8dad'
    """
    if not _RUN.search(text) and "Q~" not in text:
        return text
    if _CLUE.search(text.lower()) or "SG." in text:
        text = _ISSUED.sub(HIDDEN, text)
    if _LONG_RUN.search(text) or "Q~" in text:
        for clues, place in _KNOWN:
            if redact_stars.holds(text, clues):
                text = place.sub(rf"\g<kept>{HIDDEN}", text)
    return _WORDED.sub(HIDDEN, text) if _WORD_AND_RUN.search(text) else text
