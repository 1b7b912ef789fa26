"""What was found of a network as it is: scores of data sets, and what was fitted for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from spanfit.backends.torch import TorchBackend
from spanfit.calibration import CALIBRATORS
from spanfit.data.prediction_lines import write_predictions
from spanfit.evaluation import score_predictions
from spanfit.integrations.window_dataset import WindowDataset
from spanfit.model_card import CardEntry, write_model_card
from spanfit.part_results import PartResult, describe_scores
from spanfit.preparation import Prepared
from spanfit.progress import Progress
from spanfit.settings import Calibration, ModelSettings, read_settings
from spanfit.types import SelectedOn

FITTED_ON = "calibration"
"""The data set whose evaluation fits threshold and temperature."""


class Findings:
    """Scores and calibration since the last step; `selected_on` is the part that chooses."""

    def __init__(self, prepared: Prepared, *, progress: Progress) -> None:
        self._prepared, self._progress = prepared, progress
        self.selected_on: SelectedOn = "none"
        self._results: dict[str, PartResult] = {}
        self._calibration: Calibration | None = None

    def score(
        self, dataset: WindowDataset, predictions: list[Any], loss: float
    ) -> dict[str, float]:
        """The figures of all predictions of a data set; the calibration part's fit what decides."""
        calibrator = CALIBRATORS[dataset.task]
        if dataset.name == FITTED_ON:
            fit = calibrator.fit(
                dataset.gold,
                predictions,
                before=self.uncalibrated,
                is_threshold_fixed=self._prepared.recipe.selection.null_threshold is not None,
                metric=self._prepared.metric,
            )
            for warning in fit.warnings:
                self._progress.warn(warning)
            self._calibration = fit.calibration
        calibration = self._calibration or self.uncalibrated
        evaluation = score_predictions(
            dataset.gold,
            calibrator.decide(predictions, calibration),
            metric=self._prepared.metric,
            selected_on=self._signed(),
            reading=dataset.reading,
        )
        scores = evaluation.scores
        before = calibrator.confidence_before(predictions, scores, calibration)
        self._results[dataset.name] = PartResult(evaluation, loss, before)
        return {"exact": scores.exact, "f1": scores.f1} | scores.figures

    def _signed(self) -> SelectedOn:
        """The part that chooses the checkpoint, else the one that fits the threshold."""
        if self.selected_on != "none" or self._calibration is None:
            return self.selected_on
        return "calibration"

    @property
    def uncalibrated(self) -> Calibration:
        """What decides before anything is fitted."""
        return self._prepared.task.uncalibrated(
            self._prepared.parts.training, self._prepared.recipe
        )

    @property
    def settings(self) -> ModelSettings:
        """spanfit.json of the network as it is, with what was fitted since the last step."""
        calibration = self._calibration or self.uncalibrated
        found = {"calibration": {TorchBackend.name: calibration}, "selected_on": self._signed()}
        return self._prepared.settings.model_copy(update=found)

    @property
    def is_evaluated(self) -> bool:
        """Whether anything was evaluated since the last step."""
        return bool(self._results)

    def forget(self) -> None:
        """Forget what was found: the weights are others now."""
        self._results, self._calibration = {}, None

    def adopt(self, checkpoint: Path) -> None:
        """Take up what was fitted for a checkpoint whose weights the network has again."""
        self.forget()
        stored = read_settings(checkpoint) or self._prepared.settings
        self._calibration = stored.calibration.get(TorchBackend.name)

    def save(self, folder: Path, *, epoch: float = 0, step: int = 0) -> None:
        """Complete a folder of a Trainer's: tokenizer, spanfit.json, model card; scores if any."""
        settings = self.settings
        self._prepared.pretrained.tokenizer.save(folder)
        settings.save(folder)
        entries = {
            name: CardEntry(result.evaluation.scores, result.calibration_errors)
            for name, result in self._results.items()
        }
        write_model_card(folder, self._prepared, settings, entries)
        if not self._results:
            return
        (folder / "predictions").mkdir(exist_ok=True)
        for name, result in self._results.items():
            write_predictions(folder / f"predictions/{name}.jsonl", result.evaluation.predictions)
        content = describe_scores(
            self._results, settings, epoch=epoch, step=step, backend=TorchBackend.name
        )
        text = json.dumps(content, ensure_ascii=False, indent=2)
        (folder / "scores.json").write_text(text + "\n", encoding="utf-8")
