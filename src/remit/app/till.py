"""The till: webhooks of payment providers are verified, attributed and entered, each exactly once.

Every step may be repeated without effect, and the provider sends an event again until it is told
that all of them were done: so a crash between two steps loses nothing and counts nothing twice.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from remit.app.load import named
from remit.app.plan_desk import PlanDesk
from remit.errors import ConfigError, WebhookRefused
from remit.journal.events import PaymentIgnored, PaymentReceived
from remit.policy.plan import Plans
from remit.ports import Clock
from remit.runtime.books import Entry
from remit.values.account import OPERATOR
from remit.values.clean import Clean
from remit.values.payment import Payment
from remit.wire.webhook import plain_payment, stripe_payment, stripe_signature
from remit.wire.webhook.bounds import STANDARD_SIGNATURE, header
from remit.wire.webhook.reference import read_reference, reference_key

Owner = tuple[str, str]
_LATE = ("past_due", "failed")
# Its cryptography is 6 MB, which a process that nobody sends payments to does not load.
_STANDARD = "remit.wire.webhook.standard"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentOutcome:
    """What a payment event came to.

    result: `applied`; `repeated`, it had come before; `kept` until its payer is known; `ignored`,
    it says nothing about plans. plan: the holder's plan now.
    """

    event: str
    kind: str
    result: Literal["applied", "repeated", "kept", "ignored"]
    tenant: str = ""
    holder: str = ""
    plan: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Till:
    """Takes payment events."""

    desk: PlanDesk
    clock: Clock
    read_secret: Callable[[str], str | None]
    """A secret by the name in the settings."""
    macs: Iterable[bytes]
    """Keys whose references are honoured: the journal's, old ones too."""

    async def receive(self, headers: Mapping[str, str], body: bytes) -> PaymentOutcome:
        """Verify an event and carry out what it means, once.

        Raises `WebhookRefused` for a forged, stale or damaged one, `ConfigError` where plans or
        secrets are missing, `StoreError` when the journal fails: then it must be sent again.
        """
        payment = self._verified(headers, body)
        if payment.meaning == "unknown":
            return await self._ignore(payment, "its type says nothing about plans")
        owner, problem = await self._owner(payment)
        received = self._received(payment)
        if owner is None:
            home = payment.home
            if not home:
                return await self._ignore(payment, problem or "it names no payer")
            kept = await self.desk.keep(_payer(payment.provider, home), received)
            if isinstance(kept, bool):
                return PaymentOutcome(
                    event=payment.event,
                    kind=payment.kind,
                    result="kept" if kept else "repeated",
                    reason=problem or "nobody has claimed this payer yet",
                )
            owner = kept
        return await self._carry_out(payment, received, owner)

    # ------------------------------------------------------------ verifying

    def _verified(self, headers: Mapping[str, str], body: bytes) -> Payment:
        plans = self.desk.declared
        now_s = self.clock.now_ms() // 1000
        mark = header(headers, stripe_signature.HEADER)
        if mark:
            secrets = self._secrets(plans.stripe_secret_env, "stripe_secret_env")
            stripe_signature.verify(body, mark, secrets, now_s=now_s, tolerance_s=plans.tolerance_s)
            return stripe_payment.read_payment(body)
        if header(headers, STANDARD_SIGNATURE):
            names = plans.webhook_secret_env
            texts = self._secrets(names, "webhook_secret_env")
            read_key = cast("Callable[[str, str], object]", named(_STANDARD, "verify_key", ""))
            verify = cast("Callable[..., str]", named(_STANDARD, "verify", ""))
            keys = [read_key(text, name) for name, text in zip(names, texts, strict=True)]
            event = verify(body, headers, keys, now_s=now_s, tolerance_s=plans.tolerance_s)
            return plain_payment.read_payment(body, event)
        raise WebhookRefused(
            "the webhook is not signed: it has neither a Stripe-Signature nor a webhook-signature",
            reason="signature",
        )

    def _secrets(self, names: tuple[str, ...], setting: str) -> list[str]:
        if not names:
            raise WebhookRefused(
                f"webhooks signed so are not expected here: billing.{setting} names no secret",
                reason="signature",
            )
        found = []
        for name in names:
            secret = (self.read_secret(name) or "").strip()
            if not secret:
                raise ConfigError(
                    f"billing.{setting}: there is no secret {name}; set it, or take the name out "
                    "of the list"
                )
            found.append(secret)
        return found

    # ------------------------------------------------------------ attributing

    async def _owner(self, payment: Payment) -> tuple[Owner | None, str]:
        """Whose payment it is: by our own reference, else by the payer; else None and why."""
        problem = ""
        if payment.reference:
            try:
                owner = await self._referred(payment)
            except WebhookRefused as exc:
                owner, problem = None, str(exc)  # others may use the field for ends of their own
            if owner is not None:
                return owner, ""
        for ref in payment.refs:
            owner = await self.desk.owner(_payer(payment.provider, ref))
            if owner is not None:
                return owner, ""
        return None, problem

    async def _referred(self, payment: Payment) -> Owner | None:
        keys = [reference_key(mac) for mac in self.macs]
        # As of when it happened: it may be sent for days.
        found = read_reference(keys, payment.reference, payment.created_ms)
        if found.digest:
            return await self.desk.owner(f"name:{found.digest}")
        return found.tenant, found.holder

    def _received(self, payment: Payment) -> PaymentReceived:
        plans: Plans = self.desk.declared
        late = payment.meaning in _LATE or payment.status in _LATE
        return PaymentReceived(
            provider=payment.provider,
            event=payment.event,
            kind=payment.kind,
            created_ms=payment.created_ms,
            meaning=payment.meaning,
            status=payment.status,
            subscription=payment.subscription,
            payment=payment.payment,
            charge=payment.charge,
            customer=payment.customer,
            plan=plans.sold_as(payment.sold),
            grace_until_ms=payment.created_ms + plans.grace_ms if late else 0,
            amount=payment.amount,
            currency=payment.currency,
        )

    # ------------------------------------------------------------ carrying out

    async def _carry_out(
        self, payment: Payment, received: PaymentReceived, owner: Owner
    ) -> PaymentOutcome:
        """Enter the payment and what waited for its payer; then tell the runs under way."""
        tenant, holder = owner
        new = await self.desk.pay(tenant, holder, received)
        seen = set(await self.desk.seen(tenant, holder))
        todo = deque([received])
        while todo:
            each = todo.popleft()
            for ref in _refs(each):
                for waited in await self.desk.link(_payer(each.provider, ref), owner):
                    if f"{waited.provider}:{waited.event}" not in seen:
                        seen.add(f"{waited.provider}:{waited.event}")
                        await self.desk.pay(tenant, holder, waited)
                        todo.append(waited)
        await self.desk.tell(tenant, holder)
        now = await self.desk.show(tenant, holder)
        unsold = payment.sold and not received.plan
        return PaymentOutcome(
            event=payment.event,
            kind=payment.kind,
            result="applied" if new else "repeated",
            tenant=tenant,
            holder=holder,
            plan=now.plan,
            reason=f"no plan lists {', '.join(payment.sold)}" if unsold else "",
        )

    async def _ignore(self, payment: Payment, reason: str) -> PaymentOutcome:
        fact = PaymentIgnored(
            provider=payment.provider,
            event=payment.event,
            kind=payment.kind,
            reason=Clean.vouch(reason),
        )
        entry = await self.desk.books.enter(
            OPERATOR,
            f"payment:{payment.provider}-{payment.event}",
            lambda pages, _now_ms: Entry(events=() if pages else (fact,)),
        )
        return PaymentOutcome(
            event=payment.event,
            kind=payment.kind,
            result="ignored" if entry.events else "repeated",
            reason=reason,
        )


def _payer(provider: str, ref: str) -> str:
    return f"payer:{provider}-{ref}"


def _refs(received: PaymentReceived) -> tuple[str, ...]:
    found = (received.subscription, received.payment, received.charge, received.customer)
    return tuple(ref for ref in found if ref)
