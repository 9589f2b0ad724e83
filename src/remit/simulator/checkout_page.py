"""The pages of the simulated checkout: plain HTML without a script, everything in it escaped."""

import base64
import hashlib
from html import escape

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:10vh auto;padding:0 1rem}"
    "h1{font-size:1.5rem}button{font:inherit;padding:.5rem 1.25rem}"
    ".note{border:1px solid;border-radius:.25rem;padding:.75rem 1rem}"
    "code{overflow-wrap:anywhere}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

CSP = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
"""Only this style, only forms to this page."""


def pay_page(plan: str, price: str, reference: str) -> str:
    """What is sold, and the button."""
    return _whole(
        f"Buy the plan {plan}",
        '<p class="note">This is the checkout of the simulator, on your own machine. '
        "No money moves and nothing leaves it.</p>"
        f"<p>The plan <strong>{escape(plan)}</strong>, {escape(price)} a month.</p>"
        + _form(reference, f"Pay {price}"),
    )


def paid_page(  # one argument per thing that is said
    plan: str, reference: str, event: str, said: str, home: str, *, taken: bool
) -> str:
    """What came of it."""
    title = f"Paid: the plan {plan}" if taken else "Paid, and not told yet"
    words = "The server took" if taken else "The server did not take"
    back = f'<p><a href="{escape(home)}">Back to the console</a></p>' if home else ""
    return _whole(
        title,
        f'<p role="status">{words} the signed event <code>{escape(event)}</code>: '
        f"<strong>{escape(said)}</strong>.</p>{back}"
        "<p>Payment providers send an event again when they are not sure. It counts once.</p>"
        + _form(reference, "Send the same event again"),
    )


def refusal_page(words: str) -> str:
    """Why there is nothing to buy."""
    return _whole("No checkout", f"<p>{escape(words)}</p>")


def _form(reference: str, button: str) -> str:
    """It is sent to the page's own address."""
    return (
        '<form method="post"><input type="hidden" name="client_reference_id" '
        f'value="{escape(reference)}"><button>{escape(button)}</button></form>'
    )


def _whole(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
