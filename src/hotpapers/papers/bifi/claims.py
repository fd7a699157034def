"""The claims: each function measures the method and its baseline at equal budget, for every seed of the run."""

import hashlib
import statistics
import time
from typing import Any

import torch

from hotpapers.cards import Scale
from hotpapers.claims.measurement import Measurement
from hotpapers.papers.bifi.critics import critic
from hotpapers.papers.bifi.decoding import write
from hotpapers.papers.bifi.edits import State, trace
from hotpapers.papers.bifi.experiment import (
    SETTINGS,
    Trained,
    first_verified,
    message_divergence,
    percent,
    read_data,
    same_fix,
    trained,
)
from hotpapers.papers.bifi.judging import Judge
from hotpapers.papers.bifi.learning import Schedule, learn_sequences
from hotpapers.papers.bifi.mending import mend, model_ranking
from hotpapers.papers.bifi.model import Transformer
from hotpapers.papers.bifi.players import PRESETS
from hotpapers.papers.bifi.rules import balance, drawn, one_token_fixes
from hotpapers.papers.bifi.shelf import shipped
from hotpapers.papers.bifi.tokens import same_code
from hotpapers.run import Run

SEARCHED = {"smoke": 2, "laptop": 250, "paper": 1000}
"""Test snippets that the exhaustive search is run on; each takes some 3,000 verdicts."""


def parameters(scale: Scale, run: Run) -> Measurement:
    """Count the parameters of the paper's Transformer with 10,000 types, and of its layers."""
    with torch.device("meta"):  # to be counted it needs no values
        model = Transformer([f"t{n}" for n in range(10_000)])
    sizes = {"all": _size(model), "encoder layer": _size(model.encoder[0]), "decoder layer": _size(model.decoder[0])}
    return Measurement(values={seed: float(sizes["all"]) for seed in run.seeds}, extras={"parameters": sizes})


def bifi_beats_round_zero(scale: Scale, run: Run) -> Measurement:
    """Measure BIFI against the fixer of round 0."""
    return _against(scale, run, "bifi", "round 0")


def longer_training_does_not_help(scale: Scale, run: Run) -> Measurement:
    """Measure BIFI against round 0 that is trained on synthetic errors for as many more steps."""
    return _against(scale, run, "bifi", "longer")


def breaker_helps(scale: Scale, run: Run) -> Measurement:
    """Measure BIFI against FixerOnly, with the same steps of the fixer."""
    return _against(scale, run, "bifi", "fixer-only")


def critic_matters(scale: Scale, run: Run) -> Measurement:
    """Measure BIFI against the same without the critic."""
    return _against(scale, run, "bifi", "back-translation")


def real_errors_matter_even_few(scale: Scale, run: Run) -> Measurement:
    """Measure FixerOnly with a tenth of the broken snippets against round 0."""
    return _against(scale, run, "fixer-only, a tenth", "round 0")


def breaker_helps_most_when_scarce(scale: Scale, run: Run) -> Measurement:
    """Measure by how much BIFI's lead over FixerOnly grows when a tenth of the broken snippets is left."""
    method, baseline = {}, {}
    for seed in run.seeds:
        arms = trained(scale, run, seed).arms
        method[seed] = arms["bifi, a tenth"].accuracy - arms["fixer-only, a tenth"].accuracy
        baseline[seed] = arms["bifi"].accuracy - arms["fixer-only"].accuracy
    return Measurement(values={seed: method[seed] - baseline[seed] for seed in run.seeds}, method=method,
                       baseline=baseline, unit="points", extras=_table(scale, run))  # fmt: skip


def breaker_is_realistic(scale: Scale, run: Run) -> Measurement:
    """Measure how far the critic's messages on synthetic and on the breaker's errors are from those on real ones."""
    method, baseline = {}, {}
    for seed in run.seeds:
        t = trained(scale, run, seed)
        real = [source for source, _ in t.data.test]
        method[seed] = message_divergence(real, [pair.bad for pair in t.breaks], t.game.judge)
        baseline[seed] = message_divergence(real, [pair.bad for pair in t.synthetic], t.game.judge)
    return Measurement(values={seed: baseline[seed] / method[seed] for seed in run.seeds}, method=method,
                       baseline=baseline, unit="nats")  # fmt: skip


def ranking_beats_exhaustive_search(scale: Scale, run: Run) -> Measurement:
    """Measure exact matches of the first verified fix against a random one of all one-token fixes, same snippets."""
    method, baseline, extras = {}, {}, {}
    for seed in run.seeds:
        t = trained(scale, run, seed)
        chosen = _some(t, SEARCHED[scale])
        ranked = first_verified(t.arms["bifi"].fixer, chosen, t.game.judge)
        fixes = _searched(scale, chosen, t.game.judge)
        picked = [drawn(some, seed + n) for n, some in enumerate(fixes)]
        method[seed], baseline[seed] = _exact(ranked, chosen, t.game.judge), _exact(picked, chosen, t.game.judge)
        extras[str(seed)] = {
            "repaired by ranking": percent([state is not None for state in ranked]),
            "repaired by search": percent([bool(some) for some in fixes]),
            "among all one-token fixes": percent([
                any(same_fix(state, r.broken, r.fixed, t.game.judge) for state in some)
                for some, (_, r) in zip(fixes, chosen.test, strict=True)]),
        }  # fmt: skip
    return Measurement(values={seed: method[seed] / max(baseline[seed], 0.1) for seed in run.seeds}, method=method,
                       baseline=baseline, unit="% exact", extras=extras)  # fmt: skip


def ranking_beats_seq2seq(scale: Scale, run: Run) -> Measurement:
    """Measure our form against a small Transformer, both trained on round 0's pairs for equal CPU seconds."""
    method, baseline, extras = {}, {}, {}
    for seed in run.seeds:
        t = trained(scale, run, seed)
        chosen = _some(t, SEARCHED[scale])
        model, steps = _seq2seq(scale, t, run, seed)
        sources = [source for source, _ in chosen.test]
        found = write(model, [source.ids for source in sources], beam=5, n=5)
        states = [
            next((state for ids, _ in some if (state := trace(source.ids, ids)).ids and state.ids != source.ids
                  and t.game.judge(state).ok), None)
            for source, some in zip(sources, found, strict=True)
        ]  # fmt: skip
        ranked = first_verified(t.arms["round 0"].fixer, chosen, t.game.judge)
        method[seed], baseline[seed] = _exact(ranked, chosen, t.game.judge), _exact(states, chosen, t.game.judge)
        extras[str(seed)] = {"CPU seconds of each": t.seconds, "steps of the Transformer": steps,
                             "repaired by the Transformer": percent([s is not None for s in states])}  # fmt: skip
    return Measurement(values={seed: method[seed] - baseline[seed] for seed in run.seeds}, method=method,
                       baseline=baseline, unit="% exact", extras=extras)  # fmt: skip


def shipped_model_fixes_real_code(scale: Scale, run: Run) -> Measurement:
    """Measure the shipped model's first verified fix on the test snippets; the baseline balances brackets by rule."""
    model = shipped("fixer")
    judge = Judge(critic("python"), model.vocabulary)
    data = read_data(scale, judge, SETTINGS[scale].longest)
    fixes = [mend(repair.broken, judge.critic, model_ranking(model), model.vocabulary) for _, repair in data.test]
    balanced = [trace(source.ids, balance(source, model.vocabulary)) for source, _ in data.test]
    exact = [bool(some) and same_code(some[0].code, r.fixed) for some, (_, r) in zip(fixes, data.test, strict=True)]
    errors = [judge.snippet(source).verdict.error_class for source, _ in data.test]
    classes = {name: percent([hit for hit, error in zip(exact, errors, strict=True) if error == name])
               for name in sorted(set(errors))}  # fmt: skip
    found = percent(exact)
    return Measurement(
        values=dict.fromkeys(run.seeds, found), method=dict.fromkeys(run.seeds, found),
        baseline=dict.fromkeys(run.seeds, _exact(list(balanced), data, judge)), unit="% exact",
        extras={"snippets": len(data.test), "exact by class": classes,
                "repaired": percent([bool(some) for some in fixes]),
                "repaired by balancing brackets": percent([judge(state).ok for state in balanced])},
    )  # fmt: skip


def fixes_at_once(scale: Scale, run: Run) -> Measurement:
    """Time ``mend`` with the shipped model on broken snippets of 60 to 100 tokens, in CPU milliseconds."""
    model = shipped("fixer")
    judge = Judge(critic("python"), model.vocabulary)
    long = [r.broken for s, r in read_data(scale, judge, 100).test if 60 <= len(s.ids) <= 100 or scale == "smoke"]
    values, extras = {}, {}
    for seed in run.seeds:
        chosen = sorted(long, key=lambda code: hashlib.sha256(f"{seed} {code}".encode()).digest())[:40]
        times = []
        for code in chosen[: 3 if scale == "smoke" else 40]:
            begun = time.process_time()
            mend(code, judge.critic, model_ranking(model), model.vocabulary)
            times.append(1000 * (time.process_time() - begun))
        values[seed] = statistics.median(times)
        extras[str(seed)] = {"slowest": max(times), "snippets": len(times)}
    return Measurement(values=values, method=values, unit="CPU ms", extras=extras)


def _against(scale: Scale, run: Run, name: str, other: str) -> Measurement:
    method = {seed: trained(scale, run, seed).arms[name].accuracy for seed in run.seeds}
    baseline = {seed: trained(scale, run, seed).arms[other].accuracy for seed in run.seeds}
    return Measurement(values={seed: method[seed] - baseline[seed] for seed in run.seeds}, method=method,
                       baseline=baseline, unit="% repaired", extras=_table(scale, run))  # fmt: skip


def _table(scale: Scale, run: Run) -> dict[str, Any]:
    """Return what every arm and the rules repair, for each seed."""
    table: dict[str, Any] = {}
    for seed in run.seeds:
        t = trained(scale, run, seed)
        table[str(seed)] = {
            name: {"repaired": arm.accuracy, "exact": arm.exact, **arm.classes} for name, arm in t.arms.items()
        }
        balanced = [State(balance(s, t.game.judge.vocabulary), ()) for s, _ in t.data.test]
        table[str(seed)]["bracket balancer"] = {"repaired": percent([t.game.judge(state).ok for state in balanced])}
        chosen = _some(t, SEARCHED[scale])
        fixes = _searched(scale, chosen, t.game.judge)
        picked = [drawn(some, seed + n) for n, some in enumerate(fixes)]
        table[str(seed)]["exhaustive search"] = {
            "snippets": len(fixes),
            "repaired": percent([bool(some) for some in fixes]),
            "exact": _exact(picked, chosen, t.game.judge),
        }
    return {"arms": table, "good, bad, test": [len(t.data.good), len(t.data.bad), len(t.data.test)]}


_searches: dict[Scale, list[list[State]]] = {}


def _searched(scale: Scale, chosen: Any, judge: Judge) -> list[list[State]]:
    """Return all one-token fixes of the chosen snippets, which are the same for every seed."""
    if scale not in _searches:
        _searches[scale] = [one_token_fixes(source, Judge(judge.critic, judge.vocabulary)) for source, _ in chosen.test]
    return _searches[scale]


def _some(t: Trained, count: int) -> Any:
    order = sorted(t.data.test, key=lambda pair: hashlib.sha256(pair[1].broken.encode()).digest())
    return t.data._replace(test=order[:count])


def _exact(states: list[State | None], data: Any, judge: Judge) -> float:
    return percent([same_fix(state, r.broken, r.fixed, judge) for state, (_, r) in zip(states, data.test, strict=True)])


def _seq2seq(scale: Scale, t: Trained, run: Run, seed: int) -> tuple[Transformer, int]:
    """Train the paper's kind of model, small, on round 0's pairs for as long as round 0's fixer took."""
    v, small = t.game.judge.vocabulary, PRESETS["seq2seq"]
    model = Transformer(v.types, v.language, v.form, width=small.width, hidden=4 * small.width, layers=small.layers,
                        dropout=0.0, attention_dropout=0.0, relu_dropout=0.0)  # fmt: skip
    tried, batch = 2 if scale == "smoke" else 10, SETTINGS[scale].batch
    with run.inner(seed) as inner:
        begun = time.process_time()
        model = learn_sequences(model, t.synthetic, True, Schedule(tried, batch, small.rate), inner, "trial", seed)
        each = (time.process_time() - begun) / tried
        steps = tried if scale == "smoke" else max(tried, round(t.seconds / each))
        return learn_sequences(model, t.synthetic, True, Schedule(steps, batch, small.rate), inner, "all", seed), steps


def _size(module: Any) -> int:
    return sum(each.numel() for each in module.parameters())
