"""The claims, measured on the public trials. Smoke runs use made-up observers and prove only that the code works."""

import resource
import sys
import time

import numpy as np

from hotpapers.cards import Scale
from hotpapers.claims.measurement import Measurement
from hotpapers.papers.model_vs_human import experiment, intervals, sheets, speed
from hotpapers.papers.model_vs_human.categories import CLASSES
from hotpapers.papers.model_vs_human.metrics import (
    error_consistency,
    expected_consistency,
    kappa_standard_error,
    rough_standard_error,
)
from hotpapers.papers.model_vs_human.public import public_sheets
from hotpapers.papers.model_vs_human.published import PER_DATASET, PUBLISHED, RECOMPUTED, STYLISED
from hotpapers.papers.model_vs_human.replication import replication
from hotpapers.papers.model_vs_human.scoring import (
    HUMANS,
    METRICS,
    mean_over_datasets,
    pair_metrics,
    score_all,
    shape_decisions,
)
from hotpapers.papers.model_vs_human.sheets import Sheet
from hotpapers.papers.model_vs_human.simulate import simulate
from hotpapers.run import Run

SWAG = tuple(name for name in RECOMPUTED if name.startswith("swag"))


def trials_of_people(scale: Scale, run: Run) -> Measurement:
    """Count the trials of people, and among them those without an answer."""
    found = _sheets(scale)
    count = sum(int(sheet.shown[sheet.human].sum()) for sheet in found)
    silent = sum(int((sheet.answers[sheet.human] == sheets.NO_ANSWER).sum()) for sheet in found)
    people = sum(int(sheet.human.sum()) for sheet in found)
    return _exact(run, count, {"without answer": silent, "people": people})


def sixteen_categories(scale: Scale, run: Run) -> Measurement:
    """Count the classes that are in one category alone."""
    classes = [k for indices in CLASSES.values() for k in indices]
    return _exact(run, sum(classes.count(k) == 1 for k in classes), {name: len(CLASSES[name]) for name in CLASSES})


def human_accuracy(scale: Scale, run: Run) -> Measurement:
    """Pool people's trials of the conditions that count."""
    return _of_people(scale, run, 0)


def human_accuracy_difference(scale: Scale, run: Run) -> Measurement:
    """Square the difference of each two people in each condition."""
    return _of_people(scale, run, 1)


def human_observed_consistency(scale: Scale, run: Run) -> Measurement:
    """Count on how many images each two people are both right or both wrong."""
    return _of_people(scale, run, 2)


def human_error_consistency(scale: Scale, run: Run) -> Measurement:
    """Take κ of each two people in each condition."""
    return _of_people(scale, run, 3)


def published_rows(scale: Scale, run: Run) -> Measurement:
    """Hold three models' rows against the tables that the authors print."""
    return _against(scale, run, PUBLISHED)


def recomputed_rows(scale: Scale, run: Run) -> Measurement:
    """Hold nine models' rows against those of another program."""
    return _against(scale, run, RECOMPUTED)


def every_dataset(scale: Scale, run: Run) -> Measurement:
    """Hold people's and ResNet-50's accuracy and κ on each data set against those of another program."""
    scores = {(score.dataset, score.observer): score.values for score in score_all(_sheets(scale))}
    rows, worst = {}, 0.0
    for name, wanted in PER_DATASET.items():
        if (name, HUMANS) in scores:
            people, model = scores[name, HUMANS], scores[name, _resnet(scale)]
            rows[name] = [people[0], people[3], model[0], model[3]]
            worst = max(worst, *(abs(a - b) for a, b in zip(rows[name], wanted, strict=True)))
    return _exact(run, worst, {"people's accuracy and κ, ResNet-50's accuracy and κ": rows})


def people_see_shape(scale: Scale, run: Run) -> Measurement:
    """Count shape and texture decisions, all people pooled."""
    return _shape_of(scale, run, HUMANS)


def resnet_sees_texture(scale: Scale, run: Run) -> Measurement:
    """Count ResNet-50's shape and texture decisions."""
    return _shape_of(scale, run, _resnet(scale))


def stylised_training_gives_shape(scale: Scale, run: Run) -> Measurement:
    """Score the recorded trials of the three networks that were trained on stylised images."""
    bias = experiment.recorded_shape_bias(scale)
    worst = max(abs(bias[name] - wanted) for name, wanted in STYLISED.items()) if scale != "smoke" else 0.0
    return _exact(run, worst, {name: bias[name] for name in STYLISED if name in bias})


def machines_reach_human_accuracy(scale: Scale, run: Run) -> Measurement:
    """Hold the best model's accuracy against people's, for three resamplings of the images."""
    found, values, best_values, crowd = _sheets(scale), {}, {}, {}
    plain = mean_over_datasets(score_all(found))
    best = max((name for name in plain if name != HUMANS), key=lambda name: plain[name][0])
    lows = {}
    for seed in run.seeds:
        mean = intervals.mean_of(intervals.resample_all(found, _resamples(scale), seed))
        accuracy = mean.values[:, 0]
        ours, people = (accuracy[mean.observers.index(name)] for name in (best, HUMANS))
        low, high = intervals.interval(ours - people)
        best_values[seed], crowd[seed] = float(ours.mean()), float(people.mean())
        values[seed], lows[str(seed)] = best_values[seed] - crowd[seed], [float(low), float(high)]
    extras = {"best": best, "95 % interval of the difference": lows, "table": _table(plain)}
    return Measurement(values=values, method=best_values, baseline=crowd, unit="OOD accuracy", extras=extras)


def consistency_gap_remains(scale: Scale, run: Run) -> Measurement:
    """Divide the best model's κ to people by the κ between people, which is the ceiling."""
    plain = mean_over_datasets(score_all(_sheets(scale)))
    ceiling = plain[HUMANS][3]
    share = {name: row[3] / ceiling for name, row in plain.items() if name != HUMANS}
    return _exact(run, max(share.values()), {"share of the ceiling": share, "ceiling": ceiling})


def gap_on_most_datasets(scale: Scale, run: Run) -> Measurement:
    """Count the data sets on which ResNet-50's interval of κ to people lies wholly beside people's own."""
    found, values, ends = _sheets(scale), {}, {}
    for seed in run.seeds:
        apart = 0
        for sheet, each in zip(found, intervals.resample_all(found, _resamples(scale), seed), strict=True):
            low, high = intervals.interval(each.values[:, 3])
            model, people = each.observers.index(_resnet(scale)), each.observers.index(HUMANS)
            apart += bool(high[model] < low[people] or low[model] > high[people])
            ends[f"{sheet.dataset}, seed {seed}"] = [float(e[k]) for k in (model, people) for e in (low, high)]
        values[seed] = float(apart)
    return Measurement(values=values, extras={"intervals of κ: ResNet-50's, people's": ends})


def models_agree_with_models(scale: Scale, run: Run) -> Measurement:
    """Hold the κ of ResNet-50 and SimCLR against their κ to people, on the five sets without conditions."""
    rows, margins = {}, []
    for sheet in _sheets(scale):
        if sheet.dataset not in ("cue-conflict", "edge", "sketch", "silhouette", "stylized"):
            continue
        pair = [sheet.observers.index(name) for name in (_resnet(scale), _simclr(scale))]
        people = np.flatnonzero(sheet.human)
        together = float(pair_metrics(sheet, pair[:1], pair[1:])[2, 0, 0])
        to_people = pair_metrics(sheet, pair, people)[2].mean(axis=1)
        _, chance = intervals.permutation_test(sheet, _resnet(scale), _simclr(scale), seed=0)
        rows[sheet.dataset] = {"κ of the two": together, "κ to people": to_people.tolist(), "p of the two": chance}
        if sheet.dataset in ("cue-conflict", "edge"):
            margins.append(together - float(to_people.max()))
    return _exact(run, min(margins), {"data sets": rows})


def more_data_helps(scale: Scale, run: Run) -> Measurement:
    """Count in which of the three measures models with more training data are nearer to people than ResNet-50."""
    plain = mean_over_datasets(score_all(_sheets(scale)))
    base = plain[_resnet(scale)]
    larger = [name for name in plain if name in SWAG] or [n for n in plain if n not in (HUMANS, _resnet(scale))]
    wins = {
        name: [bool(plain[name][1] < base[1]), bool(plain[name][2] > base[2]), bool(plain[name][3] > base[3])]
        for name in larger
    }
    return _exact(run, float(np.mean(list(wins.values()))), {"nearer in difference, observed, κ": wins})


def recorded_networks_see_texture(scale: Scale, run: Run) -> Measurement:
    """Score the recorded trials of networks trained on ImageNet alone."""
    bias = experiment.recorded_shape_bias(scale)
    plain = {name: value for name, value in bias.items() if name not in STYLISED}
    return _exact(run, max(plain.values()), {"networks": len(plain), "shape bias": plain})


def small_networks_see_texture(scale: Scale, run: Run) -> Measurement:
    """Run four small networks on the images whose cues conflict, and on edges and silhouettes besides."""
    found = experiment.small_networks(scale, run)
    picture = experiment.plot_shape_bias(run.out / "shape-bias.png", found.bias)
    return Measurement(values=dict.fromkeys(run.seeds, max(found.bias.values())), extras=found.extras, files=[picture])


def distortion_lowers_accuracy(scale: Scale, run: Run) -> Measurement:
    """Run small networks on photographs under eight distortions, level by level."""
    found = {seed: experiment.network_curves(scale, run, seed) for seed in run.seeds}
    picture = experiment.plot_curves(
        run.out / "curves.png", next(iter(found.values())), experiment.people_curves(scale)
    )
    values = {seed: experiment.mean_rank_correlation(curves) for seed, curves in found.items()}
    return Measurement(
        values=values, extras={str(seed): curves for seed, curves in found.items()}, files=[picture],
    )  # fmt: skip


def people_fall_slower(scale: Scale, run: Run) -> Measurement:
    """Hold the networks' loss of accuracy under blur and noise against people's."""
    people = experiment.loss(experiment.people_curves(scale))
    method = {}
    for seed in run.seeds:
        found = experiment.network_curves(scale, run, seed, tuple(experiment.LOSSES))
        losses = [experiment.loss(curves) for curves in found.values()]
        method[seed] = float(np.mean(losses))
    return _losses(run, method, people)


def trained_network_falls_faster(scale: Scale, run: Run) -> Measurement:
    """Train a small network on eleven of the categories and hold its loss under blur and noise against people's."""
    people = experiment.loss(experiment.people_curves(scale))
    curves = {seed: experiment.trained_curves(scale, run, seed) for seed in run.seeds}
    method = {seed: experiment.loss(each, choices=11) for seed, each in curves.items()}
    measured = _losses(run, method, people)
    measured.extras |= {str(seed): each for seed, each in curves.items()}
    measured.files = [experiment.plot_curves(run.out / "curves.png", {"trained here": curves[run.seeds[0]]},
                                             experiment.people_curves(scale))]  # fmt: skip
    return measured


def people_replicate(scale: Scale, run: Run) -> Measurement:
    """Compare people of 2018 with people of 2021 on the images and levels that both saw, images resampled."""
    found = replication(scale)
    values, between, within = {}, {}, {}
    for seed in run.seeds:
        between[seed], within[seed] = found.resampled(np.random.default_rng(seed))
        values[seed] = between[seed] / within[seed]
    return Measurement(values=values, method=between, baseline=within, unit="κ", extras=found.extras)


def chance_is_zero(scale: Scale, run: Run) -> Measurement:
    """Draw pairs of independent observers and take the spread of their κ."""
    n, pairs, p1, p2 = 160, 4000, 0.8, 0.58
    formula = float(rough_standard_error(expected_consistency(p1, p2), n))
    fleiss = float(kappa_standard_error(p1, p2, n))
    values, spread, means = {}, {}, {}
    for seed in run.seeds:
        rng = np.random.default_rng(seed)
        a, b = rng.random((pairs, n)) < p1, rng.random((pairs, n)) < p2
        kappa = error_consistency(a.mean(1), b.mean(1), (a == b).mean(1))
        spread[seed], means[str(seed)] = float(kappa.std()), float(kappa.mean())
        values[seed] = spread[seed] / formula
    return Measurement(values=values, method=spread, baseline=dict.fromkeys(run.seeds, formula), unit="SD of κ",
                       extras={"mean κ": means, "p1": p1, "p2": p2, "Fleiss et al.": fleiss})  # fmt: skip


def distortions_keep_their_identities(scale: Scale, run: Run) -> Measurement:
    """Take the largest error over the distortions' identities, and draw the contact sheet."""
    errors = experiment.identity_errors(64 if scale == "smoke" else 224)
    drawn = run.out / "distortions.jpg"
    picture = experiment.draw_sheet(drawn, 48, ("contrast",)) if scale == "smoke" else experiment.draw_sheet(drawn, 160)
    return Measurement(
        values=dict.fromkeys(run.seeds, max(errors.values())), extras={"errors": errors}, files=[picture]
    )


def fifty_two_models_in_seconds(scale: Scale, run: Run) -> Measurement:
    """Time reading and scoring 52 models: the nine, and copies of them with some answers changed."""
    models = 9 if scale == "smoke" else 52
    kept = run.out / "sheets.npz"
    sheets.save(kept, speed.crowded(_sheets(scale), models))
    values = {}
    for seed in run.seeds:
        started = time.perf_counter()
        found = sheets.load(kept)
        scores = mean_over_datasets(score_all(found))
        values[seed] = time.perf_counter() - started
    size = {"bytes kept": kept.stat().st_size, "observers scored": len(scores), "models": models}
    unit = 1 if sys.platform == "darwin" else 1024
    size["peak memory, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit // 10**6
    return Measurement(values=values, extras=size)


def faster_than_the_authors(scale: Scale, run: Run) -> Measurement:
    """Time our scoring of the same files; the authors' time is what ``benchmarks/model_vs_human.py`` measured."""
    stored = speed.authors_seconds()
    method = {}
    with speed.as_files(run.out / "files", _sheets(scale), list(PUBLISHED) if scale != "smoke" else []) as folder:
        for seed in run.seeds:
            method[seed] = speed.our_seconds(folder)
    baseline = {seed: stored[seed % len(stored)] for seed in run.seeds}
    return Measurement(values={seed: baseline[seed] / method[seed] for seed in run.seeds}, method=method,
                       baseline=baseline, unit="CPU s", extras={"authors' seconds": stored})  # fmt: skip


def _sheets(scale: Scale) -> list[Sheet]:
    if scale != "smoke":
        return public_sheets()
    return sheets.sheets_of(simulate(("contrast", "low-pass", "uniform-noise", "edge", "cue-conflict"), images=160))


def _resnet(scale: Scale) -> str:
    return "convnet" if scale == "smoke" else "resnet50"


def _simclr(scale: Scale) -> str:
    return "self-supervised" if scale == "smoke" else "simclr_resnet50x1"


def _resamples(scale: Scale) -> int:
    return {"smoke": 50, "laptop": 2000, "paper": 10_000}[scale]


def _exact(run: Run, value: float, extras: dict[str, object]) -> Measurement:
    return Measurement(values=dict.fromkeys(run.seeds, float(value)), extras=extras)


def _of_people(scale: Scale, run: Run, metric: int) -> Measurement:
    scores = score_all(_sheets(scale))
    each = {score.dataset: score.values[metric] for score in scores if score.observer == HUMANS}
    return _exact(run, float(np.mean(list(each.values()))), {"data sets": each})


def _against(scale: Scale, run: Run, wanted: dict[str, tuple[float, float, float, float]]) -> Measurement:
    plain = mean_over_datasets(score_all(_sheets(scale)))
    found = [abs(a - b) for name in wanted if name in plain for a, b in zip(plain[name], wanted[name], strict=True)]
    if scale != "smoke":
        assert len(found) == 4 * len(wanted)
    return _exact(run, max(found, default=0.0), {"numbers": len(found), "table": _table(plain)})


def _table(plain: dict[str, tuple[float, ...]]) -> dict[str, dict[str, float]]:
    return {name: dict(zip(METRICS, row, strict=True)) for name, row in plain.items()}


def _shape_of(scale: Scale, run: Run, observer: str) -> Measurement:
    sheet = next(each for each in _sheets(scale) if each.dataset == "cue-conflict")
    found = {each.observer: each for each in shape_decisions(sheet)}
    chosen = found[observer]
    low, high = intervals.shape_interval(sheet, chosen, _resamples(scale))
    people = [each.bias for name, each in found.items() if name.startswith("subject-")]
    extras = {
        "shape": chosen.shape, "texture": chosen.texture, "95 % interval": [low, high],
        "mean over people": float(np.mean(people)), "all": {name: each.bias for name, each in found.items()},
    }  # fmt: skip
    return _exact(run, chosen.bias, extras)


def _losses(run: Run, method: dict[int, float], people: float) -> Measurement:
    return Measurement(
        values={seed: method[seed] - people for seed in run.seeds}, method=method,
        baseline=dict.fromkeys(run.seeds, people), unit="share of accuracy lost",
    )  # fmt: skip
