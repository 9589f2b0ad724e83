"""Who asks the server: a signed-in person or a program with a key, and what they may do where.

`request.state.principal` is a `Principal`; on public routes it is None where nobody signed in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from remit.values.account import OPERATOR
from remit.values.role import Role, included

EVERYWHERE = OPERATOR
"""The tenant `*`: a grant for it holds in every tenant, and for what belongs to none."""

How = Literal["link", "password", "key"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody whom the server has authenticated.

    name: what the journal calls them, `ann`, `local:ann` or `key:ci`. person: the human who speaks
    when this principal approves or answers; empty for a program, which speaks for nobody.
    grants: roles by tenant. how: by a one-time link, a password, or an API key.
    """

    name: str
    person: str
    grants: Mapping[str, frozenset[Role]] = field(default_factory=dict)
    how: How

    def roles(self, tenant: str) -> frozenset[Role]:
        """What they may do in a tenant, what roles include counted in."""
        own = self.grants.get(tenant, frozenset())
        return included(own | self.grants.get(EVERYWHERE, frozenset()))

    def may(self, role: Role, tenant: str) -> bool:
        """Whether they have a role in a tenant; for `*`, in all of them."""
        return role in self.roles(tenant)

    @property
    def tenants(self) -> tuple[str, ...]:
        """The tenants they have roles in, by name; `*` among them for all."""
        return tuple(sorted(tenant for tenant, roles in self.grants.items() if roles))
