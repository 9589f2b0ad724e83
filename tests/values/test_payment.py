"""A payment says by which of the provider's ids it can be attributed."""

from functools import partial

from remit.values.payment import Payment


def test_the_most_telling_id_comes_first_and_events_of_one_checkout_wait_together() -> None:
    bare = partial(Payment, provider="p", event="e", kind="k", created_ms=1)
    bought = bare(meaning="bought", payment="pi", charge="ch", customer="c")
    assert bought.refs == ("pi", "ch", "c")
    assert bought.home == "c"
    billed = bare(meaning="paid", subscription="s", customer="c")
    assert billed.home == "s"
    disputed = bare(meaning="disputed", charge="ch")
    assert (disputed.refs, disputed.home) == (("ch",), "ch")
