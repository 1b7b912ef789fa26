"""Tokenizers as SpanFit uses them: each text alone, whole, without special tokens, as arrays.

A tokenizer is a frozen backend plus what its folder says beside it (`tokenizer_opening` makes it).
A segmenter may cut words first; ranges are of the original.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np

from spanfit.errors import DataError, ModelError, SpanFitError
from spanfit.groups import CHARACTERS_AT_ONCE, gather
from spanfit.offsets import trim
from spanfit.pretokens import divide, needs_leading_space
from spanfit.python_tokenizer import PythonBackend
from spanfit.template import Template
from spanfit.text.segmentation import SEGMENTERS, Segmenter, find_words, restore, segment
from spanfit.tokenizer_backend import Backend
from spanfit.tokenizer_config import TokenizerConfig
from spanfit.tokens import Int32, Int64, Texts

TEXTS_AT_ONCE = 256
"""Texts handed to the backend in one call, or fewer long ones: its results take memory."""


@dataclass(frozen=True, eq=False)
class Tokenizer:
    """A frozen backend with its template and padding; made by `tokenizer_opening`.

    `template` is that of a pair, `single_template` that of one text; `source` the folder or name
    that it came from. `segmenter` names what cuts words before (see `text.segmentation`).
    """

    backend: Backend
    config: TokenizerConfig
    template: Template
    single_template: Template
    source: str = ""
    segmenter: str = "none"

    @property
    def is_python(self) -> bool:
        """Whether it is one of transformers' tokenizers without a tokenizer.json."""
        return isinstance(self.backend, PythonBackend)

    @property
    def padding_side(self) -> str:
        """Where the shorter rows of a batch are filled up: "left" or "right"."""
        return self.config.padding_side

    @property
    def pad_id(self) -> int:
        """The id of the tokens that fill a row up."""
        return self.config.pad_id

    @property
    def max_length(self) -> int | None:
        """The longest input, in tokens, that the tokenizer's folder names, if it does."""
        return self.config.max_length

    @property
    def has_type_ids(self) -> bool:
        """Whether the model is given token type ids.

        As the tokenizer's `model_input_names` say; where there are none, whether the template
        gives any token a type other than 0, unless the model's config has fewer than two types.
        """
        if self.config.has_type_ids is None:
            return self.template.uses_types
        return self.config.has_type_ids

    @cached_property
    def highest_id(self) -> int:
        """The highest id of a token; in between there may be ids of none."""
        added = self.backend.get_added_tokens_decoder()
        return max((*self.backend.get_vocab().values(), *added), default=0)

    @cached_property
    def needs_leading_space(self) -> bool:
        """Whether a word's pieces at the start of a text differ from those behind a space.

        Not with a segmenter, which writes the white space itself.
        """
        return self.segmenter == "none" and needs_leading_space(self.backend)

    def segmented(self, name: str) -> Tokenizer:
        """The same behind the segmenter of this name.

        Raises:
            MissingExtraError: a package that it needs is not installed.
            ModelError: its program is not installed.
        """
        tokenizer = replace(self, segmenter=name)
        _ = tokenizer._segmenter
        return tokenizer

    @cached_property
    def _segmenter(self) -> Segmenter | None:
        return None if self.segmenter == "none" else SEGMENTERS[self.segmenter]()

    @cached_property
    def _special_texts(self) -> tuple[str, ...]:
        """Tokens that the backend finds in a text before anything else."""
        added = self.backend.get_added_tokens_decoder().values()
        return tuple(token.content for token in added if token.special and token.content.strip())

    def divide(self, text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Starts and ends of the words of a raw text (see `spanfit.pretokens`), or its segments.

        Raises:
            DataError: the text holds half of a surrogate pair, which is not a character.
        """
        try:
            if self._segmenter is None:
                return divide(self.backend, text)
            starts, ends = find_words(text, self._segmenter, kept=self._special_texts)
        except (TypeError, UnicodeEncodeError):
            raise _not_a_text([text]) from None
        return tuple(starts.tolist()), tuple(ends.tolist())

    def encode(self, texts: Sequence[str]) -> Texts:
        """Tokenise each text whole, without special tokens.

        Raises:
            DataError: a text holds half of a surrogate pair, which is not a character.
            ModelError: the tokenizer fails.
        """
        groups = gather(texts, size=len, max_items=TEXTS_AT_ONCE, max_size=CHARACTERS_AT_ONCE)
        pieces = [self._encode_some(group) for group in groups]
        if not pieces:
            none = np.empty(0, np.int32)
            return Texts(ids=none, starts=none, ends=none, splits=np.zeros(1, np.int64))
        ids, begins, ends, lengths = (np.concatenate(part) for part in zip(*pieces, strict=True))
        splits = np.concatenate([[0], np.cumsum(lengths)])
        return Texts(ids=ids, starts=begins, ends=ends, splits=splits)

    def _encode_some(self, texts: list[str]) -> tuple[Int32, Int32, Int32, Int64]:
        try:
            if self._segmenter is None:
                return self._encode_raw(texts)
            kept = self._special_texts
            parts = [segment(text, self._segmenter, kept=kept) for text in texts]
            ids, starts, ends, lengths = self._encode_raw([part.text for part in parts])
        except (TypeError, UnicodeEncodeError):
            raise _not_a_text(texts) from None
        return ids, *restore(parts, lengths, starts, ends), lengths

    def _encode_raw(self, texts: list[str]) -> tuple[Int32, Int32, Int32, Int64]:
        with explained(self.source):
            encodings = self.backend.encode_batch(texts, add_special_tokens=False)
        lengths = np.fromiter(map(len, encodings), np.int64, len(encodings))
        n = int(lengths.sum())
        ids = np.fromiter(chain.from_iterable(e.ids for e in encodings), np.int32, n)
        pairs = chain.from_iterable(e.offsets for e in encodings)
        offsets = np.fromiter(chain.from_iterable(pairs), np.int32, 2 * n).reshape(n, 2)
        starts, ends = trim(texts, lengths, offsets)
        return ids, starts, ends, lengths

    def to_json(self) -> str:
        """The backend as the text of a tokenizer.json, or a description of a Python one."""
        return str(self.backend.to_str())

    @cached_property
    def digest(self) -> str:
        """BLAKE2b of `to_json` and segmenter, 32 hexadecimal digits: equal ones, equal ids."""
        segmenter = "" if self._segmenter is None else f"\n{self._segmenter.signature()}"
        content = f"{self.to_json()}{segmenter}"
        return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()

    def save(self, folder: str | Path) -> None:
        """Write tokenizer.json and tokenizer_config.json, so that every reading gives these ids.

        transformers' own classes would build normaliser and pre-tokenizer anew from flags; the
        generic class named here takes tokenizer.json as it stands. A Python tokenizer writes what
        its own class reads. The segmenter is not in these files (transformers has none).
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(self.backend, PythonBackend):
            return self.backend.save(folder)
        (folder / "tokenizer.json").write_text(self.to_json(), encoding="utf-8")
        types = ["token_type_ids"] if self.has_type_ids else []
        config = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "padding_side": self.padding_side,
            "model_input_names": ["input_ids", *types, "attention_mask"],
            "model_max_length": self.max_length,
            **dict(self.config.names),
        }
        told = {name: value for name, value in config.items() if value is not None}
        text = json.dumps(told, ensure_ascii=False, indent=2)
        (folder / "tokenizer_config.json").write_text(text + "\n", encoding="utf-8")


def _not_a_text(texts: Sequence[str]) -> DataError:
    """Why the backend refused `texts`."""
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            return DataError(
                "a text holds half of a surrogate pair, which is not a character",
                expected="text that can be written as UTF-8",
                found=f"{text[error.start]!a} at character {error.start} of {text[:40]!a}",
            )
    return DataError("a text is not a string", found=repr(texts)[:80])


@contextmanager
def explained(source: str) -> Iterator[None]:
    """Turn what the Rust side raises of a text into one message; a panic is no Exception.

    Raises:
        ModelError: the tokenizer fails, whatever the text.
        TypeError, UnicodeEncodeError: it was given no text.
    """
    try:
        yield
    except (SpanFitError, TypeError, UnicodeEncodeError, MemoryError):
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise ModelError(
            "this tokenizer fails on a plain text",
            where=source,
            expected="a tokenizer.json whose parts belong together",
            found=str(error).strip().split("\n")[0],
            fix="tokenizer.json once more from where the model was published",
        ) from None
