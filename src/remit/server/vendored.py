"""Files of others in the wheel: what they are, whose, under which licence, and their SHA-256."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendored:
    """A file as its makers published it on npm, unchanged."""

    file: str
    """In `static/vendor/`."""
    package: str
    version: str
    taken_from: str
    """Its path in the package."""
    licence: str
    """SPDX; its text stands in `licence_file`."""
    licence_file: str
    sha256: str


_HTMX = ("htmx.org", "4.0.1", "0BSD", "htmx.LICENSE.txt")
_UPLOT = ("uplot", "1.6.32", "MIT", "uplot.LICENSE.txt")


def _of(whose: tuple[str, str, str, str], file: str, taken_from: str, sha256: str) -> Vendored:
    package, version, licence, licence_file = whose
    return Vendored(
        file=file,
        package=package,
        version=version,
        taken_from=taken_from,
        licence=licence,
        licence_file=licence_file,
        sha256=sha256,
    )


VENDORED = (
    _of(
        _HTMX,
        "htmx.min.js",
        "dist/htmx.min.js",
        "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
    ),
    _of(
        _HTMX,
        "hx-csp.min.js",
        "dist/ext/hx-csp.min.js",
        "a7e1e6711ae6c3e50ad300fba7936cbe8d07599cdae313414a179ddd6b26e143",
    ),
    _of(
        _HTMX,
        "hx-sse.min.js",
        "dist/ext/hx-sse.min.js",
        "18ef2761356ec1fe0bb6d92612315b37517a7c1e9856b661c5ae81fef239d103",
    ),
    _of(
        _HTMX,
        "htmx.LICENSE.txt",
        "LICENSE",
        "d3d2456f76414f2456104660ebd65aff1c04cd7966b942bdabd63f3cdb316a38",
    ),
    _of(
        _UPLOT,
        "uplot.min.js",
        "dist/uPlot.iife.min.js",
        "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    ),
    _of(
        _UPLOT,
        "uplot.min.css",
        "dist/uPlot.min.css",
        "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    ),
    _of(
        _UPLOT,
        "uplot.LICENSE.txt",
        "LICENSE",
        "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
    ),
)
"""Every file in `static/vendor/`, and nothing else."""
