"""What pages need: templates, files by the hash of their content, and headers that keep them safe.

`render(ask, "runs.html", {...})` is a page from `templates/`. In every template stand `principal`
(None where nobody is signed in), `tenant`, `csrf` (the token that forms send as `csrf` and scripts
as the header `X-CSRF-Token`), `path`, `may(role)`, `url("/page", name=value)` (an address in the
tenant that was chosen), `static("file.css")`, and `hx`, which every element with attributes of htmx
carries. Values are escaped; an unknown name is an error. A template extends `base.html` and fills
its blocks `title`, `head` and `main`; `parts.html` has what pages are made of.
"""

import gzip
import hashlib
import mimetypes
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from remit.app.lazy import WallClock
from remit.errors import ConfigError
from remit.server.frame import frame_of, linker, stamp
from remit.server.route import Ask
from remit.server.words import add_words

_HERE = Path(__file__).parent
_DIGEST_CHARS = 16  # 64 bits: no two releases have the same by accident
_MAX_FILE = 1024 * 1024  # of a static file; all of them stay in memory
IMMUTABLE = "public, max-age=31536000, immutable"
"""The address holds the hash of the content, so a year is as good as for ever (RFC 8246)."""

# Own files only: no inline script or style, no frame around it, no form to elsewhere. Scripts run
# on pages alone, see `page_csp`.
CSP = (
    "default-src 'none'; script-src 'none'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
_NONCE_BYTES = 16  # 128 bits, as CSP 3 (section 8.2) asks for


def page_csp(nonce: str) -> str:
    """The policy of one page: only scripts that carry its nonce run, and only htmx writes HTML.

    The extension hx-csp of htmx holds its own attributes to the same nonce.
    """
    scripts = CSP.replace("script-src 'none'", f"script-src 'nonce-{nonce}'")
    return f"{scripts}; require-trusted-types-for 'script'; trusted-types htmx"


SECURITY_HEADERS: Mapping[str, str] = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
"""Of every answer; what says less about caching is not to be kept."""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file of the wheel, as it is sent."""

    content: bytes
    zipped: bytes | None
    """Where that is shorter."""
    media_type: str


@dataclass(frozen=True, slots=True)
class Statics:
    """All files in `static/`, under one hash over all of them, so that they name each other."""

    files: Mapping[str, StaticFile]
    digest: str

    def url(self, name: str) -> str:
        """The address of a file. Raises `ConfigError` for one that there is not."""
        if name not in self.files:
            raise ConfigError(f"static/{name}: there is no such file of the console")
        return f"/static/{self.digest}/{name}"

    def answer(self, request: Request) -> Response:
        """A file; under another hash than today's it is sent, but not to be kept."""
        found = self.files.get(request.path_params["name"])
        if found is None:
            return Response(status_code=404)
        today = request.path_params["digest"] == self.digest
        headers = {"cache-control": IMMUTABLE if today else "no-cache", "vary": "accept-encoding"}
        content = found.content
        if found.zipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
            content, headers["content-encoding"] = found.zipped, "gzip"
        return Response(content, headers=headers, media_type=found.media_type)


def read_statics(folder: Path = _HERE / "static") -> Statics:
    """The files as they are now. Raises `ConfigError` for one that is too large."""
    found: dict[str, StaticFile] = {}
    whole = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        name, content = path.relative_to(folder).as_posix(), path.read_bytes()
        if len(content) > _MAX_FILE:
            raise ConfigError(f"{path}: larger than {_MAX_FILE} bytes")
        zipped = gzip.compress(content, mtime=0)
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        shorter = zipped if len(zipped) < len(content) else None
        found[name] = StaticFile(content, shorter, media_type)
        whole.update(f"{name}\0{len(content)}\0".encode() + content)
    return Statics(found, whole.hexdigest()[:_DIGEST_CHARS])


def make_templates(statics: Statics, folder: Path = _HERE / "templates") -> Environment:
    """The templates, compiled once."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = statics.url
    add_words(environment)
    return environment


def render(
    ask: Ask[BaseModel, BaseModel],
    template: str,
    values: Mapping[str, object] | None = None,
    *,
    status: int = 200,
) -> HTMLResponse:
    """A page, or a part of one, from a template."""
    templates: Environment = ask.request.app.state.templates
    nonce = secrets.token_urlsafe(_NONCE_BYTES)
    text = templates.get_template(template).render(
        {
            "principal": ask.principal_or_none,
            "tenant": ask.tenant,
            "csrf": ask.request.state.csrf,
            "tally": getattr(ask.request.state, "tally", None),
            "path": ask.request.url.path,
            "may": ask.may,
            "frame": frame_of(ask),
            "url": linker(ask),
            "part": ask.request.headers.get("hx-request-type") == "partial",
            "nonce": nonce,
            "hx": stamp(nonce),
            "now_ms": WallClock().now_ms(),
            **(values or {}),
        }
    )
    headers = {"content-security-policy": page_csp(nonce)}
    return HTMLResponse(text, status_code=status, headers=headers)
