"""Token classification with the interface of transformers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, cast

from spanfit.data.joiner import join_words
from spanfit.errors import ArgumentError
from spanfit.model import Model
from spanfit.pipelines.arguments import TokenArguments, require_number, translate_grouping
from spanfit.pipelines.grouping import Group, GroupedPrediction, GroupingTask
from spanfit.pipelines.words import divide_words
from spanfit.prediction import Predictor
from spanfit.tagged import TaggedExample
from spanfit.tags import OUTSIDE

Entity = dict[str, Any]
"""`entity_group`, `score`, `word`, `start`, `end`; with strategy "none" `entity` and `index`."""


class TokenClassificationPipeline:
    """Labels tokens, words or entities; made by `spanfit.pipeline("token-classification", …)`.

    `model` is the `spanfit.Model` behind it, `defaults` what calls take where they say nothing.
    """

    task = "token-classification"

    def __init__(
        self, model: Model, *, defaults: TokenArguments | None = None, batch_size: int | None = None
    ) -> None:
        self.model = model
        self.defaults = defaults or TokenArguments()
        self.batch_size = batch_size
        self._make_predictor(self.defaults, batch_size)  # what is wrong is told at once

    def __call__(
        self,
        inputs: Any,  # noqa: ANN401 (a text, a list of texts, a stream)
        *,
        aggregation_strategy: str | None = None,
        ignore_labels: Sequence[str] | None = None,
        stride: int | None = None,
        is_split_into_words: bool | None = None,
        delimiter: str | None = None,
        grouped_entities: bool | None = None,
        ignore_subwords: bool | None = None,
        batch_size: int | None = None,
        num_workers: int | None = None,
    ) -> Any:  # noqa: ANN401 (one result or several, as what was given)
        """What is found in one text (a list of dicts), or in each of several (a list of lists).

        A stream gives an iterator. A dict has `entity_group`, `score`, `word`, `start` and `end`;
        with the strategy "none" `entity` and `index` in place of the first. A text is tagged whole,
        however long it is.

        Args:
            inputs: a text, a list of texts, or any other iterable of them, read one by one. With
                `is_split_into_words` a text is a list of words.
            aggregation_strategy: "none", "simple", "first", "average" or "max".
            ignore_labels: labels that are not reported; ["O"].
            stride: tokens that two windows of a long text share; None: as the model's settings say.
            is_split_into_words: texts are lists of words, which are the units.
            delimiter: what joins them; a space.
            grouped_entities: the old name of a strategy ("simple").
            ignore_subwords: with the former, of "first".
            batch_size: windows of the longest kind computed together; None: what suits the device.
            num_workers: of no effect; nothing here waits for another process.

        Raises:
            ArgumentError: an argument is wrong; a ValueError too.
        """
        given = TokenArguments(
            aggregation_strategy=translate_grouping(
                aggregation_strategy,
                grouped_entities=grouped_entities,
                ignore_subwords=ignore_subwords,
            ),
            ignore_labels=ignore_labels,
            stride=stride,
            is_split_into_words=is_split_into_words,
            delimiter=delimiter,
        )
        arguments = given.over(self.defaults)
        require_number("batch_size", batch_size, least=1)
        predictor = self._make_predictor(arguments, batch_size or self.batch_size)
        if isinstance(inputs, str):
            return next(self._tag([inputs], predictor, arguments))
        if isinstance(inputs, list | tuple):
            if not inputs:
                raise ArgumentError("there is no text to tag", expected="a text, or a list of them")
            is_one = arguments.is_split_into_words and all(isinstance(w, str) for w in inputs)
            return list(self._tag([inputs] if is_one else inputs, predictor, arguments))
        if isinstance(inputs, Iterable) or hasattr(inputs, "__getitem__"):
            return self._tag(inputs, predictor, arguments)
        raise ArgumentError("this is no text", found=repr(inputs)[:60])

    def _make_predictor(self, arguments: TokenArguments, batch_size: int | None) -> Predictor:
        """The model's predictor with the windows and the grouping that are wanted.

        Raises:
            ArgumentError: the stride leaves no room in a window.
        """
        predictor = self.model.predictor
        windows = predictor.settings.windows
        lengths = (self.model.max_length, predictor.tokenizer.max_length)
        known = [length for length in lengths if length is not None]
        longest = min(known) if known else windows.max_length
        room = longest - predictor.tokenizer.single_template.n_specials
        stride = arguments.stride
        if stride is not None and stride >= room:
            raise ArgumentError(
                "stride leaves no room for anything new in a window",
                expected=f"fewer than {room} tokens",
                found=str(stride),
            )
        overlap = min(windows.overlap, room // 2) if stride is None else stride
        sizes = {"max_length": longest, "overlap": overlap}
        labels = arguments.ignore_labels
        task = GroupingTask(
            strategy=arguments.aggregation_strategy or "none",
            ignored=frozenset([OUTSIDE] if labels is None else labels),
        )
        return replace(
            predictor,
            task=task,
            settings=predictor.settings.model_copy(
                update={"windows": windows.model_copy(update=sizes)}
            ),
            max_tokens=batch_size * longest if batch_size else predictor.max_tokens,
        )

    def _tag(
        self, texts: Iterable[Any], predictor: Predictor, arguments: TokenArguments
    ) -> Iterator[list[Entity]]:
        """What is found in each text, in their order."""
        read = self._read_words if arguments.is_split_into_words else self._read_text
        delimiter = " " if arguments.delimiter is None else arguments.delimiter
        examples = (read(number, one, delimiter) for number, one in zip(count(1), iter(texts)))
        is_alone = (arguments.aggregation_strategy or "none") == "none"
        for prediction in predictor.predict(examples):
            found = cast("GroupedPrediction", prediction)
            yield [self._report(group, found.text, is_alone=is_alone) for group in found.groups]

    def _read_text(self, number: int, text: object, delimiter: str) -> TaggedExample:
        """A raw text with its words; characters are left to the model's own division."""
        if not isinstance(text, str):
            raise ArgumentError(
                f"text {number} is none",
                expected="a text",
                found=type(text).__name__,
                fix="is_split_into_words=True for lists of words",
            )
        tagging = self.model.settings.tagging
        if tagging is not None and tagging.units == "characters":
            return TaggedExample(id=str(number), text=text)
        starts, ends = divide_words(self.model.predictor.tokenizer, text)
        return TaggedExample(
            id=str(number), text=text, starts=tuple(starts.tolist()), ends=tuple(ends.tolist())
        )

    def _read_words(self, number: int, words: object, delimiter: str) -> TaggedExample:
        """The text that the words make; they are its units."""
        if not isinstance(words, list | tuple) or not all(isinstance(w, str) and w for w in words):
            raise ArgumentError(
                f"text {number} is no list of words",
                expected="words of at least one character, with is_split_into_words=True",
                found=repr(words)[:60],
            )
        text, (starts, ends) = join_words(words, delimiter)
        return TaggedExample(id=str(number), text=text, starts=starts, ends=ends)

    def _report(self, group: Group, text: str, *, is_alone: bool) -> Entity:
        """A group as transformers reports it."""
        word = text[group.start : group.end]
        if not is_alone:
            return {
                "entity_group": group.label,
                "score": group.score,
                "word": word,
                "start": group.start,
                "end": group.end,
            }
        return {
            "entity": group.label,
            "score": group.score,
            "index": group.index,
            "word": self._name_token(group.token_id) or word,
            "start": group.start,
            "end": group.end,
        }

    def _name_token(self, token_id: int) -> str | None:
        """A token as its vocabulary writes it; None for the unknown one."""
        tokenizer = self.model.predictor.tokenizer
        name = tokenizer.backend.id_to_token(token_id)
        return None if name == dict(tokenizer.config.names).get("unk_token") else name
