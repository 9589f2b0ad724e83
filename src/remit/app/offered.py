"""The adapters that users name themselves: confined files, declared prices, models for tests."""

from remit.adapters.files.root import FileRoot
from remit.adapters.prices import declare
from remit.adapters.scripted import EchoModel, ScriptedModel

__all__ = ["EchoModel", "FileRoot", "ScriptedModel", "declare"]
