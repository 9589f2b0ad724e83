"""Services: what is shared in a process never shows its secrets."""

from dataclasses import replace

from remit.policy.secret_scan import SecretRules
from remit.runtime.services import LEASE_MS, Signer
from tests.runtime.kit import services_on
from tests.runtime.stage import secret


def test_a_key_is_not_shown() -> None:
    shown = repr(Signer(key=b"very-secret-key", key_id="abc"))
    assert "very-secret-key" not in shown
    assert "abc" in shown


def test_known_secrets_are_not_shown() -> None:
    key = secret()
    rules = SecretRules((), {"token": key})
    assert key not in repr(replace(services_on(), secret_rules=lambda: rules))
    assert key not in repr(rules)


def test_a_lease_is_renewed_in_time() -> None:
    assert LEASE_MS % 3 == 0  # renewals come three times as often as it ends
