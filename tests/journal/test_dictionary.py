"""The compression dictionary is a part of the stored format."""

from remit.journal.dictionary import DICTIONARY_1

WINDOW_BYTES = 32 * 1024
"""Deflate looks back no further; what stands before could never be used."""


def test_the_dictionary_fits_into_the_window() -> None:
    assert 0 < len(DICTIONARY_1) <= WINDOW_BYTES


def test_the_most_frequent_records_stand_last() -> None:
    assert b"ModelCompleted" in DICTIONARY_1[len(DICTIONARY_1) // 2 :]
