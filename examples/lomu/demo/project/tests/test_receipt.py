"""What a receipt must add up to."""

import unittest
from decimal import Decimal

from till.receipt import line_total, total


class ReceiptTest(unittest.TestCase):
    """Lines and sums."""

    def test_one_item(self) -> None:
        assert line_total("0.99") == Decimal("0.99")

    def test_several_of_one_item(self) -> None:
        found = line_total("2 x 1.50")
        assert found == Decimal("3.00"), f"two of 1.50 are 3.00, not {found}"

    def test_sum_of_all_lines(self) -> None:
        found = total(["2 x 1.50", "0.99"])
        assert found == Decimal("3.99"), f"the sum is 3.99, not {found}"
