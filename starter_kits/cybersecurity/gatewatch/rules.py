"""Signatures: what operations use first. Regular expressions by family, written from attacks known at training time.

A rule does not apply to the fields that take code by design (:data:`EXEMPT`): without such exceptions the shop's own
staff would set off every one of them, and operations make them in the first week.
"""

# ruff: noqa: E501

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from gatewatch.text import canonical

EXEMPT = re.compile(r"\b(body|config|query|html)=[^&]*")
RULES = {
    "SQL injection": r"""\bunion\b.{0,40}\bselect\b|\bselect\b.{1,80}\bfrom\b|['"`)]\s*(or|and|\|\||&&)\s*['"(\d\w]+\s*[=<>]|
        \b(sleep|benchmark|pg_sleep|waitfor\s+delay|extractvalue|updatexml|load_file|group_concat|concat_ws|xp_cmdshell)\b|
        ;\s*(drop|insert|update|delete|exec|create|alter)\b|information_schema|@@version|(--|#)\s*$|
        \b(or|and)\b\s+\(?\d+\s*[=<>]""",
    "cross-site scripting": r"""<\s*(script|iframe|svg|img|object|embed|body|meta|link|style|form|base)\b|\bon[a-z]{3,20}\s*=|
        (java|vb)script\s*:|document\.(cookie|write|domain)|\b(alert|prompt|confirm)\s*\(|expression\s*\(|data:text/html""",
    "shell command": r"""[;|&`$]\s*\(?(cat|ls|id|wget|curl|nc|bash|sh|ping|uname|whoami|rm|echo|sleep)\b|/bin/(ba)?sh|/etc/passwd|
        \$\(|`[^`]+`|cmd(\.exe)?\s*/c|powershell""",
    "PHP code": r"<\?(php|=)?|\b(eval|assert|system|exec|passthru|base64_decode|file_get_contents|phpinfo|shell_exec)\s*\(",
    "Java, JNDI": r"\$\{\s*jndi|\bjava\.(lang|io|util|net)|runtime\b.{0,20}exec|processbuilder|ognl|rO0AB",
    "path traversal": r"(\.\.[/\\]){2}|/etc/(passwd|shadow|hosts)|boot\.ini|win\.ini|/proc/self",
    "remote file": r"=\s*(https?|ftp|php|file|data|expect)://(\d{1,3}\.){3}\d|php://(input|filter)",
    "template, script code": r"\{\{.*[*.(\[].*\}\}|__proto__|constructor\s*[.\[(]|\bprocess\.|require\s*\(\s*['\"]child",
}
_COMPILED = {family: re.compile(re.sub(r"\n\s*", "", pattern), re.I) for family, pattern in RULES.items()}


def hits(request: str) -> list[str]:
    """The families whose signature is in the request."""
    text = canonical(EXEMPT.sub("", request))
    return [family for family, pattern in _COMPILED.items() if pattern.search(text)]


def scores(requests: Sequence[str]) -> np.ndarray:
    """How many families' signatures each request has: shape (n,), whole numbers as floats."""
    return np.array([float(len(hits(text))) for text in requests])
