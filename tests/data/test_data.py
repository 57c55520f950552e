"""The data that travel with evidesk."""

import csv
import gzip

import pytest

from evidesk import data


@pytest.mark.parametrize("checkpoint", ["last", "best"])
def test_the_predictions_have_a_row_per_image_and_a_column_per_network_and_seed(checkpoint):
    path = data.path(f"sota_on_uncertainties/imagenette2_{checkpoint}_top1_per_image.csv.gz")
    with gzip.open(path, "rt") as file:
        header, *rows = csv.reader(file)
    assert header[:3] == ["filename", "fold", "gtlabel"]
    assert len(header) == 3 + 3 * 6
    assert len(rows) == 13394


def test_the_licence_travels_with_the_data():
    licence = data.path("sota_on_uncertainties/LICENSE.txt").read_text()
    assert "Copyright (c) 2022, Peter Steinbach" in licence
    assert "cf1efa7ad59dd295825c0a6fe83c5c203550e87f" in (
        data.path("sota_on_uncertainties/README.md").read_text()
    )


@pytest.mark.parametrize(
    "name", ["nothing.csv", "../__init__.py", "/etc/passwd", "", "__init__.py"]
)
def test_any_other_name_is_refused_with_those_there_are(name):
    with pytest.raises(FileNotFoundError, match=r"There are: .*park_kim_2202.06709_fig12a.csv"):
        data.path(name)
