"""What examples hold: a digest of all that is scored, and how many there are of which kind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import singledispatch

from spanfit.data.gold import find_chunks
from spanfit.examples import Example
from spanfit.tagged import TaggedExample
from spanfit.tags import nearest_scheme
from spanfit.types import QuestionExample


def digest(examples: Iterable[Example]) -> str:
    """A digest of the examples' content: 32 hexadecimal digits (128 bits).

    Of questions: ids, questions, contexts and golds; of tagged texts: ids, texts, units and tags.
    It does not depend on the order of the examples, because no score does; the order of the golds
    within a question counts. Titles, documents and places do not enter.
    """
    parts = sorted(map(_digest, examples))
    return hashlib.blake2b(b"".join(parts), digest_size=16).hexdigest()


@singledispatch
def _digest(example: Example) -> bytes:
    raise TypeError(f"no example: {type(example).__name__}")


@_digest.register
def _(example: QuestionExample) -> bytes:
    """Hash the fields, each led by its length, so that no two different examples look the same."""
    golds = example.answers
    texts = [example.id, example.question, example.context]
    texts += [part for gold in golds or () for part in (gold.text, str(gold.start))]
    hasher = hashlib.blake2b(b"no gold" if golds is None else b"gold", digest_size=16)
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        hasher.update(len(data).to_bytes(8, "little") + data)
    return hasher.digest()


@_digest.register
def _(example: TaggedExample) -> bytes:
    """Hash the fields as one value of JSON, which no other fields give; all of it is ASCII."""
    content = [example.id, example.text, example.starts, example.ends, example.tags]
    return hashlib.blake2b(json.dumps(content).encode("ascii"), digest_size=16).digest()


def count_kinds(examples: Sequence[Example]) -> dict[str, int]:
    """How many examples there are, and how many of them, or in them, are of which kind.

    Of questions: "all", "unanswerable" and "synthetic"; of tagged texts: "all", "units" and
    "entities" (by the scheme of the tags; 0 where they have no prefixes); of none: "all".
    """
    questions = [example for example in examples if isinstance(example, QuestionExample)]
    texts = [example for example in examples if isinstance(example, TaggedExample)]
    counts = {"all": len(examples)}
    if questions:
        counts["unanswerable"] = sum(not example.is_answerable for example in questions)
        counts["synthetic"] = sum(bool(example.synthetic) for example in questions)
    if texts:
        gold = [example.tags for example in texts if example.tags]
        counts["units"] = sum(len(example.starts) for example in texts)
        scheme = nearest_scheme(gold)
        counts["entities"] = len(find_chunks(gold, scheme).chunks) if scheme.has_prefixes else 0
    return counts
