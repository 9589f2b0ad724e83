"""Characters that cannot be seen, or turn the direction of writing, are shown by their code."""

import unicodedata

# Controls, formats, surrogates, private use and the line and paragraph separators.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Blank although they count as letters or marks, and so of use to whoever hides text in text
# (Unicode, DerivedCoreProperties: Default_Ignorable_Code_Point; U+2800 is drawn as nothing).
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_SELECTORS = (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


def visible(text: str) -> str:
    r"""The text with what cannot be seen, or turns its direction, as `\u202e`.

    What a person agrees to must look like what it is (Unicode TR 36, "Bidirectional Text
    Spoofing"). Line ends and tabs stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_seen(char) for char in text)


def _seen(char: str) -> str:
    if char in "\n\t":
        return char
    code = ord(char)
    hidden = unicodedata.category(char) in _UNSEEN or char in _BLANK
    if not hidden and not any(code in each for each in _SELECTORS):
        return char
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004  # of Python
