"""Tokenizers written in Python (BertJapaneseTokenizer …) behind what `tokenizers.Tokenizer` offers.

They give tokens and no offsets. Those are found from the spelling of the tokens (`text.alignment`).
What an unknown token stands for is asked of the tokenizer: of the word that its word tokenizer had
cut before, or by tokenising parts of the text alone, where those give the same tokens together.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import PreTokenizedString, pre_tokenizers

from spanfit.errors import DataError, ModelError, SpanFitError
from spanfit.text.alignment import align
from spanfit.text.spelling import Int64
from spanfit.text.token_marks import TokenMarks, read_bytes
from spanfit.token_stages import find_stages

PARTS = (r"\S+", r"\w+|[^\w\s]", r"\S[\u0300-\u036f\u3099\u309a\uff9e\uff9f]*")
"""Parts of a text, ever smaller: words, runs of letters and single signs, characters with marks."""

PASSING_SETTINGS = ("name_or_path", "is_local", "local_files_only", "transformers_version")
"""Keys of tokenizer_config.json that say how a tokenizer was read, not what it does."""


@dataclass(frozen=True, slots=True)
class PythonEncoding:
    """The tokens of one text or two; see `tokenizer_backend.Encoding`."""

    ids: list[int]
    type_ids: list[int]
    offsets: list[tuple[int, int]]
    sequence_ids: list[int | None]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class _Spelled:
    """The tokens of a text and how each is spelled in it, None where that is not known."""

    tokens: list[str]
    spellings: list[str | None]


class PythonBackend:
    """A transformers tokenizer that is written in Python; neither truncates nor pads.

    Raises:
        ModelError: it fails on the probe texts.
    """

    def __init__(self, tok: Any) -> None:  # noqa: ANN401 - no transformers here, not even its types
        self._tok = tok
        self._marks = TokenMarks.of(tok.convert_tokens_to_string)
        self._unknown = tok.unk_token
        with self._explained("the first probe text"):
            self._stages = find_stages(tok)

    def encode(
        self, sequence: str, pair: str | None = None, *, add_special_tokens: bool = True
    ) -> PythonEncoding:
        """The tokens of a text, or of two with the template's special tokens.

        Raises:
            DataError: the tokens of a text have no certain place in it.
            ModelError: the tokenizer fails, or puts its special tokens elsewhere for other texts.
        """
        if not add_special_tokens:
            return self._encode_text(sequence)
        texts = [sequence] if pair is None else [sequence, pair]
        encoded = [self._encode_text(text) for text in texts]
        with self._explained(sequence):
            whole = self._tok(*texts, return_token_type_ids=True)
            # What no tokenizer has for an id stands for the tokens of a text.
            rows = [[-1 - row] * len(text) for row, text in enumerate(encoded)]
            places = self._tok.build_inputs_with_special_tokens(*rows)
        ids = list(whole["input_ids"])
        offsets = iter([pair for text in encoded for pair in text.offsets])
        return PythonEncoding(
            ids=ids,
            type_ids=list(whole.get("token_type_ids", [0] * len(ids))),
            offsets=[next(offsets) if place < 0 else (0, 0) for place in places],
            sequence_ids=[-1 - place if place < 0 else None for place in places],
        )

    def encode_batch(
        self, input: list[str], *, add_special_tokens: bool = True
    ) -> list[PythonEncoding]:
        """The tokens of each text; errors as in `encode`."""
        return [self.encode(text, add_special_tokens=add_special_tokens) for text in input]

    def words(self, text: str) -> list[tuple[int, int]]:
        """The characters of each word of a text, in order, as the tokenizer cuts it.

        Raises:
            DataError: as in `encode`.
        """
        if self._stages is None:
            parts = PreTokenizedString(text)
            pre_tokenizers.BertPreTokenizer().pre_tokenize(parts)
            splits = parts.get_splits(offset_referential="original", offset_type="char")
            return [offsets for _, offsets, _ in splits]
        with self._explained(text):
            words = [word for word, _ in self._stages.words(text)]
        starts, ends = align(text, words)
        return list(zip(starts.tolist(), ends.tolist(), strict=True))

    @property
    def finds_words(self) -> bool:
        """Whether its words are those of a language's own analysis, not of white space alone."""
        return self._stages is not None

    def token_to_id(self, token: str) -> int | None:
        """The id of a token, None where it is in no vocabulary."""
        return self._vocabulary.get(token)

    def id_to_token(self, id: int) -> str | None:
        """A token as its vocabulary writes it, None for an id that there is not."""
        return self._tokens.get(id)

    @cached_property
    def _tokens(self) -> Mapping[int, str]:
        return {number: token for token, number in self._vocabulary.items()}

    @cached_property
    def _vocabulary(self) -> Mapping[str, int]:
        return dict(self._tok.get_vocab())

    def get_vocab(self, with_added_tokens: bool = True) -> Mapping[str, int]:
        """The id of each token, added ones among them whether they are asked for or not."""
        del with_added_tokens
        return self._vocabulary

    def get_vocab_size(self, with_added_tokens: bool = True) -> int:
        """How many tokens there are."""
        return len(self._tok) if with_added_tokens else int(self._tok.vocab_size)

    def get_added_tokens_decoder(self) -> Mapping[int, Any]:
        """Tokens that are found in a text before anything else, such as `[SEP]`, by id."""
        return dict(self._tok.added_tokens_decoder)

    def to_str(self) -> str:
        """The class, its settings, and the digests of its files: equal ones give equal ids."""
        with tempfile.TemporaryDirectory() as folder:
            self.save(Path(folder))
            settings, files = {}, {}
            for file in sorted(Path(folder).iterdir()):
                content = file.read_bytes()
                if file.name == "tokenizer_config.json":
                    settings = json.loads(content)
                else:
                    files[file.name] = hashlib.blake2b(content, digest_size=16).hexdigest()
        kept = {key: settings[key] for key in sorted(settings) if key not in PASSING_SETTINGS}
        return json.dumps({"class": type(self._tok).__name__, "settings": kept, "files": files})

    def save(self, folder: Path) -> None:
        """Write the files of which AutoTokenizer makes this tokenizer again."""
        self._tok.save_pretrained(str(folder))

    def _encode_text(self, text: str) -> PythonEncoding:
        """One text without special tokens."""
        text.encode()  # half of a surrogate pair has no place in any vocabulary
        with self._explained(text):
            spelled = self._spell(text)
            ids = list(self._tok.convert_tokens_to_ids(spelled.tokens))
        try:
            starts, ends = self._place(text, spelled)
        except DataError as error:
            raise self._refuse(error) from None
        return PythonEncoding(
            ids=ids,
            type_ids=[0] * len(ids),
            offsets=list(zip(starts.tolist(), ends.tolist(), strict=True)),
            sequence_ids=[0] * len(ids),
        )

    def _spell(self, text: str) -> _Spelled:
        """The tokens of a text, and their spellings as far as single tokens and words tell them."""
        if self._stages is None:
            tokens = list(self._tok.tokenize(text))
            return _Spelled(tokens, self._read(tokens))
        found: list[str] = []
        spellings: list[str | None] = []
        for word, pieces in self._stages.words(text):
            found += pieces
            whole = len(pieces) == 1
            spellings += [word] if whole else self._read_word(word, pieces, self._stages.cut_word)
        return _Spelled(found, spellings)

    def _read(self, tokens: Sequence[str]) -> list[str | None]:
        return [None if t == self._unknown else self._marks.strip(t) for t in tokens]

    def _read_word(
        self, word: str, pieces: list[str], cut: Callable[[str], list[str]]
    ) -> list[str | None]:
        """The spellings of the pieces of a word; what is unknown is what the others leave of it."""
        read = self._read(pieces)
        if read and read[0] is not None:
            read[0] = pieces[0]  # nothing stands before it that it could go on from
        if None not in read:
            return read
        try:
            starts, ends = self._place_parts(word, pieces, read, cut)
        except DataError:
            return read
        return [word[start:end] for start, end in zip(starts, ends, strict=True)]

    def _place(self, text: str, spelled: _Spelled) -> tuple[Int64, Int64]:
        """Starts and ends of the tokens of a text, by the first reading that fits."""
        try:
            return self._place_parts(
                text, spelled.tokens, spelled.spellings, lambda part: self._spell(part).tokens
            )
        except DataError as error:
            refusal = error
        try:
            if (pieces := read_bytes(spelled.tokens)) is not None:
                starts, ends = align(text, pieces.spellings)
                return starts[pieces.owners], ends[pieces.owners]
        except DataError:
            pass
        raise refusal

    def _place_parts(
        self,
        text: str,
        tokens: Sequence[str],
        spellings: Sequence[str | None],
        tokenize: Callable[[str], list[str]],
    ) -> tuple[Int64, Int64]:
        """The ranges of tokens; where unknown ones could have several, by parts of the text."""
        try:
            return align(text, spellings)
        except DataError:
            if None not in spellings:
                raise
            for pattern in PARTS:
                parts = [(m.start(), m.group()) for m in re.finditer(pattern, text)]
                cut = [tokenize(part) for _, part in parts]
                if [token for some in cut for token in some] != list(tokens):
                    continue
                try:
                    return _join(parts, cut, self._read)
                except DataError:
                    continue
            raise

    def _refuse(self, error: DataError) -> DataError:
        return DataError(
            error.problem,
            where=f"{type(self._tok).__name__} on {error.where}",
            expected=error.expected,
            found=error.found,
            fix="leave this text out, or take a model whose tokenizer has a tokenizer.json",
        )

    @contextmanager
    def _explained(self, text: str) -> Iterator[None]:
        """Turn what a tokenizer raises into one message."""
        try:
            yield
        except SpanFitError:
            raise
        except Exception as error:  # each tokenizer raises its own kind
            raise ModelError(
                f"{type(self._tok).__name__} fails on a text: {error}",
                where=repr(text[:40]),
                expected="tokens",
                found=type(error).__name__,
            ) from error


def _join(
    parts: Sequence[tuple[int, str]],
    cut: Sequence[list[str]],
    read: Callable[[Sequence[str]], list[str | None]],
) -> tuple[Int64, Int64]:
    """The ranges of the tokens of all parts, each counted from the start of the whole text."""
    placed = [
        tuple(shift + side for side in align(part, read(tokens)))
        for (shift, part), tokens in zip(parts, cut, strict=True)
    ]
    starts, ends = (np.concatenate(side) for side in zip(*placed, strict=True))
    return starts, ends
