"""How many secrets the redactor finds, how often it cries wolf, and how fast it reads.

Prints one JSON line for each sensitivity, the whole frontier. A corpus is JSON Lines with `text`,
`label` and `secret`: a document whose label says that it is clean holds no secret, whatever stands
in `secret`; nor does one whose `secret` (a string, or a list of them) is empty, unless its label
says that it is a secret: then it counts as found when anything in it is found. A secret is found
when it does not stand in the cleaned text any more. Without a corpus one is generated.

    python benchmarks/redact.py --corpus FILE.jsonl
    python benchmarks/redact.py --missed normal   (also says, to stderr, what went wrong there)
    python benchmarks/redact.py --beside VENV/bin/python   (also measures detect-secrets there)

`recall` is the share of the secrets that are gone, `false_alarm_rate` the share of the clean
documents in which something was found, `precision` the share of guilty documents among those in
which something was found. Speed is per second of CPU, for a busy
machine must not change it. `known_covered` is the share of the corpus's secrets that, once they are
known by value, are gone from their text, from its URL-encoding, and from its base64 in all three
alignments.
"""

import argparse
import base64
import hashlib
import hmac
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from remit.app.config import SecretsConfig
from remit.app.secrets import make_rules
from remit.policy.known_values import LEAST_BYTES, MOST_BYTES
from remit.policy.redact import Redactor
from remit.policy.secret_rule import SENSITIVITIES
from remit.policy.secret_scan import SecretRules

# The corpus is a file of this folder.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.secret_corpus import Document, generated

CLEAN_LABELS = frozenset(
    {"", "0", "clean", "false", "negative", "none", "benign", "f", "n", "no", "neg", "safe", "null"}
    | {"no_secret", "nosecret", "not_secret", "non_secret", "hard_negative", "false_positive"}
    | {"decoy", "placeholder", "lookalike", "look_alike", "innocent", "fp", "ok"}
)
GUILTY_LABELS = frozenset({"1", "true", "secret", "positive", "guilty", "t", "y", "yes", "pos"})
FEW = 2000  # texts in which known values are looked for: each needs a search of its own


def read(path: Path) -> Iterator[Document]:
    """The documents of a corpus."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                secret = row.get("secret") or ()
                label = str(row.get("label", "")).lower().replace("-", "_").replace(" ", "_")
                secrets = (secret,) if isinstance(secret, str) else tuple(map(str, secret))
                if label in CLEAN_LABELS and not (label == "" and secrets):
                    secrets = ()
                elif not secrets and label in GUILTY_LABELS:
                    secrets = ("",)  # it holds one, and nobody says which
                yield Document(str(row["text"]), label, secrets)
            except (ValueError, KeyError, TypeError, AttributeError) as exc:
                raise SystemExit(
                    f"{path}, line {number}: {exc!r}; a line looks like "
                    '{"text": "...", "label": "aws-access-key", "secret": "..."}'
                ) from exc


def placeholder(kind: str, secret: str) -> str:
    """A placeholder like the vault's."""
    mac = hmac.new(b"benchmark", secret.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return f"[secret:{kind}:{mac.hexdigest()[:24]}]"


@dataclass(slots=True)
class Score:
    """What came of a corpus."""

    count: Counter[str] = field(default_factory=Counter)
    by_label: dict[str, list[int]] = field(default_factory=dict)

    def add(self, document: Document, left: Iterable[str], *, flagged: bool) -> None:
        """One document: whether anything was found in it, and the secrets that were not."""
        kept = set(left)
        self.count["flagged"] += flagged
        self.count["clean"] += not document.secrets
        self.count["false"] += flagged and not document.secrets
        for secret in document.secrets:
            gone = flagged if secret == "" else secret not in kept
            share = self.by_label.setdefault(document.label, [0, 0])
            share[0] += gone
            share[1] += 1
            self.count["secrets"] += 1
            self.count["gone"] += gone

    def report(self) -> dict[str, object]:
        """The shares."""
        count = self.count
        return {
            "recall": round(count["gone"] / max(1, count["secrets"]), 4),
            "false_alarm_rate": round(count["false"] / max(1, count["clean"]), 4),
            "precision": round((count["flagged"] - count["false"]) / max(1, count["flagged"]), 4),
            "recall_by_label": {
                label: round(gone / all_, 3)
                for label, (gone, all_) in sorted(self.by_label.items())
            },
        }


def measure(rules: SecretRules, corpus: Sequence[Document], *, tell: bool) -> dict[str, object]:
    """Clean every document; the speed is that of the second time, when all is compiled."""
    redactor = Redactor(placeholder, rules)
    score = Score()
    for document in corpus:
        cleaned = redactor.clean(document.text)
        left = [each for each in document.secrets if each and each in cleaned.text]
        score.add(document, left, flagged=bool(cleaned.found))
        if tell and cleaned.found and not document.secrets:
            found = [(each.kind, each.secret[:80]) for each in cleaned.found]
            print("FALSE", found, repr(document.text[:200]), file=sys.stderr)
        if tell and left:
            print("MISSED", document.label, left, repr(document.text[:300]), file=sys.stderr)
    warm_up(rules)
    size = sum(len(each.text.encode("utf-8", "surrogatepass")) for each in corpus)
    began = time.process_time()
    for document in corpus:
        redactor.clean(document.text)
    spent = time.process_time() - began
    whole = "\n".join(each.text for each in corpus)
    redactor.clean(whole)
    began = time.process_time()
    redactor.clean(whole)
    at_once = time.process_time() - began
    return {
        **score.report(),
        "mb_per_s": round(size / 1e6 / spent, 1),
        "mb_per_s_as_one_text": round(size / 1e6 / at_once, 1),
    }


def warm_up(rules: SecretRules) -> None:
    """Let Hyperscan, where it is installed, compile: a process that reads much has it done."""
    rules.nominated(b" " * (4 << 20))
    for thread in threading.enumerate():
        if thread.name == "hyperscan":
            thread.join()


def known_covered(rules: SecretRules, corpus: Sequence[Document]) -> float:
    """The share of secrets that are found by value, plain and encoded."""
    tried = covered = 0
    for document in corpus:
        for secret in document.secrets:
            if tried >= FEW or not LEAST_BYTES <= len(secret.encode()) <= MOST_BYTES:
                continue
            tried += 1
            redactor = Redactor(placeholder, rules.with_known({"known": secret}))
            plain = document.text if secret in document.text else f"it is {secret}."
            covered += secret not in redactor.clean(plain).text
            covered += quote(secret, safe="") not in redactor.clean(quote(plain, safe="")).text
            raw = secret.encode()
            for before in (b"", b"a", b"ab"):
                coded = base64.b64encode(before + raw).decode()
                inner = coded[(len(before) * 8 + 5) // 6 : (len(before) + len(raw)) * 8 // 6]
                covered += inner not in redactor.clean(f"x = {coded}").text
    return round(covered / max(1, 5 * tried), 4)


def streamed(rules: SecretRules, corpus: Sequence[Document]) -> dict[str, object]:
    """What a reader of a live answer waits for: text held back after each delta, and CPU a delta.

    Deltas are four characters, about a token; the answers are the documents.
    """
    redactor = Redactor(placeholder, rules)
    held: list[int] = []
    spent: list[float] = []
    for document in corpus[:500]:
        stream = redactor.stream()
        text = document.text
        for at in range(0, len(text), 4):
            began = time.process_time()
            stream.feed(text[at : at + 4])
            spent.append(time.process_time() - began)
            held.append(stream.held)
        stream.finish()
    held.sort()
    spent.sort()
    at = len(held) - 1
    return {
        "deltas": len(held),
        "held_bytes": {"p50": held[at // 2], "p95": held[at * 95 // 100], "max": held[at]},
        "us_a_delta": {
            "p50": round(spent[at // 2] * 1e6, 1),
            "p99": round(spent[at * 99 // 100] * 1e6, 1),
        },
    }


_DETECT = """
import json, sys
from detect_secrets.core.scan import scan_line
from detect_secrets.settings import default_settings
import time
only_issuers = sys.argv[1] == "issuers"
with default_settings() as settings:
    if only_issuers:
        settings.disable_plugins("Base64HighEntropyString", "HexHighEntropyString")
        settings.disable_plugins("KeywordDetector")
    size, began = 0, time.process_time()
    for line in sys.stdin:
        text = json.loads(line)
        size += len(text.encode("utf-8", "surrogatepass"))
        found = [x.secret_value for each in text.split("\\n") for x in scan_line(each)]
        print(json.dumps(found))
    print(json.dumps(size / 1e6 / (time.process_time() - began)))
"""


def beside(python: str, corpus: Sequence[Document], plugins: str) -> dict[str, object]:
    """What detect-secrets, installed for another interpreter, finds in the corpus."""
    lines = "".join(json.dumps(each.text) + "\n" for each in corpus)
    done = subprocess.run(
        [python, "-c", _DETECT, plugins], input=lines, capture_output=True, text=True, check=True
    )
    *answers, speed = map(json.loads, done.stdout.splitlines())
    score = Score()
    for document, answer in zip(corpus, answers, strict=True):
        found = [each for each in answer if each]
        # Found is also what holds the secret, or a part of it that is worth finding.
        left = [
            secret
            for secret in document.secrets
            if secret and not any(secret in each or each in secret for each in found)
        ]
        score.add(document, left, flagged=bool(answer))
    return {"rules": f"detect-secrets {plugins}", **score.report(), "mb_per_s": round(speed, 2)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, help="JSON Lines; generated when it is missing")
    parser.add_argument("--size", type=int, default=4000, help="documents of a generated corpus")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--missed", default="", metavar="SENSITIVITY", help="say what went wrong")
    parser.add_argument("--beside", default="", metavar="PYTHON", help="with detect-secrets")
    options = parser.parse_args()
    corpus = list(read(options.corpus) if options.corpus else generated(options.seed, options.size))
    name = options.corpus.name if options.corpus else f"generated:{options.seed}"
    print(json.dumps({"benchmark": "redact", "corpus": name, "documents": len(corpus)}))
    for sensitivity in SENSITIVITIES:
        rules = make_rules(SecretsConfig.model_validate({"sensitivity": sensitivity}))
        found = measure(rules, corpus, tell=options.missed == sensitivity)
        if sensitivity == SecretsConfig().sensitivity:
            found["known_covered"] = known_covered(rules, corpus)
            found["stream"] = streamed(rules, corpus)
        print(json.dumps({"sensitivity": sensitivity, **found}), flush=True)
    if options.beside:
        for plugins in ("issuers", "all"):
            print(json.dumps(beside(options.beside, corpus, plugins)))


if __name__ == "__main__":
    main()
