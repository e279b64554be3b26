"""Views of real archives: figures worked out from the Dockerfiles, or told by the engine."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from oci_inspect.render import Style, render, views
from oci_inspect.render.blocks import Role

REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"
NOW = datetime(2026, 11, 21, 5, 8, 3, tzinfo=UTC)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_analyze_tells_the_sums_of_the_app(real):
    """92,499 bytes in files, 69,109 of them dead: tests/test_real_archives.py works them out."""
    text = render(views.analyze_view(real["docker20-app.tar"]), "table")
    lines = text.split("\n")
    assert lines[:2] == ["example/app:1.2.3", "─" * 17]
    assert "Verdict   verified: every digest matches" in lines
    assert "Image ID  171aa8df27eb" in lines
    assert "Platform  linux/amd64" in lines
    assert "Created   2026-11-21 03:06:17 UTC" in lines
    line = "Waste 69.1kB of 92.5kB dead (74.7%), 2.4kB of it perhaps your own, efficiency 25.3%"
    assert line in " ".join(text.split())  # 1,675 + 5 + 700 + 15: the base has three layers
    assert any(line.startswith("Size      92.5kB in 11 layers") for line in lines)
    (worst,) = (line for line in lines if "data/big" in line and "60kB" in line)
    assert worst.split() == ["60kB", "data/big", "2", "5", "deleted"]
    assert lines[lines.index(worst) + 1].strip() == (
        "deleted by step 12: put the rm into the RUN of step 5"
    )


def test_quiet_analyze_is_identity_and_verdict(real):
    text = render(views.analyze_view(real["docker20-app.tar"], quiet=True), "table")
    assert "Verdict" in text and "LAYER" not in text and "data/big" not in text


def test_images_are_what_docker_lists(real):
    told = [json.loads(one) for one in (REAL / "docker20.image-ls.jsonl").read_text().splitlines()]
    analysis = real["docker20-two-images.tar"]
    table = render(views.images_view(analysis, NOW), "table", Style(width=120)).split("\n")
    assert table[0].split("  ")[0] == "REPOSITORY"
    ours = {tuple(line.split()[:3]): line for line in table[1:] if line}
    saved = [one for one in told if one["Repository"].startswith("example/")]
    assert len(saved) >= 3
    for one in saved:
        line = ours[one["Repository"], one["Tag"], one["ID"][7:19]]
        assert f" {one['Size']} " in line
        assert "2 hours ago" in line


def test_quiet_images_are_short_ids_each_once(real):
    text = render(views.images_view(real["docker20-two-images.tar"], quiet=True), "table")
    assert text == "171aa8df27eb\n746afec53341\n"


def test_images_names_what_is_no_image(real):
    text = render(views.images_view(real["buildx-multi.oci.tar"], NOW), "table")
    assert text.count("\nattestation  ") == 2
    assert "Other things" in text


def test_layers_sum_up(real):
    image = real["docker20-app.tar"].images[0]
    table = rows(render(views.layers_view(image), "csv"))
    assert [row["LAYER"] for row in table] == [str(i) for i in range(11)]
    assert sum(int(row["SIZE"]) for row in table) == 92_499
    assert sum(int(row["WASTE"]) for row in table) == 69_109
    told = json.loads((REAL / "docker20-app.inspect.json").read_text())[0]["RootFS"]["Layers"]
    assert [row["DIFF ID"] for row in table] == told
    text = render(views.layers_view(image), "table")
    (footer,) = (line for line in text.split("\n") if line.strip().startswith("sum"))
    assert footer.split()[-2:] == ["92.5kB", "69.1kB"]


def test_waste_is_told_by_reason(real):
    """60,000 + 1,675 deleted; 6,000 hidden; 700 + 15 + 5 copied again; 700 + 14 overwritten."""
    text = render(views.waste_view(real["docker20-app.tar"].images[0]), "table")
    lines = [line.split() for line in text.split("\n")]
    assert ["61.7kB", "89.2%", "2", "deleted"] in lines
    assert ["6kB", "8.7%", "3", "opaque"] in lines
    assert ["720B", "1.0%", "3", "rewritten"] in lines
    assert ["714B", "1.0%", "2", "overwritten"] in lines
    assert ["Waste", "69.1kB", "of", "92.5kB", "dead", "(74.7%),", "efficiency", "25.3%"] in lines
    # hard.html and soft.html name one inode; index.html was copied again: 15 bytes are there twice
    assert ["6kB", "cache/", "(3", "files)", "2", "7", "opaque"] in lines


def test_waste_lists_as_many_as_are_asked_for(real):
    image = real["docker20-app.tar"].images[0]
    table = rows(render(views.waste_view(image, top=1), "csv"))
    assert [(row["SIZE"], row["PATH"]) for row in table] == [("60000", "data/big")]
    text = render(views.waste_view(image, top=1), "table")
    # 69,109 - 60,000 in the seven groups that are left
    assert "7 more, 9.11kB: --all shows them" in text
    assert len(rows(render(views.waste_view(image, top=None), "csv"))) == 8


def test_verify_names_each_blob_and_counts_what_was_found(analysis, real):
    text = render(views.verify_view(real["docker26-app.tar"]), "table")
    assert text.count("  verified  ") == 13  # manifest, config, eleven layers
    assert text.rstrip().split("\n")[-1].startswith("1 of 1 image verified")
    bad = views.verify_view(analysis)
    text = render(bad, "table")
    assert "NOT VERIFIED, INCOMPLETE" in text
    assert "mismatch" in text and "skipped" in text
    assert bad[-1].role is Role.ERROR
    assert bad[-1].text.startswith("1 of 2 images verified, reading was INCOMPLETE: 1 error")


def test_inspect_shows_what_a_container_is_run_with(real):
    (told,) = json.loads((REAL / "docker26-app.inspect.json").read_text())
    analysis = real["docker26-app.tar"]
    blocks = views.inspect_view(analysis.images[0].image, analysis.archive)
    text = render(blocks, "table", Style(width=200))
    for value in (*told["Config"]["Env"], told["Config"]["WorkingDir"], told["Id"]):
        assert value in text
    for key, value in told["Config"]["Labels"].items():
        assert any(line.split() == [key, value] for line in text.split("\n"))
    assert json.dumps(told["Config"]["Entrypoint"]) in text


def test_inspect_of_a_docker_archive_shows_paths_where_nothing_else_is_told(real):
    image = real["docker20-app.tar"].images[0].image
    text = render(views.inspect_view(image), "table")
    _, _, table = text.partition("Layers as claimed\n")
    assert table.split("\n")[0].split() == ["LAYER", "PATH"]
    assert table.count("/layer.tar\n") == 11


def test_history_without_a_clock_shows_times(real):
    image = real["docker20-app.tar"].images[0]
    text = render(views.history_view(image), "table", Style(width=120))
    assert "2026-11-21T03:06:17Z" in text
    assert render(views.history_view(image, quiet=True), "table") == (
        "171aa8df27eb\n" + "<missing>\n" * 23
    )


@pytest.mark.parametrize("name", ["docker20-app.tar", "docker26-app.tar"])
def test_the_dockerfile_has_the_lines_that_were_written(real, name):
    """RUN in exec form is told with its words joined; everything else as in the two Dockerfiles."""
    text = views.dockerfile_text(real[name].images[0], comments=False)
    lines = text.split("\n")
    assert lines[0] == "FROM scratch"
    for line in (
        "ENV PATH=/bin",
        'CMD ["/bin/step"]',
        "ARG CHANNEL=stable",
        "WORKDIR /site",
        "USER 33",
        'VOLUME ["/data"]',
        "STOPSIGNAL SIGQUIT",
        'ENTRYPOINT ["/bin/step"]',
        "RUN /bin/step rm /data/big",
    ):
        assert line in lines, line
    assert not any(line.startswith("#") for line in lines)
    with_comments = views.dockerfile_text(real[name].images[0])
    assert "# step 5, layer 2: 66.7kB" in with_comments


def test_every_view_can_be_imported_by_name_and_nothing_else():
    for name in views.__all__:
        assert callable(getattr(views, name))
    with pytest.raises(AttributeError, match="no_such_view"):
        views.no_such_view  # noqa: B018
