"""How far an exported network is from torch's: in its logits, and in what is scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spanfit.backends.base import Backend
from spanfit.batching import Batch
from spanfit.calibration import CALIBRATORS, Fit
from spanfit.data.checking import Checked
from spanfit.errors import ModelError
from spanfit.evaluation import predict_all, score_predictions
from spanfit.metrics import AnyScores
from spanfit.prediction import Predictor
from spanfit.progress import Progress
from spanfit.settings import Calibration

MAX_DIFFERENCE = 1e-4
SPANS = "F1 of spans"
"""Of answerable questions, whatever the threshold."""

MAX_LOSS = 0.5
"""Points of F1 that 8 bits may cost before its user is warned."""


@dataclass(frozen=True, slots=True)
class Parity:
    """The largest difference between two networks' logits at the tokens of some windows.

    `difference` is relative to `scale`, the largest logit of torch's, where that is above 1: a sum
    of numbers of that size is rounded in proportion to it. `longest`: tokens of the longest window.
    """

    difference: float
    scale: float
    n_windows: int
    longest: int

    def require_small(self, *, source: str) -> None:
        """Refuse a network that is another one than torch's.

        Raises:
            ModelError: it differs by more than rounding does.
        """
        if not self.difference <= MAX_DIFFERENCE:  # NaN too
            raise ModelError(
                "the exported network does not compute what torch does, and is not kept",
                where=source,
                expected=f"logits within {MAX_DIFFERENCE:g} of torch's, of the largest of them",
                found=f"{self.difference:.2g} at the worst token of {self.n_windows:,} windows",
                fix="--backend torch; another version of torch or transformers may export it right",
            )


def measure_parity(torch: Backend, exported: Backend, batches: Sequence[Batch]) -> Parity:
    """Compare the logits of two backends, at all tokens that are not padding."""
    differences, sizes = [0.0], [1.0]
    for batch in batches:
        wanted, found = (_to_array(backend.logits(batch)) for backend in (torch, exported))
        is_token = batch.attention_mask > 0
        differences.append(float(np.abs(wanted - found)[is_token].max()))
        sizes.append(float(np.abs(wanted)[is_token].max()))
    scale = float(np.max(sizes))  # of NumPy, where NaN is the largest
    return Parity(
        difference=float(np.max(differences)) / scale,
        scale=scale,
        n_windows=sum(len(batch.rows) for batch in batches),
        longest=max(batch.input_ids.shape[1] for batch in batches),
    )


def _to_array(logits: Any) -> np.ndarray[Any, np.dtype[np.float32]]:  # noqa: ANN401
    return logits if isinstance(logits, np.ndarray) else logits.detach().cpu().numpy()


@dataclass(frozen=True, slots=True)
class Side:
    """What one network says of some examples: scored at the calibration that these give it.

    `undecided` is the score without a threshold, where there is one: of the spans alone. A network
    that finds no span any more still scores well by saying "no answer" to everything.
    """

    scores: AnyScores
    undecided: AnyScores | None
    fit: Fit

    @property
    def figures(self) -> dict[str, float]:
        """The figures that matter most by short names, 0 to 100."""
        spans = None if self.undecided is None else self.undecided.figures.get("HasAns_f1")
        return self.scores.headline | ({} if spans is None else {SPANS: spans})


@dataclass(frozen=True, slots=True)
class Loss:
    """What a network of 8 bits costs: what torch says of some examples, and what it says.

    Each decides at a calibration of its own, so that the two differ in the network alone.
    """

    torch: Side
    exported: Side

    @property
    def metric(self) -> str:
        """The metric of both scores."""
        return self.torch.scores.signature.metric

    @property
    def figures(self) -> dict[str, tuple[float, float]]:
        """Those of torch and of the exported network."""
        after = self.exported.figures
        return {name: (value, after[name]) for name, value in self.torch.figures.items()}

    @property
    def f1(self) -> float:
        """Points of F1 that are lost, of the score or of the spans alone, whichever is more."""
        lost = [self.torch.scores.f1 - self.exported.scores.f1]
        if SPANS in self.figures:
            before, after = self.figures[SPANS]
            lost.append(before - after)
        return max(lost)

    @property
    def is_large(self) -> bool:
        """Whether its user should think about it."""
        return self.f1 > MAX_LOSS


def score_side(
    checked: Checked,
    predictor: Predictor,
    *,
    before: Calibration,
    is_threshold_fixed: bool,
    metric: str | None,
    progress: Progress,
) -> Side:
    """Score examples, whose gold is checked, by one network, at what they fit to it.

    `before` is the calibration where nothing can be fitted, or may be.

    Raises:
        ModelError: logits hold NaN or infinity.
        RecipeError: an unknown metric.
    """
    examples, calibrator = checked.examples, CALIBRATORS[predictor.task.name]
    predictions = predict_all(examples, predictor, title=predictor.backend.name, progress=progress)
    fit = calibrator.fit(
        examples,
        predictions,
        before=before,
        is_threshold_fixed=is_threshold_fixed,
        metric=metric,
    )

    def score_at(calibration: Calibration) -> AnyScores:
        decided = calibrator.decide(predictions, calibration)
        found = score_predictions(
            examples, decided, metric=metric, selected_on="validation", reading=checked.reading
        )
        return found.scores

    has_threshold = calibrator.can_refit and fit.calibration.threshold is not None
    always = fit.calibration.model_copy(update={"threshold": None})
    return Side(
        scores=score_at(fit.calibration),
        undecided=score_at(always) if has_threshold else None,
        fit=fit,
    )
