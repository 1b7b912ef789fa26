"""SpanFit: fine-tune encoders that point at text, and trust every number and every offset.

    examples = spanfit.read("dev-v2.0.json")
    run = spanfit.train("recipe.toml")
    model = spanfit.load("runs/qa-001")
    model.ask("Who leads?", context).answer

Names are imported when they are first used, so that `import spanfit` is quick and needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from spanfit.version import VERSION

if TYPE_CHECKING:
    from spanfit.data import read
    from spanfit.doctor import check
    from spanfit.exports.making import export
    from spanfit.loading import load
    from spanfit.metrics import compare, score
    from spanfit.pipelines import pipeline
    from spanfit.recalibration import refit
    from spanfit.seeds import train_seeds
    from spanfit.training import train
    from spanfit.upload import push

__version__ = VERSION

__all__ = [
    "__version__",
    "check",
    "compare",
    "export",
    "load",
    "pipeline",
    "push",
    "read",
    "refit",
    "score",
    "train",
    "train_seeds",
]

_HOMES = {
    "check": "spanfit.doctor",
    "compare": "spanfit.metrics",
    "export": "spanfit.exports.making",
    "load": "spanfit.loading",
    "pipeline": "spanfit.pipelines",
    "push": "spanfit.upload",
    "read": "spanfit.data",
    "refit": "spanfit.recalibration",
    "score": "spanfit.metrics",
    "train": "spanfit.training",
    "train_seeds": "spanfit.seeds",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 (PEP 562: names of this module, loaded late)
    if name not in _HOMES:
        raise AttributeError(f"module 'spanfit' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
