"""What one attempt of a tool call says it cost, and whether it began at all."""

from remit.errors import UsageError
from remit.machine.tools import AnyTool
from remit.values.money import Nano


class Meter:
    """Entered from the tool's task or thread; read once, when the attempt has an outcome."""

    def __init__(self) -> None:
        self.begun = False
        """The tool's own function was called."""
        self._amounts: list[int] = []  # appending is atomic, adding up is not

    def enter(self, nano: Nano) -> None:
        """Enter an amount. What comes after the outcome counts no more: it was posted in full."""
        self._amounts.append(nano)

    def charged(self, *, cut: bool = False) -> int | None:
        """Nano-dollars that were said, 0 for what did not begin; None where nobody knows.

        `cut`: it did not get to its end, so that to have said nought says nothing.
        """
        if not self.begun:
            return 0
        said = sum(self._amounts)
        return said if self._amounts and not (cut and said == 0) else None


def refuse_charge(tool: AnyTool, what: str) -> None:
    """Raise `UsageError`: an amount that would be entered nowhere must not be said in vain."""
    raise UsageError(
        f"{what} {tool.name!r} calls Call.charge and reports no price; declare the tool with "
        '@tool(price_usd="0.50", reports_price=True), or drop the call'
    )
