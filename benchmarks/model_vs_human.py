"""Scoring here against the authors' metric code: CPU seconds from the same CSV files to the same table.

    python benchmarks/model_vs_human.py --authors CHECKOUT --authors-python PYTHON [--trials FOLDER] [--repeats 3]

CHECKOUT is bethgelab/model-vs-human, branch ``swag``; its code needs pandas below 2, NumPy below 2, seaborn and tqdm:
name a Python that has them. Each program runs in a process of its own on ResNet-50, SimCLR, BagNet-33 and 90 people, 17
data sets. ``--keep`` writes the authors' times where the claim ``faster-than-the-authors`` finds them.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

MODELS = ("resnet50", "simclr_resnet50x1", "bagnet33")
DATASETS = (
    "colour", "contrast", "high-pass", "low-pass", "phase-scrambling", "power-equalisation", "false-colour", "rotation",
    "eidolonI", "eidolonII", "eidolonIII", "uniform-noise", "sketch", "stylized", "edge", "silhouette", "cue-conflict",
)  # fmt: skip
METRICS = ("OOD accuracy", "accuracy difference", "observed consistency", "error consistency")

OURS = """
import json, resource, sys, time
order = json.load(sys.stdin)
from pathlib import Path
started = time.process_time()
from hotpapers.papers.model_vs_human import scoring, sheets, trials
ready = time.process_time() - started
folder = Path(order["folder"])
found = sheets.sheets_of(trials.read_trials(folder / "raw-data"))
table = scoring.mean_over_datasets(scoring.score_all(found))
seconds = time.process_time() - started - ready
sheets.save(folder / "kept.npz", found)
started = time.process_time()
scoring.mean_over_datasets(scoring.score_all(sheets.load(folder / "kept.npz")))
kept = time.process_time() - started
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "kept": kept, "ready": ready, "memory": memory, "table": table}))
"""

# The package's own __init__ brings its zoo of models, torch and TensorFlow: scoring needs none of them.
AUTHORS = """
import json, resource, sys, time, types, warnings
warnings.simplefilter("ignore")
order = json.load(sys.stdin)
import os
os.environ["MODELVSHUMANDIR"] = order["folder"]
root = order["authors"] + "/modelvshuman"
for name in ("", ".datasets", ".helper", ".plotting"):
    module = types.ModuleType("modelvshuman" + name)
    module.__path__ = [root + name.replace(".", "/")]
    sys.modules["modelvshuman" + name] = module
for name, contents in (("utils", {"load_dataset": None}),
                       ("helper.human_categories", {"get_human_object_recognition_categories": list})):
    module = types.ModuleType("modelvshuman." + name)
    module.__dict__.update(contents)
    sys.modules["modelvshuman." + name] = module
sys.modules["modelvshuman.helper"].human_categories = sys.modules["modelvshuman.helper.human_categories"]
import matplotlib
matplotlib.use("Agg")
started = time.process_time()
from modelvshuman.plotting import plot, decision_makers as dm
from modelvshuman.datasets.experiments import get_experiments
ready = time.process_time() - started
plot.tqdm = lambda each: each

def makers(df):
    return [dm.DecisionMaker(name_pattern=[name], df=df, plotting_name=shown, color=(0.1, 0.1, 0.1))
            for name, shown in [(m, m) for m in order["models"]] + [("subject-*", "humans")]]

started = time.process_time()
names = {name.replace("-", "_").lower(): name for name in order["datasets"]}
datasets = get_experiments(order["datasets"])
pooled = plot.get_mean_over_datasets("OOD accuracy", *plot.METRICS["OOD accuracy"], datasets, makers)
rows = plot.get_raw_benchmark_df(datasets, order["metrics"][1:], makers)
rows["who"] = ["humans" if m.startswith("subject-") else m for m in rows.model]
rows["value"] = rows["value"].astype(float)
means = rows.groupby(["who", "metric", "dataset", "human", "model"])["value"].mean()
means = means.groupby(level=["who", "metric", "dataset"]).mean().groupby(level=["who", "metric"]).mean()
table = {name: [float(pooled.loc[pooled.plotting_name == name, "OOD accuracy"].iloc[0])]
         + [float(means[name, metric]) for metric in order["metrics"][1:]]
         for name in order["models"] + ["humans"]}
seconds = time.process_time() - started
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "ready": ready, "memory": memory, "table": table}))
"""


def main() -> int:
    """Run both, print the table; 1 if they disagree."""
    options = arguments()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        arrange(options.trials, folder / "raw-data", options.datasets)
        order = {"folder": str(folder), "authors": str(options.authors), "models": list(MODELS),
                 "datasets": options.datasets, "metrics": list(METRICS)}  # fmt: skip
        ours = [run(OURS, order, sys.executable) for _ in range(options.repeats)]
        authors = (
            [run(AUTHORS, order, options.authors_python) for _ in range(options.repeats)] if options.authors else []
        )
    print(table(ours, authors, len(options.datasets)))
    if authors and options.keep and len(options.datasets) == len(DATASETS):
        seconds = [round(each["seconds"], 2) for each in authors]
        options.keep.write_text(json.dumps({"seconds": seconds}) + "\n", encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps({"ours": ours, "authors": authors}, indent=1), encoding="utf-8")
    return bool(authors) and largest_difference(ours[0], authors[0]) > 1e-9


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--authors", type=Path, help="a checkout of bethgelab/model-vs-human, branch swag")
    parser.add_argument("--authors-python", default=sys.executable, help="a Python that can run it")
    parser.add_argument("--trials", type=Path, help="a folder of the trials' CSV files; fetched where left out")
    parser.add_argument("--datasets", nargs="+", default=list(DATASETS), choices=DATASETS, help="only these data sets")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="write the authors' seconds there")
    parser.add_argument("--json", type=Path, help="keep the numbers")
    return parser.parse_args()


def arrange(trials: Path | None, target: Path, datasets: list[str]) -> None:
    """Lay people's and the three models' files out as the authors' code wants them: a folder for each data set."""
    if trials is None:
        sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
        from hotpapers.datasets import fetch

        trials = fetch("model-vs-human")
    wanted = {model.replace("_", "-") for model in MODELS}
    for file in sorted(trials.rglob("*.csv")):
        dataset, _, rest = file.name.partition("_")
        observer = rest.partition("_session")[0]
        if dataset in datasets and (observer in wanted or observer.startswith("subject-")):
            (target / dataset).mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target / dataset / file.name)


def run(program: str, order: dict[str, Any], python: str) -> dict[str, Any]:
    """Run a program in a process of its own and return what it measured."""
    ours = str(Path(__file__).parents[1] / "src")
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": ours if program is OURS else ""}
    done = subprocess.run(
        [python, "-c", program], input=json.dumps(order), capture_output=True, text=True, env=environment
    )
    if done.returncode:
        raise SystemExit(f"{python} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def largest_difference(one: dict[str, Any], two: dict[str, Any]) -> float:
    pairs = [(one["table"][name], two["table"][name]) for name in (*MODELS, "humans")]
    return max(abs(a - b) for ours, theirs in pairs for a, b in zip(ours, theirs, strict=True))


def table(ours: list[dict[str, Any]], authors: list[dict[str, Any]], datasets: int) -> str:
    """Return the table; its last column is how many times better ours is."""
    lines = [f"{f'3 models and people, {datasets} data sets':<36}{'ours':>10}{'authors':>12}{'ratio':>10}"]
    rows = (
        ("scored from CSV files, CPU s", "seconds", "seconds"),
        ("scored from kept arrays, CPU s", "kept", "seconds"),
        ("import, CPU s", "ready", "ready"),
        ("peak memory, MB", "memory", "memory"),
    )
    for label, mine, theirs in rows:
        least = min(each[mine] for each in ours)
        compared = ""
        if authors:
            other = min(each[theirs] for each in authors)
            compared = f"{other:>12.2f}{other / least:>10.1f}"
        lines.append(f"{label:<36}{least:>10.2f}{compared}")
    if authors:
        lines.append(f"largest difference of their tables: {largest_difference(ours[0], authors[0]):.1e}")
    for name in (*MODELS, "humans"):
        lines.append(f"{name:<36}" + "".join(f"{value:>10.4f}" for value in ours[0]["table"][name]))
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
