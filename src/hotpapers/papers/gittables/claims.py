"""The claims: sizes, agreement with people, coverage, the detector and the shift, completion, privacy."""

import dataclasses
import io
import re
import statistics
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from hotpapers import datasets
from hotpapers.cards import Scale
from hotpapers.claims.measurement import Measurement
from hotpapers.engines import Engine
from hotpapers.papers.gittables import annotate, build, evaluate, experiment, hostile, ontology, privacy, reading
from hotpapers.papers.gittables.train import Columns, Config, learn, predicted, score
from hotpapers.papers.gittables.vectors import embedder
from hotpapers.run import Run


def ontology_types(scale: Scale, run: Run) -> Measurement:
    """Count the labels of both ontologies."""
    sizes = {name: len(ontology.load(name)) for name in ontology.NAMES}
    shared = set(ontology.load("dbpedia").types) & set(ontology.load("schema").types)
    return Measurement(values={run.seed: float(sum(sizes.values()))}, extras=sizes | {"shared": len(shared)})


def syntactic_agrees_with_people(scale: Scale, run: Run) -> Measurement:
    """Measure how often a syntactic annotation is that of people; the baseline is the published cleaning of headers."""
    gold = evaluate.read_gold(experiment.gold_folder(scale))
    fixed = evaluate.agreement(gold, annotate.annotator("none", annotate.THRESHOLD, "fixed"), "syntactic")
    legacy = evaluate.agreement(gold, annotate.annotator("none", annotate.THRESHOLD, "legacy"), "syntactic")
    return Measurement(
        values={run.seed: fixed.share},
        method={run.seed: fixed.share},
        baseline={run.seed: legacy.share},
        unit="%",
        extras={
            "annotated": fixed.annotated,
            "equal": fixed.equal,
            "of": fixed.columns,
            "confused": fixed.confused[:12],
        },
    )


def semantic_agrees_with_people(scale: Scale, run: Run) -> Measurement:
    """Measure how often a semantic annotation is that of people; the baseline are vectors of character n-grams.

    The paper's vectors are fastText's; at laptop scale GloVe's stand for them.
    """
    gold = evaluate.read_gold(experiment.gold_folder(scale))
    by = embedder({"smoke": "small", "laptop": "glove"}.get(scale) or str(experiment.fasttext_file()))
    found = evaluate.agreement(gold, annotate.Annotator(by), "semantic")
    grams = evaluate.agreement(gold, annotate.Annotator(embedder("ngrams")), "semantic")
    thresholds = {}
    for threshold in (0.5, 0.56, 0.65, 0.75, 0.85, 0.95):
        each = evaluate.agreement(gold, annotate.Annotator(by, threshold=threshold), "semantic")
        thresholds[str(threshold)] = {"annotated": each.annotated, "equal": each.equal, "share": each.share}
    names = [each.header for each in gold if each.property != evaluate.LABEL]
    return Measurement(
        values={run.seed: found.share}, method={run.seed: found.share}, baseline={run.seed: grams.share}, unit="%",
        extras={"vectors": by.name, "annotated": found.annotated, "equal": found.equal, "of": found.columns,
                "confused": found.confused[:12], "by threshold": thresholds,
                "mean less deviation": annotate.calibrate(annotate.Annotator(by), names)},
    )  # fmt: skip


def tables_are_annotated(scale: Scale, run: Run) -> Measurement:
    """Measure the share of tables with a DBpedia type by either method."""
    from hotpapers.papers.gittables.stats import describe

    with experiment.scratch(run.out) as folder:
        told = describe(experiment.corpus_of_files(Path(folder), scale))
    share = 100 * told["annotated tables"]["dbpedia, either way"]
    return Measurement(
        values={run.seed: share},
        method={run.seed: share},
        baseline={run.seed: 100 * told["annotated tables"]["dbpedia_syntactic"]},
        unit="%",
        extras={
            "tables": told["tables"],
            "annotated tables": told["annotated tables"],
            "unique types": told["unique types"],
        },
    )


def wider_than_web_tables(scale: Scale, run: Run) -> Measurement:
    """Measure how much wider tables of files are than T2D's web tables."""
    with experiment.scratch(run.out) as folder:
        corpus = experiment.corpus_of_files(Path(folder), scale, vectors="none")
        columns = [len(each.columns) for each in corpus.entries]
        rows = [each.rows for each in corpus.entries]
    web = [
        reading.read(raw, name, head="first").data
        for name, raw in evaluate.files_of(experiment.gold_folder(scale)).items()
        if "gs_" not in name
    ]
    here, there = statistics.mean(columns), statistics.mean(each.num_columns for each in web)
    return Measurement(
        values={run.seed: here / there}, method={run.seed: here}, baseline={run.seed: there}, unit="columns",
        extras={"mean rows": statistics.mean(rows), "median rows": statistics.median(rows),
                "mean rows of web tables": statistics.mean(each.num_rows for each in web), "tables": len(columns)},
    )  # fmt: skip


def frequent_types(scale: Scale, run: Run) -> Measurement:
    """Count the published general types among the 25 most frequent of each ontology, syntactically found."""
    published = ("id", "name", "title", "type", "author", "date", "year", "state")
    with experiment.scratch(run.out) as folder:
        corpus = experiment.corpus_of_files(Path(folder), scale, vectors="none")
        tops = {}
        for which in ("dbpedia_syntactic", "schema_syntactic"):
            counts = Counter(label for each in corpus.entries for label in each.types.get(which, {}).values())
            tops[which] = dict(counts.most_common(25))
    found = [label for label in published if any(label in top for top in tops.values())]
    return Measurement(values={run.seed: float(len(found))}, extras={"found": found, "most frequent": tops})


@dataclasses.dataclass(frozen=True)
class Budget:
    """How much of the web is learned: columns of a class and property, values of each, types; and how."""

    columns: int
    values: int
    types: int
    config: Config


BUDGETS: dict[Scale, Budget] = {
    "smoke": Budget(4, 20, 5, Config(epochs=2, shrink=10)),
    "laptop": Budget(12, 30, 50, Config(epochs=30, shrink=2)),
    "paper": Budget(200, 100, 78, Config(epochs=100)),
}


def detector_learns(scale: Scale, run: Run) -> Measurement:
    """Measure the macro F1 of the network on columns of other entities; the baseline is a random forest."""
    budget = BUDGETS[scale]
    columns = experiment.web_features(scale, budget.columns, budget.values, budget.types, 12 if scale != "smoke" else 4)
    method, baseline, extras = {}, {}, {}
    for seed in run.seeds:
        inside, held = columns.split(0.25, seed)
        types = [label for label in experiment.common_types(inside, 4) if label in set(held.labels)]
        inside, held = inside.only(types), held.only(types)
        method[seed] = _network_score(inside, held, types, budget, run, seed)
        baseline[seed] = _forest_score(inside, held, seed)
        extras[str(seed)] = {"types": len(types), "columns": len(inside.labels), "held out": len(held.labels)}
    return Measurement(values=method, method=method, baseline=baseline, unit="macro F1", extras=extras)


def shift_hurts_the_detector(scale: Scale, run: Run) -> Measurement:
    """Measure macro F1 on unseen columns of the web and on columns of files, for the types that both have."""
    budget = BUDGETS[scale]
    with experiment.scratch(run.out) as folder:
        corpus = experiment.corpus_of_files(Path(folder), scale, vectors="none")
        there = experiment.common_types(_only_labels(corpus), 3)
        web = experiment.web_features(
            scale, budget.columns, budget.values, budget.types, 8 if scale != "smoke" else 4, there
        )
        files = experiment.file_columns(corpus, sorted(set(web.labels)), 4000)
    values, method, baseline, extras = {}, {}, {}, {}
    for seed in run.seeds:
        inside, held = web.split(0.25, seed)
        types = [
            label
            for label in experiment.common_types(inside, 3)
            if label in set(held.labels) and label in set(files.labels)
        ]
        inside, held, far = inside.only(types), held.only(types), files.only(types)
        model = _network(inside, types, budget, run, seed)
        method[seed] = _f1(model, held, types)
        baseline[seed] = _f1(model, far, types)
        values[seed] = method[seed] - baseline[seed]
        at_home, away = far.split(0.25, seed)
        home = experiment.common_types(at_home, 2)
        extras[str(seed)] = {
            "types": types,
            "columns": len(inside.labels),
            "web": len(held.labels),
            "files": len(far.labels),
            "trained on files instead": _network_score(at_home.only(home), away.only(home), home, budget, run, seed),
        }
    return Measurement(values=values, method=method, baseline=baseline, unit="macro F1", extras=extras)


def columns_differ_from_the_web(scale: Scale, run: Run) -> Measurement:
    """Measure the area under the ROC curve of a forest that tells files' columns from web tables' columns.

    Small letters and signs for missing values are made alike; no table is both learned from and judged.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import roc_auc_score

    values: dict[int, float] = {}
    with experiment.scratch(run.out) as folder:
        corpus = experiment.corpus_of_files(Path(folder), scale, vectors="none")
        web, web_tables = experiment.all_columns_of_web(scale, 500)
        for seed in run.seeds:
            files, topics = experiment.all_columns_of_files(corpus, len(web), seed)
            features = np.concatenate([web, files])
            labels = np.array([0] * len(web) + [1] * len(files))
            groups = np.array([f"w{each}" for each in web_tables] + [f"f{each}" for each in topics])
            names = sorted(set(groups))
            held = set(np.random.default_rng(seed).permutation(names)[: len(names) // 4])
            test = np.isin(groups, list(held))
            forest = RandomForestClassifier(200, random_state=seed, n_jobs=1).fit(features[~test], labels[~test])
            values[seed] = float(roc_auc_score(labels[test], forest.predict_proba(features[test])[:, 1]))
    return Measurement(values=values, baseline=dict.fromkeys(values, 0.5), method=values, unit="AUC",
                       extras={"columns of each": len(web)})  # fmt: skip


def schemas_complete_schemas(scale: Scale, run: Run) -> Measurement:
    """Measure recall among ten proposals for schemas of unseen topics, of which the first three columns are given.

    The extras have the same for unseen schemas of topics that are known.
    """
    method: dict[int, float] = {}
    baseline: dict[int, float] = {}
    extras: dict[str, Any] = {}
    with experiment.scratch(run.out) as folder:
        entries = experiment.corpus_of_files(Path(folder), scale, vectors="none").entries
    for seed in run.seeds:
        rng = np.random.default_rng(seed)
        topics = sorted({each.topic for each in entries})
        held = set(rng.permutation(topics)[: len(topics) // 5])
        unseen = [each.topic in held for each in entries]
        method[seed], baseline[seed], counts = experiment.recall_of_completion(entries, unseen)
        some = sorted({tuple(each.columns) for each in entries})
        drawn = {some[at] for at in rng.permutation(len(some))[: len(some) // 5]}
        ours, common, _ = experiment.recall_of_completion(entries, [tuple(each.columns) in drawn for each in entries])
        extras[str(seed)] = counts | {"known topics": {"nearest schemas": ours, "most frequent names": common}}
    values = {seed: method[seed] - baseline[seed] for seed in method}
    return Measurement(values=values, method=method, baseline=baseline, unit="%", extras=extras)


def values_tell_personal_data(scale: Scale, run: Run) -> Measurement:
    """Measure the recall of personal columns by headers and values, and by headers as in the paper."""
    values, method, baseline, extras = {}, {}, {}, {}
    for seed in run.seeds:
        right: Counter[tuple[str, str]] = Counter()
        by = annotate.annotator("small", annotate.THRESHOLD, "fixed")
        for raw, truth in experiment.made_up_people(seed, 20 if scale == "smoke" else 200):
            read = reading.read(raw, "people", head="first")
            found = by.annotate(read.columns)
            for rules in ("both", "headers", "values"):
                told = {each.column for each in privacy.find(read.data, found, rules)}
                for name, personal in truth.items():
                    right[
                        rules, f"{'personal' if personal else 'other'}, {'told' if name in told else 'not told'}"
                    ] += 1
        recall = {
            rules: 100
            * right[rules, "personal, told"]
            / (right[rules, "personal, told"] + right[rules, "personal, not told"])
            for rules in ("both", "headers", "values")
        }
        method[seed], baseline[seed] = recall["both"], recall["headers"]
        values[seed] = method[seed] - baseline[seed]
        extras[str(seed)] = {f"{rules}: {what}": count for (rules, what), count in sorted(right.items())}
    return Measurement(values=values, method=method, baseline=baseline, unit="% recall", extras=extras)


def no_row_is_lost_in_silence(scale: Scale, run: Run) -> Measurement:
    """Count lines of hostile and real files that are neither rows nor header nor counted as dropped.

    The lines are counted again without the parser.
    """
    files = [(case.name, case.content) for case in hostile.cases()]
    if scale != "smoke":
        files += [
            (path, file.read_bytes()) for path, file in datasets.fivethirtyeight().items() if path.endswith(".csv")
        ]
    lost, lines, dropped = 0, 0, Counter[str]()
    for name, content in files:
        try:
            account = reading.read(content, name).account
        except reading.NoTable as error:
            dropped[error.reason] += 1
            continue
        text = io.TextIOWrapper(io.BytesIO(content), account.encoding, errors="replace", newline="").read()
        counted = len(re.findall(r"\r\n|\r|\n", text)) + (not text.endswith(("\n", "\r")))
        kept = account.row_lines + account.header_lines + sum(account.dropped.values())
        lost += abs(counted - kept)
        lines += counted
        dropped.update(account.dropped)
    return Measurement(
        values={run.seed: float(lost)}, extras={"files": len(files), "lines": lines, "dropped": dict(dropped)}
    )


def reads_what_pandas_reads(scale: Scale, run: Run) -> Measurement:
    """Count hostile files that come out right here, and by the published call of pandas."""
    import pandas

    cases = hostile.cases()
    ours = [case.name for case in cases if hostile.is_read_right(case)]
    pandas_ = []
    for case in cases:
        try:
            with warnings.catch_warnings(action="ignore"):
                frame = pandas.read_csv(io.BytesIO(case.content), sep=None, engine="python", on_bad_lines="skip")
            if hostile.is_right(case, list(frame.columns), frame.itertuples(index=False)):
                pandas_.append(case.name)
        except Exception:  # noqa: S112 - whatever it raises, the file is not read
            continue
    return Measurement(
        values={run.seed: float(len(ours) - len(pandas_))}, method={run.seed: float(len(ours))},
        baseline={run.seed: float(len(pandas_))}, unit=f"of {len(cases)} files",
        extras={"ours alone": sorted(set(ours) - set(pandas_)), "pandas alone": sorted(set(pandas_) - set(ours))},
    )  # fmt: skip


def engines_agree(scale: Scale, run: Run) -> Measurement:
    """Count the files of a corpus that are not the same bytes on all engines."""
    engines: tuple[Engine, ...] = ("local", "processes") if scale == "smoke" else ("local", "processes", "ray")
    trees: dict[str, dict[str, bytes]] = {}
    with experiment.scratch(run.out) as folder:
        collected = Path(folder) / "collected"
        files = (experiment.median_tables(collected, 30, run.seed) if scale == "smoke" else
                 experiment.gather_files(collected, 120))  # fmt: skip
        for engine in engines:
            build.make(files, collected, Path(folder) / engine, build.Settings(), engine=engine, jobs=2)
            trees[engine] = experiment.tree(Path(folder) / engine / "corpus")
    differing = {path for tree in trees.values() for path in set(tree) | set(trees["local"])
                 if tree.get(path) != trees["local"].get(path)}  # fmt: skip
    return Measurement(
        values={run.seed: float(len(differing))},
        extras={"engines": list(engines), "files": len(trees["local"]), "differing": sorted(differing)[:20]},
    )


def builds_fast(scale: Scale, run: Run) -> Measurement:
    """Measure tables a CPU second from file to Parquet; the baseline is the published call of pandas alone."""
    import pandas

    count = 20 if scale == "smoke" else 400
    method, baseline = {}, {}
    for seed in run.seeds:
        with experiment.scratch(run.out) as folder:
            files = experiment.median_tables(Path(folder) / "collected", count, seed)
            # Ontologies, vectors and libraries are loaded once a crawl: a few tables before the clock starts.
            build.make(files[:10], Path(folder) / "collected", Path(folder) / "warm", build.Settings())
            started = time.process_time()
            build.make(files, Path(folder) / "collected", Path(folder) / "room", build.Settings())
            method[seed] = count / (time.process_time() - started)
            started = time.process_time()
            for each in files[:100]:
                pandas.read_csv(Path(folder) / "collected" / each.file, sep=None, engine="python", on_bad_lines="skip")
            baseline[seed] = min(100, count) / (time.process_time() - started)
    return Measurement(values=method, method=method, baseline=baseline, unit="tables a CPU second")


def _only_labels(corpus: Any) -> Columns:
    labels = [label for entry in corpus.entries for label in entry.types.get("dbpedia_syntactic", {}).values()]
    return Columns(np.zeros((0, 1)), labels, [])


def _network(inside: Columns, types: list[str], budget: Budget, run: Run, seed: int) -> Any:
    with run.inner(seed) as inner:
        return learn(inside, types, budget.config, inner)


def _f1(model: Any, held: Columns, types: list[str]) -> float:
    return score(held.labels, [types[at] for at in predicted(model, held.features).argmax(1)])["macro F1"]


def _network_score(inside: Columns, held: Columns, types: list[str], budget: Budget, run: Run, seed: int) -> float:
    return _f1(_network(inside, types, budget, run, seed), held, types)


def _forest_score(inside: Columns, held: Columns, seed: int) -> float:
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(100, random_state=seed, n_jobs=1, class_weight="balanced_subsample")
    told = forest.fit(inside.features, inside.labels).predict(held.features)
    return score(held.labels, list(told))["macro F1"]
