"""The whole contract of a journal store; each adapter subclasses it."""

from tests.adapters.store.appends import AppendContract
from tests.adapters.store.books import BookContract
from tests.adapters.store.inboxes import InboxContract
from tests.adapters.store.leases import LeaseContract
from tests.adapters.store.limits import LimitContract
from tests.adapters.store.lists import ListContract
from tests.adapters.store.money import MoneyContract
from tests.adapters.store.sums import SumContract


class StoreContract(
    AppendContract,
    BookContract,
    MoneyContract,
    SumContract,
    LimitContract,
    InboxContract,
    LeaseContract,
    ListContract,
):
    """The whole contract; a subclass gives the fixture `store`, opened."""
