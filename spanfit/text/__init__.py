"""What metrics and segmentation do to text, language by language."""

from __future__ import annotations

from spanfit.text.normalisation import normalise_english

__all__ = ["normalise_english"]
