"""The price list of a file of settings: `[billing]` and one `[plans.NAME]` for each plan."""

from collections.abc import Mapping

from pydantic import ValidationError

from remit.errors import ConfigError
from remit.policy.plan import Billing, Plan, PlanBody, Plans

REMEDY = "billing.{default, holder, grace, reference_days, stripe_secret_env, webhook_secret_env, "
REMEDY += "tolerance}, plans.NAME.{limits, models, agents, tools, checkout_url, prices}"


def plans_of(billing: Billing | None, plans: Mapping[str, PlanBody], where: str) -> Plans | None:
    """The price list in the order of the file, None where there is none.

    Raises `ConfigError` naming the file, the key and the remedy.
    """
    if billing is None and not plans:
        return None
    if billing is None:
        raise ConfigError(
            f"{where}: plans without [billing]: write [billing] with "
            f"default = {next(iter(plans))!r}, the plan of whoever pays nothing"
        )
    if not plans:
        raise ConfigError(f"{where}: [billing] without plans: write [plans.{billing.default}]")
    try:
        named = [
            Plan.model_validate({"name": name, **_fields(body)}) for name, body in plans.items()
        ]
        return Plans.model_validate({"plans": tuple(named), **_fields(billing)})
    except ValidationError as exc:
        error = exc.errors(include_input=False)[0]
        key = ".".join(str(part) for part in error["loc"]) or "plans"
        raise ConfigError(f"{where}: {key}: {error['msg']}; known keys: {REMEDY}") from None


def _fields(model: Billing | PlanBody) -> dict[str, object]:
    return {name: getattr(model, name) for name in type(model).model_fields}
