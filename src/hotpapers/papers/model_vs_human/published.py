"""Numbers to hold ours against: the published tables, and what another program made of the same public trials."""

PUBLISHED: dict[str, tuple[float, float, float, float]] = {
    "resnet50": (0.559, 0.087, 0.665, 0.208),
    "simclr_resnet50x1": (0.596, 0.080, 0.667, 0.179),
    "bagnet33": (0.398, 0.156, 0.567, 0.137),
}
"""Model → OOD accuracy, accuracy difference, observed and error consistency, as the authors' tables round them."""

RECOMPUTED: dict[str, tuple[float, float, float, float]] = {
    "resnet50": (0.5588, 0.0872, 0.6649, 0.2083),
    "simclr_resnet50x1": (0.5957, 0.0803, 0.6668, 0.1792),
    "bagnet33": (0.3980, 0.1562, 0.5670, 0.1366),
    "swag_vit_l16_in1k": (0.7941, 0.0420, 0.7554, 0.1866),
    "swag_vit_h14_in1k": (0.7844, 0.0343, 0.7544, 0.1894),
    "swag_regnety_128gf_in1k": (0.7770, 0.0328, 0.7614, 0.2003),
    "swag_regnety_32gf_in1k": (0.7283, 0.0366, 0.7535, 0.2151),
    "swag_regnety_16gf_in1k": (0.7142, 0.0377, 0.7501, 0.2251),
    "swag_vit_b16_in1k": (0.7029, 0.0377, 0.7316, 0.2077),
}

PER_DATASET: dict[str, tuple[float, float, float, float]] = {
    "colour": (0.8867, 0.4154, 0.9688, 0.2114),
    "contrast": (0.6609, 0.4370, 0.8162, 0.2255),
    "cue-conflict": (0.7755, 0.3311, 0.1820, 0.0680),
    "edge": (0.8712, 0.3184, 0.1375, 0.0363),
    "eidolonI": (0.6075, 0.3863, 0.5337, 0.2103),
    "eidolonII": (0.5828, 0.4540, 0.5672, 0.2509),
    "eidolonIII": (0.6391, 0.4595, 0.5854, 0.1581),
    "false-colour": (0.8737, 0.4440, 0.9429, 0.2943),
    "high-pass": (0.6289, 0.4401, 0.3344, 0.2030),
    "low-pass": (0.6612, 0.4689, 0.4388, 0.1674),
    "phase-scrambling": (0.6879, 0.4467, 0.6203, 0.2688),
    "power-equalisation": (0.7589, 0.5106, 0.7321, 0.2929),
    "rotation": (0.8299, 0.4385, 0.6844, 0.1689),
    "silhouette": (0.7531, 0.4757, 0.5438, 0.4281),
    "sketch": (0.9162, 0.3696, 0.5962, 0.1054),
    "stylized": (0.4712, 0.5006, 0.3713, 0.2543),
    "uniform-noise": (0.6828, 0.4341, 0.4450, 0.1984),
}
"""Data set → people's accuracy, κ between people, ResNet-50's accuracy, its κ to people."""

STYLISED: dict[str, float] = {
    "resnet50-trained-on-SIN": 0.8137,
    "resnet50-trained-on-SIN-and-IN": 0.3465,
    "resnet50-trained-on-SIN-and-IN-then-finetuned-on-IN": 0.2054,
}
"""Network → shape bias."""
