"""The anchor of `conll2003.py`: tagging as it is usually done with transformers.

The words are tokenised by `is_split_into_words`, each piece gets its word's tag (`B-` becomes `I-`
behind the first) or only the first one does, `DataCollatorForTokenClassification` pads a batch to
its longest, and `Trainer` trains. A word that truncation has cut off is predicted as nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import transformers

from spanfit.backends.messages import quiet_transformers
from spanfit.preparation import Plan
from spanfit.quickstart import encoder_folder
from spanfit.recipe import Recipe
from spanfit.tagged import TaggedExample

IGNORED = -100
"""The label of a piece that is not learnt."""

Item = dict[str, list[int]]
"""What `Trainer` sees of a sentence: input_ids, attention_mask, labels, …"""
Tags = list[list[str | None]]
"""The tag of each word of each sentence; None where there is none."""


@dataclass
class Turns(transformers.TrainerCallback):  # type: ignore[misc] # (transformers is not typed)
    """Times `Trainer` in rounds of steps, and lets another take as many steps in between."""

    warm_up: int
    round_steps: int
    take_steps: Callable[[int], None]
    theirs: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    started: float = 0.0

    def on_step_end(self, _arguments: object, state: Any, _control: object, **_: object) -> None:  # noqa: ANN401
        """Take a turn after each round; the first begins when both have warmed up."""
        now = time.perf_counter()
        done = state.global_step - self.warm_up
        if done == 0:
            self.take_steps(self.warm_up)
        elif done > 0 and done % self.round_steps == 0:
            self.theirs.append(now - self.started)
            before = time.perf_counter()
            self.take_steps(self.round_steps)
            self.ours.append(time.perf_counter() - before)
        else:
            return
        self.started = time.perf_counter()


@dataclass(frozen=True)
class Anchor:
    """What both trainings have in common, as transformers needs it."""

    recipe: Recipe
    encoder: Path
    labels: tuple[str, ...]
    tokenizer: Any  # a PreTrainedTokenizerFast

    def encode(self, examples: Sequence[TaggedExample]) -> list[Item]:
        """The inputs and labels of each sentence, cut where it is longer than a window."""
        numbers = {label: number for number, label in enumerate(self.labels)}
        items = []
        for example in examples:
            encoding = self._tokenize(example)
            pieces = label_pieces(
                encoding.word_ids(), example.tags or (), learns_all=self._learns_all
            )
            labels = [IGNORED if tag is None else numbers[tag] for tag in pieces]
            items.append({**encoding, "labels": labels})
        return items

    def make_trainer(
        self,
        items: Sequence[Item],
        *,
        folder: Path,
        is_ordered: bool = False,
        callbacks: Sequence[Any] = (),
    ) -> Any:  # noqa: ANN401 (a transformers.Trainer)
        """A trainer of a new head; `is_ordered` takes the items in their order."""
        run, optimizer = self.recipe.run, self.recipe.optimizer
        plan = Plan(
            n_windows=len(items),
            windows_per_step=self.recipe.batch.windows_per_step,
            epochs=run.epochs,
            max_steps=run.max_steps,
            warmup_ratio=optimizer.warmup_ratio,
        )
        arguments = transformers.TrainingArguments(
            output_dir=str(folder),
            per_device_train_batch_size=plan.windows_per_step,
            per_device_eval_batch_size=plan.windows_per_step,
            max_steps=plan.steps,
            learning_rate=optimizer.learning_rate,
            weight_decay=optimizer.weight_decay,
            lr_scheduler_type="linear",
            warmup_steps=plan.warmup_steps,
            max_grad_norm=optimizer.max_gradient_norm,
            seed=run.seed,
            train_sampling_strategy="sequential" if is_ordered else "random",
            use_cpu=True,
            dataloader_pin_memory=False,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        transformers.set_seed(run.seed)  # of the new head
        trainer = transformers.Trainer(
            model=self._make_network(),
            args=arguments,
            train_dataset=list(items),
            data_collator=transformers.DataCollatorForTokenClassification(self.tokenizer),
            processing_class=self.tokenizer,
            callbacks=list(callbacks),
        )
        trainer.remove_callback(transformers.PrinterCallback)
        return trainer

    def predict(
        self,
        trainer: Any,  # noqa: ANN401 (a transformers.Trainer)
        examples: Sequence[TaggedExample],
    ) -> Tags:
        """The tag of each word, from its first piece; None where the word was cut off."""
        encodings = [self._tokenize(example) for example in examples]
        logits = trainer.predict([dict(encoding) for encoding in encodings]).predictions
        return [
            read_words(row, encoding.word_ids(), self.labels, n_words=len(example.starts))
            for row, encoding, example in zip(
                np.argmax(logits, axis=-1).tolist(), encodings, examples, strict=True
            )
        ]

    @property
    def _learns_all(self) -> bool:
        return self.recipe.task.pieces == "all"

    def _tokenize(self, example: TaggedExample) -> Any:  # noqa: ANN401 (a BatchEncoding)
        return self.tokenizer(
            example.words,
            is_split_into_words=True,
            truncation=True,
            max_length=self.recipe.windows.max_length,
        )

    def _make_network(self) -> Any:  # noqa: ANN401 (a PreTrainedModel)
        model = self.recipe.model
        dropouts = {
            "hidden_dropout_prob": model.hidden_dropout,
            "attention_probs_dropout_prob": model.attention_dropout,
        }
        with quiet_transformers():
            return transformers.AutoModelForTokenClassification.from_pretrained(
                self.encoder,
                id2label=dict(enumerate(self.labels)),
                label2id={label: number for number, label in enumerate(self.labels)},
                dtype="float32",
                **{name: value for name, value in dropouts.items() if value is not None},
            )


def make_anchor(recipe: Recipe, examples: Sequence[TaggedExample]) -> Anchor:
    """The quickstart's encoder, and the labels of the sentences, with an `I-` for every `B-`."""
    encoder = encoder_folder()
    tags = set(chain.from_iterable(example.tags or () for example in examples))
    labels = tuple(sorted(tags | {continue_tag(tag) for tag in tags}))
    tokenizer = transformers.AutoTokenizer.from_pretrained(encoder)
    return Anchor(recipe, encoder, labels, tokenizer)


def train_trainer(
    recipe: Recipe, training: Sequence[TaggedExample], testing: Sequence[TaggedExample], out: Path
) -> Tags:
    """Train with `Trainer`; returns what its model says of the words of `testing`."""
    anchor = make_anchor(recipe, training)
    trainer = anchor.make_trainer(anchor.encode(training), folder=out)
    trainer.train()
    return anchor.predict(trainer, testing)


def continue_tag(tag: str) -> str:
    """The tag of a further piece of the same word: `I-` for `B-`, else the tag itself."""
    return f"I-{tag[2:]}" if tag.startswith("B-") else tag


def label_pieces(
    word_ids: Sequence[int | None], tags: Sequence[str], *, learns_all: bool
) -> list[str | None]:
    """The tag that each piece learns; None for special tokens, and for pieces left out.

    `word_ids` has the word of each piece, None for a special token.
    """
    labels: list[str | None] = []
    previous: int | None = None
    for word in word_ids:
        if word is None:
            labels.append(None)
        elif word != previous:
            labels.append(tags[word])
        else:
            labels.append(continue_tag(tags[word]) if learns_all else None)
        previous = word
    return labels


def read_words(
    outputs: Sequence[int], word_ids: Sequence[int | None], labels: Sequence[str], *, n_words: int
) -> list[str | None]:
    """The label that the first piece of each word got; None for a word without pieces."""
    tags: list[str | None] = [None] * n_words
    for output, word in zip(outputs, word_ids, strict=False):  # a batch is padded behind
        if word is not None and tags[word] is None:
            tags[word] = labels[output]
    return tags
