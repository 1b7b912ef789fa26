"""What a score came from, and what two scores must share before they may be compared."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from spanfit.errors import DataError
from spanfit.types import SelectedOn


@dataclass(frozen=True, slots=True)
class Signature:
    """What two scores must share before they may be compared.

    `normalisation` and `language` say how texts were compared, `selected_on` which data chose the
    model or its threshold ("none": nothing known of it), `data_digest` the content of the gold,
    and `n` its examples. Of tagged texts `scheme` is that of the tags, `repair` what was done to
    gold that broke it ("none": nothing). What does not concern a task is empty.
    """

    metric: str
    normalisation: str
    language: str
    selected_on: SelectedOn
    data_digest: str
    n: int
    scheme: str = ""
    repair: str = ""

    def __str__(self) -> str:
        texts = f" · normalisation {self.normalisation}/{self.language}"
        tags = f" · scheme {self.scheme} · repair {self.repair}"
        return (
            self.metric
            + texts * bool(self.normalisation)
            + tags * bool(self.scheme)
            + f" · selected on {self.selected_on} · data {self.data_digest[:12]} · n {self.n:,}"
        )

    def differences(self, other: Signature) -> tuple[str, ...]:
        """The names of the fields that are not equal."""
        mine, theirs = asdict(self), asdict(other)
        return tuple(name for name in mine if mine[name] != theirs[name])


def require_same_signature(a: Signature, b: Signature) -> None:
    """Refuse to compare what is not comparable.

    Raises:
        DataError: the signatures differ; it names the fields.
    """
    if names := a.differences(b):
        raise DataError(
            f"these scores are not comparable: they differ in {', '.join(names)}",
            expected=", ".join(f"{name} {getattr(a, name)}" for name in names),
            found=", ".join(f"{name} {getattr(b, name)}" for name in names),
            fix="score both on the same data by the same metric",
        )
