"""What stands where a secret belongs but is none: fillers, words, variables, paths, numbers.

Each is an RE2 pattern that acquits a value. They describe the value from its beginning, so that a
real secret is not acquitted by what stands behind it; and a value that is acquitted stays so when
another rule takes its end away, so that cleaning a clean text finds nothing new.
"""

_FIELD = (
    r"\$\{[^{}]{0,60}\}?|\{{1,2}[^{}]{0,60}\}{0,2}|\$[A-Za-z_][A-Za-z0-9_]{0,40}|\$\([^()]{0,60}\)?"
)
_HUMPS = r"(?:[A-Z]{1,6}[a-z]{2,20})"
_LETTERS = rf"[A-Z]{{1,20}}|[A-Za-z]?[a-z]{{1,20}}{_HUMPS}{{0,8}}[A-Z]{{0,2}}|{_HUMPS}{{1,8}}"
_WORD = (
    rf"{_LETTERS}|[A-Za-z][a-z]{{1,14}}[0-9]{{1,2}}|[A-Z]{{2,15}}[0-9]{{1,2}}|[0-9]{{1,4}}|"
    r"[vV][0-9]{1,3}"
)
_MARK = r"[-_./:@+,~!?*#|&=]"

FILLERS = (
    r"^(?:[A-Za-z0-9]{1,8}[_-]){0,4}(?:[xX]{4,}|[*•#.…]{3,}|0{8,}|1234567[0-9]*)[xX*•#.…0_-]*$",
    (
        r"(?i)^(?:[a-z0-9]{1,8}[_-]){0,4}(?:your|my|some|the|insert|enter|put|add|replace|change|set|"
        r"example|sample|dummy|fake|mock|test|placeholder|redacted|hidden|masked|removed|secret)"
        r"(?:[_-]?[a-z]{1,20}){0,8}[0-9]{0,3}$"
    ),
    (
        r"(?i)^(?:pass(?:word|wd|phrase|code)?|pwd|pw|secret|token|key|user(?:name)?|root|admin|guest|"
        r"login|demo|foo|bar|baz|postgres|mysql|mongo|redis|rabbitmq|null|none|nil|undefined|true|"
        r"false|string|xx)[0-9!]{0,1}$"
    ),
    rf"^(?:{_FIELD})",
    r"^[<\[(]|^%[A-Za-z_(%]|^#\{|^@[A-Za-z]",
)
"""Samples of documentation and fields of templates: they acquit a secret of any shape."""

_CODE = (
    r"^[A-Za-z_$][A-Za-z_0-9$]*(?:(?:\.|->|::)[A-Za-z_$][A-Za-z_0-9$]*)+[(\[]?$",
    r"^[A-Za-z]:\\|^[a-z]{2,10}://",
    r"^(?:sha(?:1|224|256|384|512)|md5)[:-]|^data:|^arn:|^urn:",
    r"^[0-9.,:TZ+_/-]+$",
)

PLAIN = (rf"^{_MARK}*(?:{_LETTERS})(?:{_MARK}+(?:{_LETTERS}|{_FIELD})|{_FIELD})*{_MARK}*$", *_CODE)
"""Words without digits, code, addresses, digests, numbers: hardly anybody's password."""

NAMES = (
    rf"^{_MARK}*(?:{_WORD})(?:{_MARK}+(?:{_WORD}|{_FIELD})|{_FIELD})*{_MARK}*$",
    r"(?i)^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
    *_CODE,
)
"""The same, and words with a number or two, and UUIDs: not random enough for a generated secret."""
