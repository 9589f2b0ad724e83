"""The price list of a file of settings is read whole, or refused with file, key and remedy."""

from pathlib import Path

import pytest

from remit import App
from remit.app.config import read_settings
from remit.app.plan_settings import plans_of
from remit.errors import ConfigError
from remit.policy.plan import Plans

GOOD = """
[billing]
default = "free"
grace = "2d"
stripe_secret_env = "SHOP_SECRET"

[plans.free]
limits = [{ of = "user", window = "day", cost_usd = "0.50" }]
models = ["anthropic:claude-haiku-*"]
tools = ["find_*"]

[plans.pro]
limits = [{ of = "user", window = "day", cost_usd = "5.00" }]
checkout_url = "https://pay.example/pro"
prices = ["price_pro"]
"""


def read(folder: Path, text: str) -> Plans | None:
    (folder / "remit.toml").write_text(text, encoding="utf-8")
    settings = read_settings(variables={}, folder=folder)
    return plans_of(settings.billing, settings.plans, "remit.toml")


@pytest.mark.requirement("BIL-3")
def test_plans_stand_in_the_order_of_the_file(tmp_path: Path) -> None:
    plans = read(tmp_path, GOOD)
    assert plans is not None
    assert [plan.name for plan in plans.plans] == ["free", "pro"]
    assert (plans.default, plans.grace, plans.stripe_secret_env) == ("free", "2d", ("SHOP_SECRET",))
    assert plans.get("free").tools == ("find_*",)
    assert read(tmp_path, "") is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('default = "free"', 'default = "gold"', "default plan 'gold' is none of free, pro"),
        ('default = "free"', "", r"billing\.default: Field required"),
        ('"2d"', '"soon"', r"billing\.grace: .*not a duration"),
        ('prices = ["price_pro"]', "", r"plans\.pro.*: .*checkout_url without prices"),
        ("tools = ", "tolls = ", r"plans\.free\.tolls.*Extra inputs"),
        (
            'of = "user", window = "day", cost_usd = "5.00"',
            'of = "tenant", calls = 1',
            "of='tenant'",
        ),
        ("[plans.pro]", '[plans."a b"]', "plan 'a b'"),
        ('cost_usd = "0.50"', "cost_usd = 0.5", r"plans\.free\.limits\.0\.cost_usd"),
    ],
    ids=range(8),
)
def test_a_wrong_one_names_file_key_and_remedy(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=f"remit.toml: .*{message}.*known keys: .*plans.NAME"):
        read(tmp_path, GOOD.replace(old, new))


def test_a_secret_in_place_of_its_variables_name_is_not_shown(tmp_path: Path) -> None:
    literal = "wh" + "sec_abcdef"
    with pytest.raises(ConfigError, match="name the variable that holds the secret") as caught:
        read(tmp_path, GOOD.replace("SHOP_SECRET", literal))
    assert literal not in str(caught.value)


def test_plans_without_billing_and_billing_without_plans(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"write \[billing\] with default = 'free'"):
        read(tmp_path, "[plans.free]\n")
    with pytest.raises(ConfigError, match=r"write \[plans.free\]"):
        read(tmp_path, '[billing]\ndefault = "free"\n')


def test_the_app_reads_them_unless_it_is_given_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "remit.toml").write_text(GOOD, encoding="utf-8")
    assert App("memory:")._plans == read(tmp_path, GOOD)
    given = Plans.model_validate({"plans": ({"name": "x"},), "default": "x"})
    assert App("memory:", plans=given)._plans is given
    (tmp_path / "remit.toml").write_text("[plans.free]\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"remit\.toml"):
        App("memory:")
