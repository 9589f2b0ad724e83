"""Credentials that are secrets of the app: one for all tenants, or one for each."""

import re
from collections.abc import Callable

from remit.errors import ConfigError, NoCredential
from remit.values.credential import Credential, Wanted

TENANT = "{tenant}"
# Of these letters no two tenants have one name of a secret, in variables and in files.
_PLAIN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)


def name_for(template: str, tenant: str) -> str:
    """The name of a tenant's secret: `CRM_{tenant}` is `CRM_ACME_WEST` for `acme-west`.

    Raises `NoCredential` for a tenant whose name another's could be mistaken for.
    """
    if TENANT not in template:
        return template
    if _PLAIN.fullmatch(tenant) is None:
        raise NoCredential(
            f"the secret {template!r} of the tenant {tenant!r} has no name of its own: names of "
            "tenants with secrets have a-z, 0-9 and single '-'"
        )
    return template.replace(TENANT, tenant.upper().replace("-", "_"))


class SecretCredentials:
    """Reads the secret with each call, so one that was rotated is seen."""

    def __init__(
        self, template: str, read: Callable[[str], str | None], where: Callable[[str], str]
    ) -> None:
        """`template`: a secret's name, with `{tenant}` where each tenant has its own."""
        if not template:
            raise ConfigError("a credential needs the name of its secret: secret = 'CRM_KEY'")
        self._template = template
        self._read = read
        self._where = where

    async def get(self, wanted: Wanted) -> Credential:
        """See `remit.ports.Credentials.get`."""
        name = name_for(self._template, wanted.tenant)
        found = self._read(name)
        if not found:
            raise NoCredential(
                f"the credential {wanted.name!r} is missing: set {self._where(name)}"
            )
        return Credential(found, name=wanted.name)
