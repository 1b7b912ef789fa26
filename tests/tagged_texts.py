"""Tagged texts for tests, and the way from them to windows."""

from __future__ import annotations

from functools import cache

import numpy as np
from hypothesis import strategies as st
from toy_tokenizers import load as load_afresh

from spanfit.data.checking import check_examples
from spanfit.data.joiner import characters_of, join_words
from spanfit.recipe import make_recipe
from spanfit.tagged import TaggedExample
from spanfit.tags import Chunk, find_scheme, write_tags
from spanfit.tasks import TaggingTask
from spanfit.windows import WindowSettings, make_windows

TASK = TaggingTask()
load = cache(load_afresh)

WORDS = (
    *("Ada", "the", "lamp", "Pellan", "Head", "Wonderfully", "warm", "U.S.", "don't", "3,000"),
    *("東京", "東京都の", "각", "İzmir", "Łódź", "👩‍🚀", "e\u0301", "ﬁn", "?!", "[SEP]"),
    *("\u200b", "\x00", "\u00ad", "\ufeff", "\u3000", " "),
)
"""Words that tokenizers cut, join, drop or change."""


def tagged(units, tags=None, *, id="t", joiner=" ", document="") -> TaggedExample:
    """A text of words, or, where `units` is a string, of its characters; tags may be one string."""
    tags = tags.split() if isinstance(tags, str) else tags
    text, (starts, ends) = join_words(units, joiner)
    if isinstance(units, str):
        text, (starts, ends) = units, characters_of(units)
    tags = None if tags is None else tuple(tags)
    return TaggedExample(id, text, starts=starts, ends=ends, tags=tags, document=document)


def settle(examples, *, max_length=256, overlap=64, **task):
    """The settings of a model that learns these."""
    content = {
        "task": {"name": "tagging", **task},
        "windows": {"max_length": max_length, "overlap": overlap},
    }
    checked = check_examples(examples, name="")
    return TASK.settle(checked.examples, make_recipe(content), scheme=checked.scheme)


def window(examples, tokenizer, settings):
    """The arranged examples, and their windows."""
    arranged = list(TASK.arrange(examples, tokenizer, settings))
    shape = WindowSettings(settings.windows.max_length, settings.windows.overlap)
    return arranged, make_windows([TASK.texts(one) for one in arranged], tokenizer, shape)


@st.composite
def chunkings(draw, n_units, *, labels=("x", "y")):
    """Chunks over so many units, in order and apart."""
    found, end = [], 0
    while end < n_units:
        start = end + draw(st.integers(0, 2))
        end = start + draw(st.integers(1, 3))
        if end <= n_units:
            found.append(Chunk(draw(st.sampled_from(labels)), start, end))
    return found


@st.composite
def texts(draw, scheme: str, *, by_character=False, max_words=12):
    """A text with valid gold tags of a scheme: words, or characters of words without a space."""
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=max_words))
    units = "".join(word + draw(st.sampled_from(["", " "])) for word in words)
    units = units if by_character else words
    if scheme == "plain":
        tags = [draw(st.sampled_from(["N", "V", "O"])) for _ in units]
    else:
        tags = write_tags(draw(chunkings(len(units))), len(units), find_scheme(scheme))
    return tagged(units, tags)


def one_hot(targets, windows, n_tags, *, value=9.0):
    """The logits of a model that says every target right, as a batch of all windows has them."""
    from spanfit.batching import join

    batch = join(windows, np.arange(len(windows)))
    logits = np.zeros((*batch.input_ids.shape, n_tags), np.float32)
    row = np.repeat(np.arange(len(windows)), np.diff(targets.splits))
    logits[row, batch.sliced_start[row] + targets.position, targets.tag] = value
    return logits, batch
