"""The k best answer spans where the logits are: the torch twin of `spanfit.decode.spans`.

The same search with the same results, ties included, on the device of the logits; only the spans
that it finds come back to NumPy. It imports torch, so nothing but a torch backend imports it.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from spanfit.batching import Batch, answer_tokens
from spanfit.decode.merging import WindowCandidates, to_candidates
from spanfit.decode.spans import BestSpans, broken_logits, check_request, fill_up
from spanfit.transfers import to_device
from spanfit.windows import Windows


def decode_batch(
    logits: Tensor, batch: Batch, windows: Windows, *, k: int, max_answer_tokens: int
) -> WindowCandidates:
    """The candidates of a batch from its logits (B, T, 2) on a device: start, end.

    Raises:
        ModelError: logits are NaN or +inf.
    """
    allowed = to_device(answer_tokens(windows, batch), logits.device)
    null_position = to_device(batch.null_position, logits.device).long()
    row = torch.arange(len(logits), device=logits.device)
    null_score = logits.detach()[row, null_position].float().sum(dim=1).cpu().numpy()
    start, end = logits.unbind(dim=2)
    best = best_spans(start, end, allowed, k=k, max_answer_tokens=max_answer_tokens)
    return to_candidates(best, null_score, batch=batch, windows=windows)


def best_spans(
    start: Tensor, end: Tensor, allowed: Tensor, *, k: int, max_answer_tokens: int
) -> BestSpans:
    """The k best spans of each window; see `spanfit.decode.spans.best_spans`.

    `start` and `end` (B, T) are logits of any floating type, summed in float32; `allowed` (B, T) is
    bool; all on one device. The result holds NumPy arrays.

    Raises:
        ModelError: a logit at an allowed token is NaN or +inf, or the sum of two is.
    """
    shapes = (tuple(tensor.shape) for tensor in (start, end, allowed))
    check_request(*shapes, k=k, limit=max_answer_tokens)
    length = start.shape[1]
    limit = min(max_answer_tokens, length)
    lowest = float("-inf")
    starts = start.detach().float().masked_fill(~allowed, lowest)
    ends = end.detach().float().masked_fill(~allowed, lowest)
    if start.numel() == 0:
        return _to_numpy(starts[:, :0], *torch.empty(2, len(start), 0, dtype=torch.int32), k=k)

    # (B, T, limit): the end logits that each token can reach; a view, never copied as a whole.
    reachable = functional.pad(ends, (0, limit - 1), value=lowest).unfold(1, limit, 1)
    reach = starts + reachable.amax(dim=2)
    if not bool((reach < torch.inf).all()):  # NaN is not either
        raise broken_logits()
    firsts = _best_columns(reach, min(k, length)).sort(dim=1).values
    row = torch.arange(len(start), device=start.device)[:, None]
    sums = (reachable[row, firsts] + starts[row, firsts][:, :, None]).flatten(1)

    columns = _best_columns(sums, min(k, sums.shape[1]))
    first = firsts.gather(1, columns // limit)
    return _to_numpy(sums.gather(1, columns), first, first + columns % limit, k=k)


def _best_columns(values: Tensor, k: int) -> Tensor:
    """The columns of the k largest values of each row, best first, ties to the earlier: (B, k)."""
    # topk promises nothing about ties, a stable sort does. Adding 0 makes -0.0 and 0.0 one zero,
    # which a radix sort by bits would tell apart.
    return torch.sort(values + 0.0, dim=1, descending=True, stable=True).indices[:, :k]


def _to_numpy(score: Tensor, first: Tensor, last: Tensor, *, k: int) -> BestSpans:
    arrays = (tensor.cpu().numpy() for tensor in (score, first, last))
    return fill_up(*arrays, k=k)
