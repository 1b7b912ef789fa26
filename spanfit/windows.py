"""Windows as views: each distinct text is tokenised once, and a window is a row of integers.

Where the question and the whole context fit into `max_length` tokens there is one window; else
the context is sliced into windows of which neighbours share `overlap` tokens. The last window is
short: it is not pulled back. The ranges are those that the Hugging Face tokenizers give with
`truncation="only_second"`, `stride=overlap` and `return_overflowing_tokens`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from spanfit.errors import ModelError, RecipeError
from spanfit.memory import Encoder
from spanfit.template import Template
from spanfit.tokenizer import Tokenizer
from spanfit.tokens import Int32, Int64, Texts
from spanfit.types import TextPair


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """How texts are cut into windows.

    `max_length`: tokens of a window, special ones included. `overlap`: tokens of the text that two
    neighbouring windows share ("stride" in Hugging Face's tokenizers, "doc_stride" in run_qa).
    """

    max_length: int = 384
    overlap: int = 128

    def __post_init__(self) -> None:
        if self.max_length < 1:
            raise RecipeError("[windows] max_length must be at least 1", found=str(self.max_length))
        if self.overlap < 0:
            raise RecipeError("[windows] overlap must not be negative", found=str(self.overlap))
        if self.overlap >= self.max_length:
            raise _too_much_overlap(self, n_specials=0)


@dataclass(frozen=True, eq=False)
class Windows:
    """The windows of some examples, in the order of the examples; int32 (W,) arrays.

    `example`: row of the example. `fixed`, `sliced`: rows in `texts` (`fixed` -1 where there is
    only one text). `first`, `last`: the half-open range of tokens of the sliced text.
    `fixed_tokens`: how many tokens of the fixed text are kept, from its start. `cut_questions`:
    rows of the examples whose fixed text was cut.
    """

    tokenizer: Tokenizer
    settings: WindowSettings
    texts: Texts
    example: Int32
    fixed: Int32
    sliced: Int32
    first: Int32
    last: Int32
    fixed_tokens: Int32
    cut_questions: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        columns = (self.fixed, self.sliced, self.first, self.last, self.fixed_tokens)
        if any(len(column) != len(self.example) for column in columns):
            raise ValueError("the columns of windows must be of one length")

    def __len__(self) -> int:
        return len(self.example)

    @property
    def template(self) -> Template:
        """The special tokens around the texts of these windows."""
        single = len(self) > 0 and self.fixed[0] < 0
        return self.tokenizer.single_template if single else self.tokenizer.template

    @cached_property
    def lengths(self) -> Int32:
        """Tokens of each window with the special ones, int32 (W,)."""
        return self.template.n_specials + self.fixed_tokens + self.last - self.first

    @cached_property
    def origin(self) -> Int64:
        """The place in `texts` of each window's first sliced token, int64 (W,)."""
        return self.texts.splits[self.sliced] + self.first

    @cached_property
    def crowded(self) -> tuple[int, ...]:
        """Rows of examples whose windows advance by fewer tokens than a quarter of the overlap.

        A long question leaves its context little room: such an example costs many windows.
        """
        step = np.diff(self.first)
        crowd = (np.diff(self.example) == 0) & (4 * step < self.settings.overlap)
        return tuple(np.unique(self.example[1:][crowd]).tolist())

    def char_start(self, rows: npt.NDArray[np.integer], tokens: npt.NDArray[np.integer]) -> Int32:
        """The character at which tokens start.

        `rows` are windows, `tokens` positions counted from the window's first sliced token; the
        two are broadcast against each other.
        """
        starts: Int32 = self.texts.starts[self.origin[rows] + tokens]
        return starts

    def char_end(self, rows: npt.NDArray[np.integer], tokens: npt.NDArray[np.integer]) -> Int32:
        """The character behind the last one of tokens; arguments as for `char_start`."""
        ends: Int32 = self.texts.ends[self.origin[rows] + tokens]
        return ends


def make_windows(
    pairs: Sequence[TextPair],
    tokenizer: Tokenizer,
    settings: WindowSettings,
    *,
    memory: Encoder | None = None,
    max_fixed: int | None = None,
) -> Windows:
    """The windows of every pair, at least one each, in order.

    `memory`, of the same tokenizer, spares the texts that its last call tokenised.

    All pairs have a fixed text or none has. A fixed text is cut, to its first tokens, where it has
    more than `max_fixed`. Without that only where the sliced one does not fit beside it and would
    be left no more room than the overlap: there the tokenizers library itself fails. What a window
    holds beyond the overlap is then shared evenly between the two.

    Raises:
        RecipeError: `overlap` leaves no room for anything new in a window.
        ModelError: pairs, and the tokenizer puts no special token around them.
        DataError: a text is not made of characters (see `Tokenizer.encode`).
    """
    has_fixed = _have_fixed(pairs, tokenizer)
    template = tokenizer.template if has_fixed else tokenizer.single_template
    available = settings.max_length - template.n_specials  # tokens for the texts
    if available <= settings.overlap:
        raise _too_much_overlap(settings, n_specials=template.n_specials)
    row_of: dict[str, int] = {}
    fixed = _rows((pair.fixed for pair in pairs), row_of)
    sliced = _rows((pair.sliced for pair in pairs), row_of)
    texts = (memory or tokenizer).encode(list(row_of))
    n_fixed = np.where(fixed < 0, 0, texts.lengths[fixed]) if row_of else np.zeros_like(fixed)
    n_sliced = np.diff(texts.splits)[sliced]
    allowed = n_fixed if max_fixed is None else np.minimum(n_fixed, max_fixed)
    kept = _cut(allowed, n_sliced, available=available, overlap=settings.overlap)
    example, first, last = _slice(n_sliced, available - kept, overlap=settings.overlap)
    return Windows(
        tokenizer=tokenizer,
        settings=settings,
        texts=texts,
        example=example.astype(np.int32),
        fixed=fixed[example].astype(np.int32),
        sliced=sliced[example].astype(np.int32),
        first=first.astype(np.int32),
        last=last.astype(np.int32),
        fixed_tokens=kept[example].astype(np.int32),
        cut_questions=tuple(np.flatnonzero(kept < n_fixed).tolist()),
    )


def _have_fixed(pairs: Sequence[TextPair], tokenizer: Tokenizer) -> bool:
    """Whether the pairs have two texts each; a mixture is a mistake of the caller."""
    n_fixed = sum(pair.fixed is not None for pair in pairs)
    if n_fixed not in (0, len(pairs)):
        raise ValueError(f"{n_fixed} of {len(pairs)} pairs have a fixed text: all or none must")
    if n_fixed and tokenizer.template.null is None:
        raise ModelError(
            "this tokenizer puts no special token around two texts, so none can say 'no answer'",
            where=tokenizer.source,
            fix="the tokenizer of an encoder, such as bert-base-cased",
        )
    return n_fixed > 0


def _rows(texts: Iterable[str | None], row_of: dict[str, int]) -> Int64:
    """The row of each text in `row_of`, which grows by those not seen before; -1 for no text."""
    rows = [-1 if text is None else row_of.setdefault(text, len(row_of)) for text in texts]
    return np.array(rows, dtype=np.int64)


def _cut(n_fixed: Int64, n_sliced: Int64, *, available: int, overlap: int) -> Int64:
    """How many tokens of each fixed text are kept, of `available` for both; int64 (P,) as given.

    Room for just one token more than the overlap would make a window for every token of the sliced
    text, so half of what is not overlap goes to each; where the sliced text needs less than that,
    the fixed one keeps the rest.
    """
    room = available - n_fixed
    too_long = (n_sliced > room) & (room <= overlap)
    share = overlap + (available - overlap + 1) // 2
    return np.where(too_long, available - np.minimum(share, n_sliced), n_fixed)


def _slice(n_sliced: Int64, room: Int64, *, overlap: int) -> tuple[Int64, Int64, Int64]:
    """Example, first and last token of every window, int64 (W,) each.

    `n_sliced` and `room` (P,) are the tokens of each text and those that a window holds of it.
    """
    fits = n_sliced <= room
    step = np.where(fits, 1, room - overlap)
    counts = np.where(fits, 1, -(-(n_sliced - room) // step) + 1)
    example = np.repeat(np.arange(len(n_sliced)), counts)
    number = np.arange(len(example)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = number * step[example]
    return example, first, np.minimum(first + room[example], n_sliced[example])


def _too_much_overlap(settings: WindowSettings, *, n_specials: int) -> RecipeError:
    return RecipeError(
        "[windows] overlap leaves no room for anything new in a window",
        expected=f"overlap < max_length - {n_specials} special tokens"
        if n_specials
        else "overlap < max_length",
        found=f"max_length {settings.max_length}, overlap {settings.overlap}",
        fix=f"--overlap {settings.max_length // 3} (in a recipe: windows.overlap)",
    )
