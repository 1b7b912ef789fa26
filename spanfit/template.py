"""The special tokens that a tokenizer puts around one text or two, found by asking it.

A window of a pair is ``prefix  first text  between  second text  suffix``; of one text, ``prefix
text suffix``. Where a tokenizer pads on the left (XLNet), the sliced text comes first, as in the
usual recipes. Nothing here knows the name of a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from spanfit.errors import ModelError
from spanfit.tokenizer_backend import Backend, Encoding

PROBES = ("a", "What is it?", "1", "東", "네", "the second text, with 2 of them", "")
"""Texts on which a template is taken and checked; the first with a token of its own serves."""


class Part(NamedTuple):
    """Special tokens that stand together: their ids and token type ids, int64 (n,) each."""

    ids: npt.NDArray[np.int64]
    type_ids: npt.NDArray[np.int64]


class Place(NamedTuple):
    """A special token: `part` 0 is the prefix, 1 between, 2 the suffix; `position` in that part."""

    part: int
    position: int


@dataclass(frozen=True, eq=False)
class Template:
    """What stands around the texts of a window.

    `fixed_first` says whether the fixed text (the question) comes before the sliced one. For a
    single text `between` is empty and there is no fixed text. `null` is the place that stands for
    "no answer": `[CLS]`, else the first special token, None where the template has no token.
    """

    prefix: Part
    between: Part
    suffix: Part
    fixed_type: int
    sliced_type: int
    fixed_first: bool
    null: Place | None

    @property
    def parts(self) -> tuple[Part, Part, Part]:
        """Prefix, between, suffix."""
        return self.prefix, self.between, self.suffix

    @property
    def n_specials(self) -> int:
        """Special tokens of every window."""
        return sum(len(part.ids) for part in self.parts)

    @property
    def tokens(self) -> tuple[list[int], ...]:
        """The ids of prefix, between and suffix."""
        return tuple(part.ids.tolist() for part in self.parts)

    @property
    def highest_type(self) -> int:
        """The highest token type that any token has."""
        specials = (int(part.type_ids.max(initial=0)) for part in self.parts)
        return max(self.fixed_type, self.sliced_type, *specials)

    @property
    def uses_types(self) -> bool:
        """Whether any token has a type other than 0."""
        return self.highest_type > 0


def probe_pair(backend: Backend, *, fixed_first: bool, cls_id: int | None) -> Template:
    """The template of two texts.

    `backend` must neither truncate nor pad. `cls_id` is the id of `[CLS]`, if there is one.

    Raises:
        ModelError: joining prefix, texts, between and suffix does not give what the tokenizer
            itself makes of two texts.
    """
    probe = _first_with_tokens(backend)
    found, types = _parts_of(backend.encode(probe, probe))
    if len(found) != 3:
        raise _misfit(f"{len(found) - 1} texts in the ids of a pair")
    prefix, between, suffix = found
    template = Template(
        prefix=prefix,
        between=between,
        suffix=suffix,
        fixed_type=types[0 if fixed_first else 1],
        sliced_type=types[1 if fixed_first else 0],
        fixed_first=fixed_first,
        null=_null_place(found, cls_id),
    )
    for first in PROBES:
        for second in PROBES:
            _check(backend, found, types, (first, second))
    return template


def probe_single(backend: Backend, *, cls_id: int | None) -> Template:
    """The template of one text; errors as in `probe_pair`."""
    found, types = _parts_of(backend.encode(_first_with_tokens(backend)))
    if len(found) != 2:
        raise _misfit(f"{len(found) - 1} texts in the ids of one")
    for text in PROBES:
        _check(backend, found, types, (text,))
    prefix, suffix = found
    null = _null_place(found, cls_id)
    return Template(
        prefix=prefix,
        between=_part([]),
        suffix=suffix,
        fixed_type=0,
        sliced_type=types[0],
        fixed_first=True,
        null=Place(2, null.position) if null and null.part == 1 else null,
    )


def _part(tokens: Sequence[tuple[int, int]]) -> Part:
    pairs = np.array(tokens, dtype=np.int64).reshape(-1, 2)
    return Part(pairs[:, 0].copy(), pairs[:, 1].copy())


def _first_with_tokens(backend: Backend) -> str:
    for text in PROBES:
        if len(backend.encode(text, add_special_tokens=False)) > 0:
            return text
    raise _misfit("no token at all for any of the probe texts")


def _parts_of(encoding: Encoding) -> tuple[list[Part], list[int]]:
    """The runs of special tokens around the texts, and the type of each text.

    A token that the template put there belongs to no sequence. Its id or the special tokens mask
    would not tell: the text itself may hold "[SEP]".
    """
    runs: list[list[tuple[int, int]]] = [[]]
    types: list[int] = []
    last = None
    tokens = zip(encoding.sequence_ids, encoding.ids, encoding.type_ids, strict=True)
    for sequence, id_, type_ in tokens:
        if sequence is None:
            runs[-1].append((id_, type_))
        elif sequence != last:
            runs.append([])
            types.append(type_)
            last = sequence
    return [_part(run) for run in runs], types


def _null_place(parts: Sequence[Part], cls_id: int | None) -> Place | None:
    places = [Place(p, i) for p, part in enumerate(parts) for i in range(len(part.ids))]
    for place in places:
        if parts[place.part].ids[place.position] == cls_id:
            return place
    return places[0] if places else None


def _check(
    backend: Backend, parts: Sequence[Part], types: Sequence[int], texts: Sequence[str]
) -> None:
    whole = backend.encode(texts[0], texts[1] if len(texts) > 1 else None)
    ids, type_ids = list(parts[0].ids), list(parts[0].type_ids)
    for text, type_, part in zip(texts, types, parts[1:], strict=True):
        tokens = backend.encode(text, add_special_tokens=False).ids
        ids += [*tokens, *part.ids]
        type_ids += [*[type_] * len(tokens), *part.type_ids]
    if whole.ids != ids or whole.type_ids != type_ids:
        raise _misfit(f"other tokens for {' + '.join(map(repr, texts))}")


def _misfit(found: str) -> ModelError:
    return ModelError(
        "the special tokens of this tokenizer do not stand in fixed places around the texts",
        expected="prefix, first text, between, second text, suffix",
        found=found,
        fix="a tokenizer.json with a Bert, Roberta or Template post-processor",
    )
