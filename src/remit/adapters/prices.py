"""Prices of models from the compiled table, and prices declared by hand."""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cached_property
from importlib.resources import files

from remit.errors import ConfigError, UnpricedModel
from remit.values.money import Nano, usd
from remit.values.price import ModelPrice, PriceTier, ServiceRate

# Our provider prefixes where the source has other names.
_ALIASES = {
    "bedrock": "aws",
    "gemini": "google",
    "google-cloud": "google",
    "openai-chat": "openai",
    "vertex": "google",
    "xai": "x-ai",
}
# Percent of the listed rates by the providers' words. Batch and flex are half price by the lists
# of July 2026. Priority is dearer by the model (1.7 to 2.5 times): the dearest counts where a
# provider says that it served so, but no hold is made for what Remit does not ask for.
_BATCH = ServiceRate(service="batch", percent=50)
_OPENAI = (
    _BATCH,
    ServiceRate(service="flex", percent=50),
    ServiceRate(service="priority", percent=250),
)
_SERVICES = {"anthropic": (_BATCH,), "azure": _OPENAI, "openai": _OPENAI}
_DATE = re.compile(r"-(\d{4})(\d{2})(\d{2})$", re.ASCII)
# A dollar a token: the dearest models cost a thousandth of it, and what any call can use at this
# price is still counted by a store.
_MOST = usd(1_000_000)
_NEAR = 3  # near names in an error: enough for a slip of the finger
_FILE = files("remit.adapters").joinpath("prices.json")
_FIRST_RATES = 3  # id, matcher and context window stand before the rates of a row

Matcher = str | list["Matcher"]
Row = list[object]


def declare(
    model: str,
    *,
    input_usd: str | int | Decimal,
    output_usd: str | int | Decimal,
    cache_read_usd: str | int | Decimal | None = None,
    cache_write_usd: str | int | Decimal | None = None,
    cache_write_1h_usd: str | int | Decimal | None = None,
    context_tokens: int = 0,
    services: Mapping[str, int] | None = None,
) -> ModelPrice:
    """A price by hand, in US dollars per million tokens as text: `input_usd="3.00"`.

    Without prices of their own, cached tokens cost what input costs, and what is kept for an hour
    twice as much. services: percent of all prices by the provider's word for how it served a call,
    `{"priority": 200}`; holds count on the dearest. Raises `ConfigError`.
    """
    plain = _rate(model, input_usd)

    def cached(amount: str | int | Decimal | None) -> Nano:
        return plain if amount is None else _rate(model, amount)

    return ModelPrice(
        model=model,
        input=plain,
        output=_rate(model, output_usd),
        cache_read=cached(cache_read_usd),
        cache_write=cached(cache_write_usd),
        cache_write_1h=None if cache_write_1h_usd is None else _rate(model, cache_write_1h_usd),
        context_tokens=context_tokens,
        version="declared",
        services=tuple(
            ServiceRate(service=word, percent=percent, held=True)
            for word, percent in (services or {}).items()
        ),
    )


def _rate(model: str, amount: str | int | Decimal) -> Nano:
    rate = usd(amount)
    if rate > _MOST:
        raise ConfigError(
            f"the price of {model!r}: {amount!r} a million tokens is above $1 a token; prices are "
            "in US dollars per million tokens"
        )
    return rate


class Table:
    """`remit.ports.Prices` from the package's table; what is declared comes first.

    `declared` maps names, or patterns such as `scripted:*`, to prices. All of the file but its
    version is read when the first model is looked up that is not declared.
    """

    def __init__(self, declared: Mapping[str, ModelPrice] | None = None) -> None:
        self._declared = dict(declared or {})
        for name in self._declared:
            _split(name)
        with _FILE.open(encoding="utf-8") as file:
            header = json.loads(file.readline().rstrip().rstrip(",") + "}")
        self.version: str = header["version"]
        """Version of the source and the date the prices were taken for."""

    def price(self, model: str) -> ModelPrice:
        """The price of `provider:model`. Raises `UnpricedModel`, with near names."""
        declared = self._by_hand(model)
        if declared is not None:
            return declared
        prefix, name = _split(model)
        row = self._find(_ALIASES.get(prefix, prefix), name.lower())
        if row is None or len(row) <= _FIRST_RATES:
            raise UnpricedModel(self._refusal(model, known=row is not None))
        provider = _ALIASES.get(prefix, prefix)
        return _price(model, row, self.version, _SERVICES.get(provider, ()))

    def _by_hand(self, model: str) -> ModelPrice | None:
        exact = self._declared.get(model)
        if exact is not None:
            return exact
        for pattern, price in self._declared.items():
            if fnmatchcase(model, pattern):
                return price.model_copy(update={"model": model})
        return None

    # ------------------------------------------------------------ the table

    @cached_property
    def _providers(self) -> dict[str, tuple[list[str], list[Row]]]:
        providers = json.loads(_FILE.read_bytes())["providers"]
        return {name: (found["fallback"], found["models"]) for name, found in providers.items()}

    def _find(self, provider: str, name: str) -> Row | None:
        # The source's own order: as written, then with a compact date in its long form.
        dashed = _DATE.sub(r"-\1-\2-\3", name)
        for spelling in dict.fromkeys((name, dashed)):
            row = self._row(provider, spelling)
            if row is not None:
                return row
        return None

    def _row(self, provider: str, name: str) -> Row | None:
        fallback, rows = self._providers.get(provider, ([], []))
        for row in rows:
            if _matches(row[1], name):
                return row
        for other in fallback:
            for row in self._providers[other][1]:
                if _matches(row[1], name):
                    return row
        return None

    def _refusal(self, model: str, *, known: bool) -> str:
        remedy = (
            f"declare it: prices={{{model!r}: declare({model!r}, input_usd='…', output_usd='…')}}"
        )
        if known:
            return (
                f"model {model!r} has no price for tokens alone in the table ({self.version}); "
                f"{remedy}"
            )
        near = difflib.get_close_matches(model, list(self._names()), _NEAR)
        hint = f"; did you mean {', '.join(near)}? Else" if near else ";"
        return f"model {model!r} has no known price ({self.version}){hint} {remedy}"

    def _names(self) -> Iterator[str]:
        for provider, (_, rows) in self._providers.items():
            yield from (f"{provider}:{row[0]}" for row in rows if len(row) > _FIRST_RATES)


def _split(model: str) -> tuple[str, str]:
    prefix, colon, name = model.partition(":")
    if not (prefix and colon and name):
        raise ConfigError(f"model {model!r}: write provider:name, as anthropic:claude-sonnet-5")
    return prefix, name


def _matches(matcher: object, name: str) -> bool:
    """True if the matcher of a row (see scripts/compile_prices.py) fits a name."""
    if isinstance(matcher, list):
        results = (_matches(one, name) for one in matcher[1:])
        return all(results) if matcher[0] == "&" else any(results)
    kind, text = str(matcher)[0], str(matcher)[1:]
    match kind:
        case "=":
            return name == text
        case "^":
            return name.startswith(text)
        case "*":
            return text in name
        case "$":
            return name.endswith(text)
        case _:
            return re.search(text, name) is not None


def _price(model: str, row: Row, version: str, services: tuple[ServiceRate, ...]) -> ModelPrice:
    window, rates = row[2], row[_FIRST_RATES:]
    base, *longer = (_tier(rate) for rate in rates)
    return ModelPrice(
        model=model,
        input=base.input,
        output=base.output,
        cache_read=base.cache_read,
        cache_write=base.cache_write,
        context_tokens=window if isinstance(window, int) else 0,
        version=version,
        tiers=tuple(longer),
        services=services,
    )


def _tier(rate: object) -> PriceTier:
    names = ("above_tokens", "input", "output", "cache_read", "cache_write")
    values = rate if isinstance(rate, list) else []
    return PriceTier.model_validate(dict(zip(names, values, strict=True)))
