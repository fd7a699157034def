"""The public trials: 90 people and nine models on the 17 data sets, read once and kept as arrays."""

from pathlib import Path

from hotpapers import datasets
from hotpapers.errors import BadInput, HotpapersError
from hotpapers.papers.model_vs_human import sheets
from hotpapers.papers.model_vs_human.sheets import Sheet
from hotpapers.papers.model_vs_human.trials import read_trials

PUBLIC = "model-vs-human"


def public_sheets() -> list[Sheet]:
    """Return the public trials' sheets, fetching the files (23 MB) where need be."""
    folder = datasets.fetch(PUBLIC)
    kept = folder / "sheets.npz"
    if kept.is_file():
        try:
            return sheets.load(kept)
        except HotpapersError:
            kept.unlink()  # of another edition
    found = sheets.sheets_of(read_trials(folder))
    sheets.save(kept, found)
    return found


def read_sheets(trials: Path | None, *, dataset: str = "") -> list[Sheet]:
    """Return the sheets of a CSV file, a folder, an archive or a kept ``.npz``; of the public trials for ``None``."""
    if trials is None:
        return public_sheets()
    path = Path(trials)
    if path.suffix.lower() == ".npz":
        return sheets.load(path)
    return sheets.sheets_of(read_trials(path, dataset=dataset))


def with_people(found: list[Sheet], people: Path | None) -> list[Sheet]:
    """Return sheets that have people to compare with: their own, those of ``people``, or the public ones.

    Raises
    ------
    BadInput
        If no image of theirs was shown to people.
    """
    if people is None and all(sheet.human.any() for sheet in found):
        return found
    crowd = read_sheets(people)
    bare = [sheet.of([name for name in sheet.observers if name.startswith("subject-")]) for sheet in crowd]
    bare = [sheet for sheet in bare if sheet.observers]
    joined = []
    for sheet in found:
        of_models = sheet if people is None else sheet.of([n for n in sheet.observers if not n.startswith("subject-")])
        match = [each for each in bare if each.dataset == sheet.dataset]
        if sheet.human.any() and people is None:
            joined.append(sheet)
        elif match and of_models.observers:
            joined += sheets.join(match, [of_models])
    if not any(not sheet.human.all() and (sheet.shown[~sheet.human]).any() for sheet in joined):
        names = ", ".join(sheet.dataset for sheet in bare)
        raise BadInput(
            f"No image of {', '.join(sheet.dataset for sheet in found)[:200]} was shown to people; name the files "
            f"after one of the data sets ({names}), with the images' own names."
        )
    return joined
