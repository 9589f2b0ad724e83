"""Writes out the examples of secret rules: text shaped like a secret exists only while it is used.

`{U16}` in an example is 16 characters of the alphabet U, always the same ones for the same example
and place; `{{` and `}}` are braces. Alphabets: `U` A-Z and 0-9, `L` a-z and 0-9, `A` A-Z, a-z and
0-9, `W` these and `-` and `_`, `B` these and `+` and `/`, `H` 0-9 and a-f, `D` 0-9, `T` A-Z and
2-7, `X` just x.
"""

import hashlib
import re
import string

_ALPHABETS = {
    "U": string.ascii_uppercase + string.digits,
    "L": string.ascii_lowercase + string.digits,
    "A": string.ascii_letters + string.digits,
    "W": string.ascii_letters + string.digits + "-_",
    "B": string.ascii_letters + string.digits + "+/",
    "H": string.digits + "abcdef",
    "D": string.digits,
    "T": string.ascii_uppercase + "234567",
    "X": "x",
}
_FIELD = re.compile(r"\{\{|\}\}|\{([ULAWBHDTX])(\d{1,4})\}")


def write_out(example: str, seed: str = "") -> str:
    """The text of an example; another seed gives other characters."""

    def fill(field: re.Match[str]) -> str:
        if field[1] is None:
            return field[0][0]
        alphabet = _ALPHABETS[field[1]]
        # SHAKE-256 gives as many even bytes as wanted; the bias of the remainder does not matter.
        noise = hashlib.shake_256(f"{seed}|{field.start()}|{example}".encode())
        return "".join(alphabet[byte % len(alphabet)] for byte in noise.digest(int(field[2])))

    return _FIELD.sub(fill, example)


def planted(example: str, seed: str = "") -> tuple[str, str]:
    """The text of an example and the secret in it, which stands between « and »."""
    before, _, rest = write_out(example, seed).partition("«")
    secret, _, after = rest.partition("»")
    return before + secret + after, secret
