"""What a training makes public: evaluations, the best model, checkpoints, scores.

`model/` always holds the best epoch so far, so that a run is usable whenever it ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from spanfit.backends.torch import TorchBackend
from spanfit.calibration import CALIBRATORS
from spanfit.checkpoints import FOLDER, Standing, name_of, system_errors
from spanfit.data.prediction_lines import write_predictions
from spanfit.data.writing import write_examples
from spanfit.evaluation import score_predictions
from spanfit.evaluation_loss import predict_with_loss
from spanfit.examples import Examples, Prediction
from spanfit.interruptions import uninterrupted
from spanfit.manifests import seal
from spanfit.model_card import CardEntry, write_model_card
from spanfit.part_results import PartResult, describe_scores
from spanfit.prediction import Predictor
from spanfit.preparation import Prepared
from spanfit.processes import ALONE, Processes
from spanfit.progress import Progress
from spanfit.runs import CHECKPOINTS, RunFolder
from spanfit.settings import Calibration, ModelSettings
from spanfit.types import SelectedOn


class Publication:
    """Evaluates after each epoch and keeps the best model in the run folder.

    `save_state` adds to a checkpoint, into a folder that it makes, what a training goes on with.
    `standing` is how the epochs so far compare. Of several `processes` each has all scores, and the
    folder of the first alone writes.
    """

    def __init__(
        self,
        prepared: Prepared,
        folder: RunFolder,
        *,
        progress: Progress,
        backend: TorchBackend,
        save_state: Callable[[Path], None],
        processes: Processes = ALONE,
    ) -> None:
        self._prepared, self._folder = prepared, folder
        self._progress, self._backend = progress, backend
        self._save_state, self._processes = save_state, processes
        self.standing = Standing()
        self._calibrator = CALIBRATORS[prepared.task.name]

    @property
    def is_out_of_patience(self) -> bool:
        """Whether early stopping says so."""
        patience = self._prepared.recipe.selection.patience_epochs
        return patience is not None and self.standing.epochs_without_better >= patience

    def go_on(self, standing: Standing) -> None:
        """Take over from a process that may have been killed before it deleted old checkpoints."""
        self.standing = standing
        self._keep_checkpoints()

    def write_calibration_part(self) -> None:
        """Write what was held out of the training file (and made of it), to score and refit on."""
        examples = self._prepared.parts.calibration
        if examples and self._prepared.recipe.data.calibration is None:
            self._folder.write_folder(
                "data",
                lambda folder: write_examples(folder / "calibration.jsonl", examples, to="jsonl"),
            )

    def evaluate(self, *, epoch: int, step: int) -> None:
        """Evaluate both parts, write metrics, a checkpoint, and the model if it is the best."""
        calibration, results = self._evaluate_parts()
        for name, result in results.items():
            self._report(name, result, calibration, epoch=epoch, step=step)
        settings = self._settings(calibration)
        with uninterrupted():
            if self._compare(results, epoch=epoch, step=step):
                self._publish(settings, results, epoch=epoch, step=step)
            self._save_checkpoint(settings, step=step)

    def save_unfinished(self, *, step: int) -> None:
        """Write a checkpoint of weights that were not evaluated; as a model it is uncalibrated."""
        with uninterrupted():
            self._save_checkpoint(self._unfinished_settings(), step=step)

    def publish_unfinished(self, *, step: int) -> None:
        """Publish the weights as they are, unless an evaluated epoch was published already."""
        is_evaluated = self.standing.epochs or (self._folder.folder / "scores.json").exists()
        if not is_evaluated:
            self._publish(self._unfinished_settings(), {}, epoch=0, step=step)

    def _evaluate_parts(self) -> tuple[Calibration, dict[str, PartResult]]:
        """Predict both parts; what is fitted on the first decides in both."""
        parts = self._prepared.parts
        calibration = self._uncalibrated()
        results: dict[str, PartResult] = {}
        if parts.calibration:
            predictions, loss = self._predict(parts.calibration, "calibration")
            calibration = self._calibrate(predictions)
            results["calibration"] = self._score("calibration", predictions, loss, calibration)
        if parts.validation:
            predictions, loss = self._predict(parts.validation, "validation")
            results["validation"] = self._score("validation", predictions, loss, calibration)
        return calibration, results

    def _predict(self, examples: Examples, name: str) -> tuple[list[Prediction], float]:
        """Predictions decided at the default threshold, and the mean loss of their windows."""
        predictor = Predictor(
            task=self._prepared.task,
            tokenizer=self._prepared.pretrained.tokenizer,
            settings=self._settings(self._uncalibrated()),
            backend=self._backend,
            max_tokens=self._prepared.recipe.batch.max_prediction_tokens,
        )
        return predict_with_loss(
            examples,
            predictor,
            self._prepared,
            title=name,
            progress=self._progress,
            processes=self._processes,
        )

    def _score(
        self, part: str, predictions: list[Prediction], loss: float, calibration: Calibration
    ) -> PartResult:
        parts = self._prepared.parts
        evaluation = score_predictions(
            parts.by_name[part],
            self._calibrator.decide(predictions, calibration),
            metric=self._prepared.metric,
            selected_on=self._selected_on,
            reading=parts.readings[part],
        )
        before = self._calibrator.confidence_before(predictions, evaluation.scores, calibration)
        return PartResult(evaluation=evaluation, eval_loss=loss, confidence_before=before)

    @property
    def _selected_on(self) -> SelectedOn:
        """The part that chooses the epoch; else what fits the threshold; else nothing."""
        parts, wanted = self._prepared.parts, self._prepared.recipe.selection.on
        if wanted == "validation" and parts.validation:
            return "validation"
        return "calibration" if parts.calibration else "none"

    def _uncalibrated(self) -> Calibration:
        """What decides before anything is fitted."""
        return self._prepared.task.uncalibrated(
            self._prepared.parts.training, self._prepared.recipe
        )

    def _calibrate(self, predictions: list[Prediction]) -> Calibration:
        """The threshold fitted on the calibration part, unless it is named; and the temperature."""
        fit = self._calibrator.fit(
            self._prepared.parts.calibration,
            predictions,
            before=self._uncalibrated(),
            is_threshold_fixed=self._prepared.recipe.selection.null_threshold is not None,
            metric=self._prepared.metric,
        )
        for warning in fit.warnings:
            self._progress.warn(warning)
        return fit.calibration

    def _compare(self, results: dict[str, PartResult], *, epoch: int, step: int) -> bool:
        """Whether this epoch is the best so far; without the part to tell, the last one is."""
        selection, before = self._prepared.recipe.selection, self.standing
        result = results.get(selection.on)
        figure = 0.0 if result is None else result.figure(selection.metric)
        is_best = result is None or before.best is None or figure > before.best
        if is_best:
            self.standing = Standing(epochs=epoch, best=figure, best_checkpoint=name_of(step))
        else:
            n_without = before.epochs_without_better + 1
            self.standing = replace(before, epochs=epoch, epochs_without_better=n_without)
        return is_best

    def _settings(self, calibration: Calibration) -> ModelSettings:
        return self._prepared.settings.model_copy(
            update={
                "calibration": {self._backend.name: calibration},
                "selected_on": self._selected_on,
            }
        )

    def _unfinished_settings(self) -> ModelSettings:
        """Those of weights that nothing was fitted for."""
        settings = self._settings(self._uncalibrated())
        return settings.model_copy(update={"selected_on": "none"})

    def _report(
        self, name: str, result: PartResult, calibration: Calibration, *, epoch: int, step: int
    ) -> None:
        scores = result.evaluation.scores
        line: dict[str, Any] = {"step": step, "epoch": epoch, "part": name}
        line |= {"eval_loss": result.eval_loss}
        line |= {figure: scores.value(figure) for figure in ("exact", "f1")}
        shown = [f"{short} {value:.2f}" for short, value in scores.headline.items()]
        if errors := result.calibration_errors:
            before, after = errors
            line |= {"calibration_error_before": before, "calibration_error": after}
            line |= {"threshold": calibration.threshold, "temperature": calibration.temperature}
            shown.append(f"ECE {before:.3f} → {after:.3f}")
        self._folder.append_metrics(line)
        self._progress.note(
            f"epoch {epoch}, {name}: eval_loss {result.eval_loss:.3f}  " + "  ".join(shown)
        )

    def _publish(
        self, settings: ModelSettings, results: dict[str, PartResult], *, epoch: int, step: int
    ) -> None:
        """Write model/, predictions/ and scores.json."""

        def fill(folder: Path) -> None:
            self._save_model(folder, settings)
            write_model_card(folder, self._prepared, settings, entries)

        entries = {
            name: CardEntry(result.evaluation.scores, result.calibration_errors)
            for name, result in results.items()
        }
        self._folder.write_folder("model", fill)
        if results:
            self._write_results(results, settings, epoch=epoch, step=step)

    def _write_results(
        self, results: dict[str, PartResult], settings: ModelSettings, *, epoch: int, step: int
    ) -> None:
        def fill(folder: Path) -> None:
            for name, result in results.items():
                write_predictions(folder / f"{name}.jsonl", result.evaluation.predictions)

        self._folder.write_folder("predictions", fill)
        content = describe_scores(
            results, settings, epoch=epoch, step=step, backend=self._backend.name
        )
        self._folder.write_json("scores.json", content)

    def _save_checkpoint(self, settings: ModelSettings, *, step: int) -> None:
        def fill(folder: Path) -> None:
            self._save_model(folder, settings)
            self._save_state(folder / FOLDER)
            seal(folder)

        self._folder.write_folder(f"{CHECKPOINTS}/{name_of(step)}", fill)
        self._keep_checkpoints()

    def _keep_checkpoints(self) -> None:
        self._folder.keep_checkpoints(
            max_checkpoints=self._prepared.recipe.run.max_checkpoints,
            best=self.standing.best_checkpoint,
        )

    def _save_model(self, folder: Path, settings: ModelSettings) -> None:
        with system_errors():
            self._prepared.pretrained.save(folder)
        settings.save(folder)
