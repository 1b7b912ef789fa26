"""A fine-tuned model: `spanfit.load`, then `ask` or `tag`, `predict`, `evaluate`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import cast, overload

from spanfit.batching import Batch
from spanfit.data.contexts import name_contexts
from spanfit.decode.merging import ContextRanking
from spanfit.errors import ModelError
from spanfit.evaluation import Evaluation, evaluate
from spanfit.examples import AS_IT_IS, Example, Examples, Prediction, Reading
from spanfit.metrics import AnyScores
from spanfit.prediction import BadLines, FilePredictions, Observer, Predictor, predict_file
from spanfit.progress import Progress
from spanfit.settings import ModelSettings
from spanfit.tagged import TaggedExample, TaggingPrediction
from spanfit.types import QuestionExample, QuestionPrediction
from spanfit.windows import Windows

AnyContext = str | Path | Sequence[str] | Sequence[Path] | Mapping[str, str]
"""Where answers are looked for: a text, several, texts by name, or files and folders as paths."""


class Model:
    """A model with everything that shapes its predictions; made by `spanfit.load`.

    `notes` holds what its user should know (a hub model without spanfit.json, say). `max_length` is
    the longest input, in tokens, that its encoder has positions for; None where none is too long.
    """

    def __init__(
        self, predictor: Predictor, *, notes: Sequence[str] = (), max_length: int | None = None
    ) -> None:
        self.predictor = predictor
        self.notes = tuple(notes)
        self.max_length = max_length

    @property
    def settings(self) -> ModelSettings:
        """Windows, decoding and calibration."""
        return self.predictor.settings

    @overload
    def ask(
        self, question: str, context: AnyContext, *, progress: Progress | None = None
    ) -> QuestionPrediction: ...

    @overload
    def ask(
        self,
        question: list[str] | tuple[str, ...],
        context: AnyContext,
        *,
        progress: Progress | None = None,
    ) -> list[QuestionPrediction]: ...

    def ask(
        self,
        question: str | list[str] | tuple[str, ...],
        context: AnyContext,
        *,
        progress: Progress | None = None,
    ) -> QuestionPrediction | list[QuestionPrediction]:
        """The best answers to one question, or to each of several, in one context or over several.

        Over several the answers compete as those of one long text's windows do, and
        `Candidate.source` names the context of each: its key in a mapping, its number from "0" in
        a sequence, its path where files or folders were given.

        Args:
            question: one question, or a list of them, which gives a list of predictions.
            context: a string is a text, never a path. A `Path` is a text file, or a folder whose
                .txt and .md files are asked, at any depth. Files are read one after the other.
            progress: where to show how many windows are done.

        Raises:
            DataError: no context at all, or one that is not a text.

        """
        self._require(QuestionExample, fix='spanfit tag MODEL "TEXT"; in Python model.tag(text)')
        questions = [question] if isinstance(question, str) else list(question)
        contexts = name_contexts(context)
        progress = progress or Progress(quiet=True)
        with progress.bar("asking", total=None, unit="windows") as bar:

            def count(
                examples: list[Example], windows: Windows, batch: Batch, logits: object
            ) -> None:
                bar.advance(len(batch.rows))

            predictions = self._ask(questions, contexts, observe=count)
        return predictions[0] if isinstance(question, str) else predictions

    def _ask(
        self, questions: list[str], contexts: Mapping[str, str], *, observe: Observer
    ) -> list[QuestionPrediction]:
        """One prediction for each question; of each context only its candidates are kept."""
        decode, calibration = self.settings.decode, self.predictor.calibration
        rankings = [ContextRanking(k=decode.n_best) for _ in questions]
        examples = (
            QuestionExample(id=str(number), question=question, context=text)
            for text in contexts.values()  # a file is read when its turn comes
            for number, question in enumerate(questions, 1)
        )
        asked = product(contexts, rankings)
        predictions = self.predictor.predict(examples, observe=observe)
        for (name, ranking), prediction in zip(asked, predictions, strict=True):
            ranking.add(name, cast("QuestionPrediction", prediction))
        return [
            ranking.result(
                str(number),
                temperature=calibration.temperature,
                threshold=calibration.threshold,
                null_scale=calibration.null_scale,
            )
            for number, ranking in enumerate(rankings, 1)
        ]

    @overload
    def tag(self, text: str, *, progress: Progress | None = None) -> TaggingPrediction: ...

    @overload
    def tag(
        self, text: list[str] | tuple[str, ...], *, progress: Progress | None = None
    ) -> list[TaggingPrediction]: ...

    def tag(
        self, text: str | list[str] | tuple[str, ...], *, progress: Progress | None = None
    ) -> TaggingPrediction | list[TaggingPrediction]:
        """The tags and entities of one raw text, or of each of several.

        A text is divided into what carries a tag as the model's training data was: characters, or
        words as its tokenizer finds them. A text of any length is tagged as one.

        Raises:
            ModelError: the model answers questions.

        """
        self._require(
            TaggedExample,
            fix="spanfit ask MODEL --question … --context FILE; in Python model.ask(…)",
        )
        texts = [text] if isinstance(text, str) else list(text)
        examples = (TaggedExample(id=str(n), text=one) for n, one in enumerate(texts, 1))
        predictions: list[TaggingPrediction] = []
        progress = progress or Progress(quiet=True)
        with progress.bar("tagging", total=len(texts), unit="texts") as bar:
            for prediction in self.predictor.predict(examples):
                predictions.append(cast("TaggingPrediction", prediction))
                bar.advance()
        return predictions[0] if isinstance(text, str) else predictions

    def _require(self, kind: type[Example], *, fix: str) -> None:
        """Refuse what the model's task is not about.

        Raises:
            ModelError: its examples are of another kind.
        """
        found = self.predictor.task.example_type
        if not issubclass(found, kind):
            raise ModelError(
                f"this model is for {found.kind}", expected=f"a model for {kind.kind}", fix=fix
            )

    def predict(self, examples: Iterable[Example]) -> Iterator[Prediction]:
        """A stream of predictions, one for each example, in their order."""
        return self.predictor.predict(examples)

    def predict_file(
        self,
        data: str | Path,
        out: str | Path,
        *,
        bad_lines: BadLines = "fail",
        reading: Reading = AS_IT_IS,
        progress: Progress | None = None,
    ) -> FilePredictions:
        """Predict a file of any length into another; goes on where an earlier call was ended.

        See `spanfit.prediction.predict_file`.
        """
        return predict_file(
            self.predictor, data, out, bad_lines=bad_lines, reading=reading, progress=progress
        )

    def evaluate(
        self, examples: Examples, *, metric: str | None = None, reading: Reading = AS_IT_IS
    ) -> AnyScores:
        """Scores of the predictions for examples with gold; see `examine`."""
        return self.examine(examples, metric=metric, reading=reading).scores

    def examine(
        self,
        examples: Examples,
        *,
        metric: str | None = None,
        reading: Reading = AS_IT_IS,
        name: str = "",
        progress: Progress | None = None,
    ) -> Evaluation:
        """Predictions and scores together, to look at the errors.

        Gold tags may be in any scheme; `reading` names theirs, where it is not to be detected, and
        the repair of tags that break it. `name` is the file's, for messages.
        """
        return evaluate(
            examples,
            self.predictor,
            metric=metric,
            reading=reading,
            name=name,
            progress=progress,
        )
