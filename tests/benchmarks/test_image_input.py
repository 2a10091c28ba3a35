from largebatch.benchmarks import image_input
from largebatch.data import find_imagenet


def test_all_images_are_written_to_both_splits_and_all_contenders_read_them(
    imagenet_folder, tmp_path
):
    count = image_input.write_raw(str(imagenet_folder), str(tmp_path), shards=2)
    files = find_imagenet(str(tmp_path))
    assert count == files.num_train == files.num_test == 43
    for name, make in image_input.contenders(str(tmp_path), batch=4).items():
        first = next(iter(make()))
        image = first["image"] if isinstance(first, dict) else first
        image = image[0] if isinstance(image, tuple) else image
        assert image.shape[0] == 4, name


def test_a_rows_ratios_are_the_medians_of_its_rounds():
    names = [image_input.FLOOR, image_input.PARSER, image_input.LEGACY, image_input.OURS]
    speeds = dict(zip(names, ([8.0, 4.0, 6.0], [2.0, 2.0, 2.0], [4.0, 1.0, 2.0], [4.0, 2.0, 3.0])))
    row = image_input._row(image_input.OURS, speeds)
    assert row["images_per_cpu_second"] == 3.0
    assert (row["of_floor"], row["of_parser"], row["of_legacy"]) == (0.5, 1.5, 1.5)
