"""How far an agent is trusted: off, shadow, supervised, autonomous."""

from typing import Literal

Phase = Literal["off", "shadow", "supervised", "autonomous"]
"""off: nothing runs; shadow: writes are only recorded; supervised: each write asks a human;
autonomous: the rules decide."""
