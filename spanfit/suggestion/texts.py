"""What texts say about the recipe that suits them: script, lengths, number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spanfit.recipe import Recipe, WindowsSection

FEW_EXAMPLES, SOME_EXAMPLES = 2_000, 20_000
"""Below these a training takes more epochs, and a higher learning rate."""

TOKENS_PER_CHARACTER = 0.3
"""A cautious estimate for text with spaces; without spaces a character is a token."""

LATIN_MODEL, OTHER_MODEL = "bert-base-cased", "bert-base-multilingual-cased"


@dataclass(frozen=True)
class Suggestion:
    """A recipe, and why it is as it is."""

    recipe: Recipe
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Script:
    """How some texts are written: words set apart by spaces, letters of the Latin alphabet."""

    has_spaces: bool
    is_latin: bool

    @property
    def tokens_per_character(self) -> float:
        """A cautious estimate."""
        return TOKENS_PER_CHARACTER if self.has_spaces else 1.0

    @property
    def model(self) -> str:
        """A usual choice of an encoder."""
        return LATIN_MODEL if self.is_latin else OTHER_MODEL


def find_script(texts: Sequence[str]) -> Script:
    """The script of some texts, from a sample of them."""
    sample = "".join(text[:200] for text in texts[:: max(1, len(texts) // 100)])
    letters = [character for character in sample if character.isalpha()]
    return Script(
        has_spaces=sample.count(" ") > 0.08 * len(sample),
        is_latin=sum(character < "\u0250" for character in letters) > 0.9 * len(letters),
    )


def choose_course(n_examples: int) -> tuple[int, float]:
    """Epochs and learning rate."""
    if n_examples < FEW_EXAMPLES:
        return 5, 5e-5
    return (3, 3e-5) if n_examples < SOME_EXAMPLES else (2, 3e-5)


def choose_windows(
    lengths: Sequence[int], script: Script, *, otherwise: WindowsSection
) -> WindowsSection:
    """Windows that hold nearly every text (of these lengths in characters) whole, if short ones do.

    `otherwise` is what longer texts get.
    """
    tokens = quantile(lengths, share=0.99) * script.tokens_per_character
    for max_length in (128, 192, 256):
        if max_length < otherwise.max_length and tokens <= max_length - 8:
            return WindowsSection(max_length=max_length, overlap=max_length // 3)
    return otherwise


def quantile(values: Sequence[int], *, share: float) -> int:
    """The value that so large a share is not above."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]
