"""A fine-tuned model that answers: `spanfit.load`, then `ask`, `predict`, `evaluate`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from spanfit.errors import ModelError, require
from spanfit.evaluation import Evaluation, evaluate
from spanfit.metrics import Scores
from spanfit.prediction import Predictor
from spanfit.progress import Progress
from spanfit.settings import FILE_NAME, ModelSettings
from spanfit.tasks import TASKS
from spanfit.types import QuestionExample, QuestionPrediction


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

    def ask(self, question: str, context: str) -> QuestionPrediction:
        """The best answers to one question in one context."""
        example = QuestionExample(id="1", question=question, context=context)
        return next(self.predict([example]))

    def predict(self, examples: Iterable[QuestionExample]) -> Iterator[QuestionPrediction]:
        """A stream of predictions, one for each example, in their order."""
        return self.predictor.predict(examples)

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


def load(source: str | Path, *, backend: str = "auto", device: str = "auto") -> Model:
    """A model from a run folder, a model folder, or the hub.

    Raises:
        ModelError: there is no such model, or it was not trained to answer questions.
        MissingExtraError: torch or transformers is not installed.
    """
    if backend not in {"auto", "torch"}:
        raise ModelError(
            f"there is no backend {backend!r}", expected="auto or torch", found=backend
        )
    require("torch", extra="train")
    require("transformers", extra="train")
    from spanfit.backends.pretrained import load_settings, load_trained, tokenizer_warnings
    from spanfit.backends.torch import TorchBackend, resolve_device, takes_type_ids

    where = find_model(source)
    stored = load_settings(where)
    settings = stored or ModelSettings()
    notes = [] if stored else [_explain_defaults(where), *tokenizer_warnings(where)]
    loaded = load_trained(where, task=settings.task, max_length=settings.windows.max_length)
    network = loaded.network.to(resolve_device(device)).eval()
    predictor = Predictor(
        task=TASKS[settings.task],
        tokenizer=loaded.tokenizer,
        settings=settings,
        backend=TorchBackend(
            network, has_type_ids=loaded.tokenizer.has_type_ids and takes_type_ids(network)
        ),
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


def _explain_defaults(source: str) -> str:
    defaults = ModelSettings()
    return (
        f"{source} has no {FILE_NAME}: windows of {defaults.windows.max_length} tokens with "
        f"{defaults.windows.overlap} of overlap, and a null threshold of 0, are assumed"
    )
