"""What a principal may do where."""

from remit.server.principal import Principal


def principal(**grants: str) -> Principal:
    made = {name: frozenset(roles.split()) for name, roles in grants.items()}
    return Principal(name="ann", person="ann", grants=made, how="password")  # type: ignore[arg-type]  # roles as text


def test_roles_hold_in_their_tenant_only() -> None:
    ann = principal(acme="operator", other="viewer")
    assert ann.may("operator", "acme")
    assert ann.may("viewer", "acme")
    assert not ann.may("operator", "other")
    assert not ann.roles("third")
    assert ann.tenants == ("acme", "other")


def test_a_grant_for_all_tenants_adds_to_each() -> None:
    ann = Principal(
        name="ann",
        person="ann",
        grants={"*": frozenset({"viewer"}), "acme": frozenset({"approver"})},
        how="password",
    )
    assert ann.may("viewer", "any")
    assert not ann.may("approver", "any")
    assert ann.may("approver", "acme")
    assert not ann.may("approver", "*")


def test_a_tenant_without_roles_is_none() -> None:
    assert principal(acme="").tenants == ()
