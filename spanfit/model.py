"""A fine-tuned model that answers: `spanfit.load`, then `ask`, `predict`, `evaluate`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import overload

from spanfit.batching import Batch
from spanfit.data.contexts import name_contexts
from spanfit.decode.merging import ContextRanking
from spanfit.errors import ModelError, RecipeError, require
from spanfit.evaluation import Evaluation, evaluate
from spanfit.metrics import Scores
from spanfit.prediction import BadLines, FilePredictions, Observer, Predictor, predict_file
from spanfit.progress import Progress
from spanfit.recipe import WindowsSection
from spanfit.settings import FILE_NAME, ModelSettings
from spanfit.tasks import TASKS
from spanfit.types import QuestionExample, QuestionPrediction
from spanfit.windows import Windows

AnyContext = str | Path | Sequence[str] | Sequence[Path] | Mapping[str, str]
"""Where answers are looked for: a text, several, texts by name, or files and folders as paths."""


class Model:
    """A model with everything that shapes its predictions; made by `load`.

    `notes` holds what its user should know (a hub model without spanfit.json, say).
    """

    def __init__(self, predictor: Predictor, *, notes: Sequence[str] = ()) -> None:
        self.predictor = predictor
        self.notes = tuple(notes)

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
        questions = [question] if isinstance(question, str) else list(question)
        contexts = name_contexts(context)
        progress = progress or Progress(quiet=True)
        with progress.bar("asking", total=None, unit="windows") as bar:

            def count(
                examples: list[QuestionExample], windows: Windows, batch: Batch, logits: object
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
            ranking.add(name, prediction)
        return [
            ranking.result(
                str(number),
                temperature=calibration.temperature,
                threshold=calibration.threshold,
                null_scale=calibration.null_scale,
            )
            for number, ranking in enumerate(rankings, 1)
        ]

    def predict(self, examples: Iterable[QuestionExample]) -> Iterator[QuestionPrediction]:
        """A stream of predictions, one for each example, in their order."""
        return self.predictor.predict(examples)

    def predict_file(
        self,
        data: str | Path,
        out: str | Path,
        *,
        bad_lines: BadLines = "fail",
        progress: Progress | None = None,
    ) -> FilePredictions:
        """Predict a file of any length into another; goes on where an earlier call was ended.

        See `spanfit.prediction.predict_file`.
        """
        return predict_file(self.predictor, data, out, bad_lines=bad_lines, progress=progress)

    def evaluate(self, examples: Sequence[QuestionExample], *, metric: str | None = None) -> Scores:
        """Scores of the predictions for examples with gold."""
        return self.examine(examples, metric=metric).scores

    def examine(
        self,
        examples: Sequence[QuestionExample],
        *,
        metric: str | None = None,
        progress: Progress | None = None,
    ) -> Evaluation:
        """Predictions and scores together, to look at the errors."""
        return evaluate(examples, self.predictor, metric=metric, progress=progress)


def load(
    source: str | Path,
    *,
    backend: str = "auto",
    device: str = "auto",
    max_tokens: int | None = None,
    trust_remote_code: bool = False,
) -> Model:
    """A model from a run folder, a model folder, or the hub.

    `device` is "cpu", "cuda", "mps", or "auto" for the best that is here. `max_tokens` bounds the
    padded tokens of a batch, and so the memory that it takes; None: what suits the device.
    `trust_remote_code` runs Python code that comes with the model, for architectures that
    transformers does not have.

    Raises:
        ModelError: there is no such model, or it was not trained to answer questions.
        RecipeError: there is no such device here, or `max_tokens` is not above 0.
        MissingExtraError: torch or transformers is not installed.
    """
    if max_tokens is not None and max_tokens < 1:
        raise RecipeError("max_tokens must be at least 1", found=str(max_tokens))
    if backend not in {"auto", "torch"}:
        raise ModelError(
            f"there is no backend {backend!r}", expected="auto or torch", found=backend
        )
    require("torch", extra="train")
    require("transformers", extra="train")
    from spanfit.backends.pretrained import load_settings, load_trained, tokenizer_warnings
    from spanfit.backends.torch import TorchBackend, max_positions, resolve_device, takes_type_ids

    where, place = find_model(source), resolve_device(device)
    stored = load_settings(where)
    task = (stored or ModelSettings()).task
    loaded = load_trained(where, task=task, trust_remote_code=trust_remote_code)
    limit = max_positions(loaded.network)
    if stored is None:
        settings = _default_settings(limit)
        notes = [*loaded.notes, _explain_defaults(where, settings), *tokenizer_warnings(where)]
    else:
        settings, notes = stored, list(loaded.notes)
        _check_windows(stored, limit, where)
    network = loaded.network.to(place).eval()
    predictor = Predictor(
        task=TASKS[settings.task],
        tokenizer=loaded.tokenizer,
        settings=settings,
        backend=TorchBackend(
            network, has_type_ids=loaded.tokenizer.has_type_ids and takes_type_ids(network)
        ),
        max_tokens=max_tokens,
    )
    return Model(predictor, notes=notes)


def find_model(source: str | Path) -> str:
    """The model folder of a run folder; any other source as it is.

    Raises:
        ModelError: the folder holds neither a model nor a run.
    """
    folder = Path(source)
    for candidate in (folder / "model", folder):
        if (candidate / "config.json").is_file():
            return str(candidate)
    if folder.is_dir():
        raise ModelError(
            "no model in this folder",
            where=str(folder),
            expected="a run folder (with model/) or a model folder (with config.json)",
            found=", ".join(sorted(path.name for path in folder.iterdir())[:6]) or "nothing",
        )
    if not _can_be_hub_id(str(source), folder):
        near = sorted(path.name for path in folder.parent.glob("*") if path.is_dir())
        raise ModelError(
            "no such folder",
            where=str(source),
            expected="a run folder, a model folder, or a hub id (ORGANISATION/NAME)",
            found=f"in {folder.parent}: {', '.join(near[-5:]) or 'no folder'}",
        )
    return str(source)


def _can_be_hub_id(source: str, folder: Path) -> bool:
    """Whether a name that is no folder may be one of the hub's: not where it is a path here."""
    parts = source.split("/")
    is_path = source.startswith((".", "/", "~")) or len(parts) > 2 or "" in parts
    return not is_path and (len(parts) == 1 or not folder.parent.is_dir())


def _default_settings(limit: int | None) -> ModelSettings:
    """What is assumed of a model without spanfit.json, whose encoder has `limit` positions."""
    defaults = ModelSettings()
    if limit is None or limit >= defaults.windows.max_length:
        return defaults
    shorter = WindowsSection(max_length=limit, overlap=limit // 3)
    return defaults.model_copy(update={"windows": shorter})


def _check_windows(settings: ModelSettings, limit: int | None, source: str) -> None:
    """Refuse settings that this encoder cannot have been trained with.

    Raises:
        ModelError: the windows are longer than the encoder's positions.
    """
    if limit is not None and settings.windows.max_length > limit:
        raise ModelError(
            "the windows of this model are longer than its encoder's positions",
            where=f"{source}/{FILE_NAME}",
            expected=f"windows.max_length of at most {limit} tokens",
            found=str(settings.windows.max_length),
            fix="the spanfit.json that the training wrote beside these weights",
        )


def _explain_defaults(source: str, settings: ModelSettings) -> str:
    windows = settings.windows
    is_short = windows.max_length < ModelSettings().windows.max_length
    return (
        f"{source} has no {FILE_NAME}: windows of {windows.max_length} tokens"
        + (", all that its encoder has positions for," if is_short else "")
        + f" with {windows.overlap} of overlap, and a null threshold of 0, are assumed"
    )
