"""Decoding with the Transformer: beam search with a cache of keys and values."""

from collections.abc import Sequence

import torch
from torch import Tensor

from hotpapers.papers.bifi.learning import pad
from hotpapers.papers.bifi.model import END, PAD, START, Transformer

LONGER = 50
Cache = list[tuple[Tensor, Tensor]]


@torch.no_grad()
def write(
    model: Transformer,
    sources: Sequence[Sequence[int]],
    *,
    beam: int = 10,
    n: int = 10,
    batch: int = 16,
    cached: bool = True,
    longer: int = LONGER,
) -> list[list[tuple[tuple[int, ...], float]]]:
    """Return the ``n`` best hypotheses for each source, with their mean log-probability a token, best first.

    Parameters
    ----------
    beam
        Hypotheses that are kept; 1 is greedy.
    cached
        Keep keys and values of what was written; without, all of it is computed again for each token.
    longer
        The longest hypothesis has this many tokens more than its source; the paper's is 50.
    """
    model.eval()
    order = sorted(range(len(sources)), key=lambda number: len(sources[number]))
    found: list[list[tuple[tuple[int, ...], float]]] = [[] for _ in sources]
    for begin in range(0, len(order), batch):
        chosen = order[begin : begin + batch]
        for number, hypotheses in zip(
            chosen, _write([sources[k] for k in chosen], model, beam, cached, longer), strict=True
        ):
            found[number] = hypotheses[:n]
    return found


def _write(
    sources: Sequence[Sequence[int]], model: Transformer, beam: int, cached: bool, longer: int
) -> list[list[tuple[tuple[int, ...], float]]]:
    device = model.embedding.weight.device
    memory, there = model.encode(pad([[*ids, END] for ids in sources]).to(device))
    count = len(sources)
    spread = torch.arange(count, device=device).repeat_interleave(beam)
    keys = [(k[spread], v[spread]) for k, v in model.sources(memory)]
    there = there[spread]
    written = torch.full((count * beam, 1), START, device=device)
    scores = torch.full((count, beam), -torch.inf, device=device)
    scores[:, 0] = 0.0  # all beams are the same at first
    done: list[list[tuple[tuple[int, ...], float]]] = [[] for _ in sources]
    limits = [len(ids) + longer for ids in sources]
    past: Cache | None = None
    for step in range(max(limits) + 2):
        logits, kept = model.decode(written[:, -1:] if past else written, keys, there, past)
        past = kept if cached else None
        logps = logits[:, -1].log_softmax(-1).view(count, beam, -1)
        logps[..., PAD] = logps[..., START] = -torch.inf
        full = torch.tensor([step >= limit for limit in limits], device=device)
        logps[full, :, :END] = logps[full, :, END + 1 :] = -torch.inf  # at the limit all there is to write is the end
        types = logps.shape[-1]
        best, flat = (scores[..., None] + logps).flatten(1).topk(2 * beam)
        rows, tokens = flat // types, flat % types
        keep = _advance(done, written, best, rows, tokens, step, limits, beam)
        if keep is None:
            break
        origin = (torch.arange(count, device=device)[:, None] * beam + keep[0]).flatten()
        written = torch.cat([written[origin], keep[1].flatten()[:, None]], 1)
        scores = keep[2]
        if past is not None:
            past = [(k[origin], v[origin]) for k, v in past]
    return [sorted(each, key=lambda pair: -pair[1])[:beam] for each in done]


def _advance(
    done: list[list[tuple[tuple[int, ...], float]]], written: Tensor, best: Tensor, rows: Tensor, tokens: Tensor,
    step: int, limits: list[int], beam: int,
) -> tuple[Tensor, Tensor, Tensor] | None:  # fmt: skip
    """Put aside what has ended; return rows, tokens and scores of what goes on, or ``None`` when nothing does."""
    ended = (tokens == END) & best.isfinite()
    for number, place in ended.nonzero().tolist():
        if place < beam and len(done[number]) < beam:
            history = written[number * beam + int(rows[number, place]), 1:].tolist()
            done[number].append((tuple(history), float(best[number, place]) / (step + 1)))
    closed = torch.tensor([len(each) >= beam or step > limit for each, limit in zip(done, limits, strict=True)])
    if bool(closed.all()):
        return None
    ranked = best.masked_fill(ended, -torch.inf)
    ranked[closed.to(best.device)] = -torch.inf
    scores, places = ranked.topk(beam)
    # A row of which nothing goes on is carried along on padding.
    return rows.gather(1, places), tokens.gather(1, places), scores
