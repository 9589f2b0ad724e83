"""Hooks of the helpdesk: what no rule can know, because it stands in the shop's database."""

from decimal import Decimal
from itertools import chain

from helpdesk import wording
from helpdesk.mail import Post
from helpdesk.shop import Order, Shop
from remit import BeforeAnswer, HookedCall, ToolError, before_tool
from remit.machine.hooks import Hook


def make_hooks(shop: Shop, post: Post) -> list[Hook]:
    """The hooks of a desk. Each only looks: it writes nothing, and may be asked twice."""

    @before_tool("reply")
    def check_mail(call: HookedCall) -> BeforeAnswer:
        text = str(call.arguments["text"])
        refused = _never(call, text) or _of_others(shop, call, text)
        if refused:
            return call.refuse(refused)
        held = _unclear(shop, call, text)
        if post.has_answered(call):
            held = "the sender has had an answer to this ticket"
        return call.hold(held) if held else call.go_on()

    @before_tool("refund")
    def check_refund(call: HookedCall) -> BeforeAnswer:
        """People are not asked about what cannot be."""
        try:
            order = shop.order(call, str(call.arguments["order"]))
        except ToolError as exc:
            return call.refuse(str(exc))
        if Decimal(str(call.arguments["amount"])) > Decimal(order.refundable):
            return call.refuse(f"of {order.order} {order.refundable} can be refunded, no more")
        return call.go_on()

    @before_tool("zendesk/escalate")
    def check_escalation(call: HookedCall) -> BeforeAnswer:
        """It is filed under the ticket that was triaged, whatever the ticket says."""
        body = call.arguments["body"]
        found = str(body["ticket"]["external_id"])  # type: ignore[index]  # its schema says so
        if found != call.session:
            return call.refuse(f"external_id is the ticket that you triage: {call.session}")
        return call.go_on()

    return [check_mail, check_refund, check_escalation]


def _never(call: HookedCall, text: str) -> str:
    """What no mail holds, whatever it is about."""
    own = f"{call.tenant}.example"
    if wording.has_card_number(text):
        return "it holds the number of a card"
    if wording.has_account_number(text):
        return "it holds the number of an account"
    if any(host != own and not host.endswith(f".{own}") for host in wording.hosts_of_links(text)):
        return f"it holds a link that does not lead to {own}"
    return ""


def _of_others(shop: Shop, call: HookedCall, text: str) -> str:
    """What is about somebody else."""
    known = {shop.ticket(call).sender, f"support@{call.tenant}.example"}
    if wording.addresses(text) - known:
        return "it holds an address that is not the sender's"
    if any(_order(shop, call, number) is None for number in wording.orders(text)):
        return "it names an order that is not the sender's"
    if shop.names_others(call, text):
        return "it names another customer"
    return ""


def _unclear(shop: Shop, call: HookedCall, text: str) -> str:
    """What may be right, and a person should see first."""
    own = f"{call.tenant}.example"
    if any(host != own and not host.endswith(f".{own}") for host in wording.bare_hosts(text)):
        return "it may hold a link"
    orders = shop.orders(call)
    known = {each for order in orders for each in _amounts(order)}
    if set(wording.amounts(text)) - known:
        return "it names an amount that stands in no order of the sender"
    return ""


def _amounts(order: Order) -> chain[str]:
    return chain(
        order.payments, (order.refunded, order.refundable), (item.price for item in order.items)
    )


def _order(shop: Shop, call: HookedCall, number: str) -> Order | None:
    try:
        return shop.order(call, number)
    except ToolError:
        return None
