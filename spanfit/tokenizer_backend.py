"""What SpanFit asks of the program behind a tokenizer: `tokenizers.Tokenizer`, or one like it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Encoding(Protocol):
    """The tokens of one text or of two, in a row.

    `offsets` are half-open ranges of characters of the text that a token is of. `sequence_ids`
    says which text that is, 0 or 1, and None of a special token that the template put there.
    """

    @property
    def ids(self) -> Sequence[int]: ...  # noqa: D102
    @property
    def type_ids(self) -> Sequence[int]: ...  # noqa: D102
    @property
    def offsets(self) -> Sequence[tuple[int, int]]: ...  # noqa: D102
    @property
    def sequence_ids(self) -> Sequence[int | None]: ...  # noqa: D102
    def __len__(self) -> int: ...


class Backend(Protocol):
    """Texts to encodings, without truncation and padding, and what there is to know about it."""

    def encode(
        self, sequence: str, pair: str | None = None, *, add_special_tokens: bool = True
    ) -> Encoding:
        """The tokens of a text, or of two with the template's special tokens."""
        ...

    def encode_batch(
        self, input: list[str], *, add_special_tokens: bool = True
    ) -> Sequence[Encoding]:
        """The tokens of each text."""
        ...

    def token_to_id(self, token: str) -> int | None:
        """The id of a token, None where it is in no vocabulary."""
        ...

    def id_to_token(self, id: int) -> str | None:
        """A token as its vocabulary writes it, None for an id that there is not."""
        ...

    def get_vocab(self, with_added_tokens: bool = True) -> Mapping[str, int]:
        """The id of each token."""
        ...

    def get_vocab_size(self, with_added_tokens: bool = True) -> int:
        """How many tokens there are."""
        ...

    def get_added_tokens_decoder(self) -> Mapping[int, Any]:
        """Tokens that are found in a text before anything else, such as `[SEP]`, by id."""
        ...

    def to_str(self) -> str:
        """Everything that decides the ids, as a text."""
        ...
