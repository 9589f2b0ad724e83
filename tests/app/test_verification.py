"""What verification found is told with its place."""

from remit.app.verification import Damage


def test_a_damage_is_told_with_tenant_run_and_version() -> None:
    where = Damage(tenant="acme", run="run_1", version=3, what="was changed")
    assert str(where) == "acme/run_1 version 3: was changed"
    assert str(Damage(tenant="acme", run="run_1", version=None, what="is gone")) == (
        "acme/run_1: is gone"
    )
    assert str(Damage(tenant="acme", run="", version=None, what="is cut")) == "acme: is cut"
