"""The compiler: any program becomes the weights of an encoder that computes it exactly.

Residual stream: each thing that a later sublayer reads has its own dimensions in it, written once.

Attention: a selector's queries and keys are merged into classes that it cannot tell apart; the score of two classes
is ``SHARPNESS`` where the selector chooses and 0 where not, and the sink's is half of that. Softmax then
spreads evenly over what is chosen, and falls to the sink, whose value is the aggregate's default, where nothing is.

Feed-forward: all that a layer works out at a position is a table over a few sources. Their values, weighted like the
digits of a number, become one number z, and a table over one number is a sum of steps; two rectifiers make a step. So
any function of a position takes one ordinary feed-forward, and the encoder has exactly the attention layers and heads
of the program's analysis. Only what joins token and index before the first attention needs a feed-forward before it.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from hotpapers.errors import BadInput
from hotpapers.papers.rasp.domains import INDEX, TOKEN, Domains, Table, choices, sources_of, unique
from hotpapers.papers.rasp.model import Attention, Encoder, FeedForward
from hotpapers.papers.rasp.sops import SOp
from hotpapers.papers.rasp.terms import Atom, Term, ancestors, operands

SHARPNESS = 80.0
STEEPNESS = 2.0
"""Values of z are at least 1 apart: a step rises over half of that, midway between two."""
LARGEST = float(1 << 22)
"""The range of z: beyond, double precision would blur values after a few layers."""
MOST_PAIRS = 4_000_000
REORDERED = 20_000


class Slots(NamedTuple):
    """Dimensions of the residual stream, from ``first`` on."""

    first: int
    size: int

    @property
    def all(self) -> slice:
        """All of them, to index with."""
        return slice(self.first, self.first + self.size)


class Feature(NamedTuple):
    """What is written into ``slots`` at depth ``depth``: a vector for each row of ``table``."""

    depth: int
    table: Table
    vectors: list[tuple[float, ...]]
    slots: Slots


class Head(NamedTuple):
    """One head: where it reads query and key, and value slot → aggregate slot, with the default for the sink."""

    query: Slots
    key: Slots
    moved: list[tuple[Slots, Slots, float]]


def compile_sop(sop: SOp, vocabulary: Sequence[Atom], max_length: int) -> Encoder:
    """Return an encoder, in double precision, that computes ``sop`` on every input from ``vocabulary``.

    Parameters
    ----------
    sop
        What to compute.
    vocabulary
        The elements that inputs are made of.
    max_length
        The longest input.

    Raises
    ------
    BadInput
        If the program fails on every input, or has more different values than can be told apart.
    """
    vocabulary = unique(vocabulary)
    if not vocabulary or max_length < 1:
        raise BadInput("An encoder needs a vocabulary of one element or more, and a length of 1 or more.")
    return _Compiler(sop, vocabulary, max_length).encoder()


class _Compiler:
    def __init__(self, sop: SOp, vocabulary: list[Atom], max_length: int) -> None:
        self.sop, self.vocabulary, self.max_length = sop, vocabulary, max_length
        self.domains = Domains(vocabulary, max_length)
        self.width = 0
        self.features: list[Feature] = []
        self.codes: dict[Term, tuple[Slots, dict[Any, float]]] = {}
        """Source → where it stands in the stream, and the number that stands there for each of its values."""
        for base in (TOKEN, INDEX):
            self.codes[base] = (self.room(1), {value: float(n) for n, value in enumerate(self.domains.of(base))})
        self.heads: list[dict[Term, Head]] = [{} for _ in range(sop.depth)]
        for each in ancestors([sop.term]):
            if each.kind == "aggregate":
                self.add_aggregate(each)
        self.outputs = self.domains.of(sop.term)
        self.answer = self.add_feature((sop.term,), _one_hot(len(self.outputs), self.outputs))

    def room(self, size: int) -> Slots:
        self.width += size
        return Slots(self.width - size, size)

    # What is in the stream

    def add_aggregate(self, aggregate: Term) -> None:
        """Give an aggregate its place, a head to fill it, and what that head reads."""
        selector, values = aggregate.parents
        domain = self.domains.of(aggregate)
        numbers = all(type(value) in (int, float, bool) for value in domain)
        code = {value: float(value) if numbers else float(n) for n, value in enumerate(domain)}
        self.codes[aggregate] = (self.room(1), code)
        read = self.add_feature((values,), lambda result: (_number(code, result[0]),))
        layer = self.heads[aggregate.depth - 1]
        if selector not in layer:
            layer[selector] = Head(*self.add_selector(selector), [])
        layer[selector].moved.append((read, self.codes[aggregate][0], code[aggregate.detail]))

    def add_selector(self, selector: Term) -> tuple[Slots, Slots]:
        """Return where a selector's query and key vectors stand; their product is 1 where it chooses, else 0."""
        query_terms, key_terms = operands(selector)
        queries = list(dict.fromkeys(self.domains.table(query_terms).results))
        keys = list(dict.fromkeys(self.domains.table(key_terms).results))
        if len(queries) * len(keys) > MOST_PAIRS:
            raise BadInput(
                f"A selector compares {len(queries):,} by {len(keys):,} values: compile it for shorter inputs or a "
                "smaller vocabulary."
            )
        joint = [
            {term: [value[n] for value in values] for n, term in enumerate(terms)}
            for terms, values in ((query_terms, queries), (key_terms, keys))
        ]
        chosen = choices(selector, joint[0], joint[1])
        if len(np.unique(chosen, axis=1).T) <= len(np.unique(chosen, axis=0)):  # one dimension a class of keys
            _, first, place = np.unique(chosen, axis=1, return_index=True, return_inverse=True)
            ask, offer = chosen[:, first].astype(float), np.eye(len(first))[place.ravel()]
        else:
            _, first, place = np.unique(chosen, axis=0, return_index=True, return_inverse=True)
            ask, offer = np.eye(len(first))[place.ravel()], chosen[first].T.astype(float)
        asked = dict(zip(queries, map(tuple, ask.tolist()), strict=True))
        offered = dict(zip(keys, map(tuple, offer.tolist()), strict=True))
        return self.add_feature(query_terms, asked.__getitem__), self.add_feature(key_terms, offered.__getitem__)

    def add_feature(self, terms: tuple[Term, ...], vector: Callable[[Any], tuple[float, ...]]) -> Slots:
        """Have ``vector`` of the values of ``terms`` written into the stream, and return where."""
        depth = max((each.depth for each in terms), default=0)
        for source in sources_of(terms):
            self.keep(source)
        table = self.domains.table(terms)
        vectors = [vector(result) for result in table.results]
        slots = self.room(len(vectors[0]))
        self.features.append(Feature(depth, table, vectors, slots))
        return slots

    def keep(self, source: Term) -> None:
        """Have the code of a source in the stream."""
        if source not in self.codes:
            domain = self.domains.of(source)
            code = {value: float(n) for n, value in enumerate(domain)}
            slots = self.add_feature((source,), lambda result: (_number(code, result[0]),))
            self.codes[source] = (slots, code)

    # Weights

    def encoder(self) -> Encoder:
        """Return the encoder with all weights set."""
        depth = self.sop.depth
        steps = [self._steps([f for f in self.features if f.depth == layer and not self._embedded(f)])
                 for layer in range(depth + 1)]  # fmt: skip
        before = bool(steps[0])
        widest = [max(head.query.size + 1, len(head.moved)) for layer in self.heads for head in layer.values()]
        with torch.device("cpu"):
            model = Encoder(
                vocabulary=self.vocabulary, outputs=self.outputs, width=self.width, order="f" * before + "af" * depth,
                heads=[len(layer) for layer in self.heads],
                hidden=[max(1, 2 * len(each)) for each in (steps if before else steps[1:])],
                max_length=self.max_length, head_width=max(widest, default=1), norm=False, sink=True,
                sop=self.sop.name,
            ).double()  # fmt: skip
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.zero_()
            model.positions.zero_()
            self._set_embeddings(model)
            forwards = [each for each in model.sublayers if isinstance(each, FeedForward)]
            attentions = [each for each in model.sublayers if isinstance(each, Attention)]
            for forward, found in zip(forwards, steps if before else steps[1:], strict=True):
                self._set_forward(forward, found)
            for attention, heads in zip(attentions, self.heads, strict=True):
                _set_attention(attention, list(heads.values()))
            model.answer.weight[:, self.answer.all] = torch.eye(len(self.outputs), dtype=torch.double)
        return model.eval()

    def _embedded(self, feature: Feature) -> bool:
        return feature.depth == 0 and len(feature.table.sources) <= 1

    def _set_embeddings(self, model: Encoder) -> None:
        for base, weights in ((TOKEN, model.tokens.weight[1:]), (INDEX, model.positions)):
            slots, code = self.codes[base]
            weights[:, slots.first] = torch.tensor(list(code.values()), dtype=torch.double)
            places = {value: n for n, value in enumerate(self.domains.of(base))}
            for feature in self.features:
                if self._embedded(feature) and feature.table.sources == (base,):
                    for (value,), vector in zip(feature.table.rows, feature.vectors, strict=True):
                        weights[places[value], feature.slots.all] = torch.tensor(vector, dtype=torch.double)
        for feature in self.features:
            if self._embedded(feature) and not feature.table.sources:  # the same everywhere
                model.positions[:, feature.slots.all] = torch.tensor(feature.vectors[0], dtype=torch.double)

    def _steps(self, features: list[Feature]) -> list["_Step"]:
        """Return the steps that make the features of one layer; those of the same sources share them."""
        found: list[_Step] = []
        for sources in dict.fromkeys(each.table.sources for each in features):
            together = [each for each in features if each.table.sources == sources]
            rows: dict[tuple[Any, ...], list[Any]] = {}
            for n, feature in enumerate(together):
                for row, vector in zip(feature.table.rows, feature.vectors, strict=True):
                    rows.setdefault(row, [None] * len(together))[n] = vector
            codes = [self.codes[each][1] for each in sources]
            digits = np.array([[_number(code, value) for code, value in zip(codes, row, strict=True)] for row in rows])
            orders = list(itertools.permutations(range(len(sources))))
            if len(rows) > REORDERED or len(sources) > 4:
                orders = orders[:1]
            vectors = list(rows.values())
            found += min((self._staircase(sources, order, digits, vectors, together) for order in orders), key=len)
        return found

    def _staircase(
        self,
        sources: tuple[Term, ...],
        order: tuple[int, ...],
        digits: np.ndarray,
        vectors: list[list[Any]],
        features: list[Feature],
    ) -> list["_Step"]:
        """Return the steps along z, whose least digit is the source that stands first in ``order``.

        ``digits`` has the number of each source in each row of the table, ``vectors`` what each feature is there.
        """
        weights = [0.0] * len(sources)
        span = 0.0
        for place in order:
            codes = sorted(self.codes[sources[place]][1].values())
            gap = min((b - a for a, b in itertools.pairwise(codes)), default=1.0)
            weights[place] = (span + 1) / gap
            span += weights[place] * (codes[-1] - codes[0])
        if span > LARGEST:
            raise BadInput(
                f"The program tells apart some {span:,.0f} values at one position, more than double precision keeps "
                "exact: compile it for shorter inputs or a smaller vocabulary."
            )
        along = digits @ np.array(weights)
        places = np.argsort(along, kind="stable")
        stations = zip(along[places].tolist(), places.tolist(), strict=True)
        reads = [(self.codes[source][0].first, weight) for source, weight in zip(sources, weights, strict=True)]
        before: list[Any] = [tuple([0.0] * each.slots.size) for each in features]
        steps: list[_Step] = []
        z_before = None
        for z, at in stations:
            changes = []
            for n, feature in enumerate(features):
                now = vectors[at][n]
                if now is not None and now != before[n]:
                    difference = [b - a for a, b in zip(before[n], now, strict=True)]
                    changes.append((feature.slots, difference))
                    before[n] = now
            if changes:
                steps.append(_Step(reads, None if z_before is None else (z + z_before) / 2, changes))
            z_before = z
        return steps

    def _set_forward(self, forward: FeedForward, steps: list["_Step"]) -> None:
        into, out = forward.parts
        for n, step in enumerate(steps):
            if step.at is None:  # what holds from the lowest z on
                for slots, difference in step.changes:
                    out.bias[slots.all] += torch.tensor(difference, dtype=torch.double)
                continue
            for unit, sign in ((2 * n, 1), (2 * n + 1, -1)):
                for source, weight in step.reads:
                    into.weight[unit, source] = STEEPNESS * weight
                into.bias[unit] = -STEEPNESS * step.at + sign / 2
                for slots, difference in step.changes:
                    out.weight[slots.all, unit] = sign * torch.tensor(difference, dtype=torch.double)


class _Step(NamedTuple):
    """At z beyond ``at``, ``changes`` are added; z is the weighted sum of what ``reads`` names."""

    reads: list[tuple[int, float]]
    at: float | None
    changes: list[tuple[Slots, list[float]]]


def _set_attention(attention: Attention, heads: list[Head]) -> None:
    e = attention.head_width
    assert attention.sink_key is not None
    assert attention.sink_value is not None
    for h, head in enumerate(heads):
        for n in range(head.query.size):
            attention.queries.weight[h * e + n, head.query.first + n] = SHARPNESS * e**0.5
            attention.keys.weight[h * e + n, head.key.first + n] = 1.0
        attention.queries.bias[h * e + head.query.size] = SHARPNESS * e**0.5
        attention.sink_key[h, head.query.size] = 0.5
        for n, (read, written, default) in enumerate(head.moved):
            attention.values.weight[h * e + n, read.first] = 1.0
            attention.sink_value[h, n] = default
            attention.out.weight[written.first, h * e + n] = 1.0


def _one_hot(size: int, values: list[Any]) -> Callable[[Any], tuple[float, ...]]:
    places = {value: float(n) for n, value in enumerate(values)}

    def vector(result: tuple[Any, ...]) -> tuple[float, ...]:
        return _unit(int(_number(places, result[0])), size)

    return vector


def _number(code: dict[Any, float], value: Any) -> float:
    """Return the number of a value; a float may differ from the one that is listed in its last digits."""
    if value in code:
        return code[value]
    return next(number for listed, number in code.items() if isinstance(listed, float) and abs(listed - value) < 1e-8)


def _unit(place: int, size: int) -> tuple[float, ...]:
    return tuple(float(n == place) for n in range(size))
