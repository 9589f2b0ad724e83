"""What a Gemini SKU's description says: which model, and which class of tokens.

Cloud Billing names models only in the words of its SKUs. The shapes seen in billing exports:
`Generate content cached input token count gemini 3.6 flash text`, `Generate_content text output
token count for gemini 3 flash batch` and `Generate content output token count gemini 2.5 flash
short output text non-thinking` of the Gemini API, and `Gemini 2.5 Flash GA Thinking Text Output -
Predictions` and `Gemini 3 Flash Text Input Caching` of Vertex AI.
"""

import re
from dataclasses import dataclass

from remit.values.statement import OUTPUT, READ, UNCACHED, TokenClass

# `short` and `long` are price bands, `GA`, `Global` and `preview` say nothing of tokens.
_FAMILY = re.compile(
    r"\bgemini[ -](\d{1,2}(?:\.\d{1,2})?)[ -](pro|flash|ultra|nano)"
    r"((?:[ -](?:lite|image|live|tts|audio)(?![ -](?:input|output|token|caching)\b))*)",
    re.IGNORECASE,
)
_CACHED = re.compile(r"\bcached\b|\bcaching\b", re.IGNORECASE)
_STORAGE = re.compile(r"\bstorage\b", re.IGNORECASE)
_OUTPUT = re.compile(r"\boutput (token count|- predictions)\b", re.IGNORECASE)
_INPUT = re.compile(
    r"\binput token count\b|\binput - predictions\b|\binput caching\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Sku:
    """What a description says; `token_class` is None where it is about something else."""

    model: str
    """Such as `gemini-2.5-flash`; empty where no model is named."""
    token_class: TokenClass | None


def read_sku(description: str) -> Sku:
    """The model and class in a description. Never raises: what is unknown stays a line."""
    words = " ".join(description.replace("_", " ").split())
    found = _FAMILY.search(words)
    model = ""
    if found:
        parts = ["gemini", found[1], found[2], *re.split(r"[ -]", found[3].strip(" -"))]
        model = "-".join(part.lower() for part in parts if part)
    return Sku(model, _class_of(words) if model else None)


def describe(model: str, token_class: str) -> str:
    """The description a Gemini API row of these tokens has; the other way round."""
    known: dict[str, str] = {READ: "cached input", OUTPUT: "output"}
    words = known.get(token_class, "input")
    return f"Generate content {words} token count {model.replace('-', ' ')} text"


def _class_of(words: str) -> TokenClass | None:
    if _STORAGE.search(words):
        return None  # cached tokens times hours: money, but no tokens of a call
    if _OUTPUT.search(words):
        return OUTPUT
    if _INPUT.search(words):
        return READ if _CACHED.search(words) else UNCACHED
    return None
