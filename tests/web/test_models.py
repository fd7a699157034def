"""What the forms take for a model that was trained here."""

from hotpapers.web.intake import model_names, models_folder


def test_weights_and_tokenizers_are_models_and_links_and_other_files_are_not(tmp_path):
    folder = models_folder("paper")
    for name, file in {"weights": "model.safetensors", "pieces": "tokenizer.json", "notes": "notes.txt"}.items():
        (folder / name).mkdir(parents=True)
        (folder / name / file).write_text("{}")
    (folder / "linked").mkdir()
    (folder / "linked" / "tokenizer.json").symlink_to(folder / "pieces" / "tokenizer.json")
    assert set(model_names("paper")) == {"weights", "pieces"}
