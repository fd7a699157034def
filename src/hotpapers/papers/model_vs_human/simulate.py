"""Made-up observers: people who share difficulties with each other, and models who share others among themselves.

For examples, tests and smoke runs: no real person's answers are in them.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from hotpapers.papers.model_vs_human.categories import CATEGORIES
from hotpapers.papers.model_vs_human.experiments import experiment
from hotpapers.papers.model_vs_human.trials import Trials

MODELS = {"convnet": (0.9, 0.15), "bigger-convnet": (1.3, 0.35), "self-supervised": (0.9, 0.15)}
"""Model → skill, and how much of its difficulty with an image is people's."""


def simulate(
    datasets: Sequence[str],
    *,
    people: int = 4,
    models: Mapping[str, tuple[float, float]] = MODELS,
    images: int = 320,
    seed: int = 0,
) -> list[Trials]:
    """Return trials of made-up observers on data sets of the paper.

    Parameters
    ----------
    datasets
        Names of the paper's data sets.
    people
        How many people, all alike in skill.
    models
        Name → skill, and the part of people's in its difficulties.
    images
        Images of each data set, evenly over its conditions and the categories.
    seed
        Of everything.
    """
    return [_dataset(name, people, models, images, np.random.default_rng([seed, k])) for k, name in enumerate(datasets)]


def _dataset(
    name: str, people: int, models: Mapping[str, tuple[float, float]], images: int, rng: np.random.Generator
) -> Trials:
    conditions = experiment(name).conditions
    level = np.arange(images) % len(conditions)
    shape = (np.arange(images) // len(conditions)) % 16
    texture = (shape + 1 + rng.integers(0, 15, images)) % 16
    conflict = name == "cue-conflict"
    ids = [
        f"{CATEGORIES[s]}{k}-{CATEGORIES[t]}{k}" if conflict else f"n0{2000000 + s}_{k}"
        for k, (s, t) in enumerate(zip(shape, texture, strict=True))
    ]
    hard_for_people, hard_for_models = rng.normal(size=(2, images))
    fall = 2.4 * level / max(len(conditions) - 1, 1)
    trials = Trials(name, [], [], [], [], [])
    observers = {f"subject-{k + 1:02}": (1.4, 1.0, 0.75) for k in range(people)}
    observers |= {model: (skill, part, 1.0) for model, (skill, part) in models.items()}
    for observer, (skill, part, steepness) in observers.items():
        difficulty = part * hard_for_people + (1 - part) * hard_for_models
        right = skill - steepness * fall - difficulty + 0.7 * rng.normal(size=images) > 0
        if conflict and not observer.startswith("subject-"):
            right &= rng.random(images) < 0.3
        wrong = np.where(conflict & (rng.random(images) < 0.8), texture, (shape + rng.integers(1, 16, images)) % 16)
        answer = np.where(right, shape, wrong)
        silent = ~right & observer.startswith("subject-") & (rng.random(images) < 0.03)
        trials.observer.extend([observer] * images)
        trials.answer.extend("na" if s else CATEGORIES[a] for a, s in zip(answer, silent, strict=True))
        trials.category.extend(CATEGORIES[s] for s in shape)
        trials.condition.extend(conditions[k] for k in level)
        trials.image.extend(ids)
    return trials
