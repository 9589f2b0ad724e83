"""The whole contract of a journal store; each adapter subclasses it."""

from tests.adapters.store.appends import AppendContract
from tests.adapters.store.inboxes import InboxContract
from tests.adapters.store.leases import LeaseContract
from tests.adapters.store.lists import ListContract
from tests.adapters.store.money import MoneyContract


class StoreContract(AppendContract, MoneyContract, InboxContract, LeaseContract, ListContract):
    """The whole contract; a subclass gives the fixture `store`, opened."""
