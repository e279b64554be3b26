"""Documents: JSON, manifests and configs, and what they say of the image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.images import (
    ImageBuilder,
    Json,
    docker_archive,
    oci_layout,
)
from support.tars import TarBuilder
from test_findings import Built, Cases, Make, app, check, fires, quiet, stack

from oci_inspect import Limits

cases = Cases()


class WithConfig(ImageBuilder):
    """An image whose config is these bytes; its manifest is right about them."""

    def __init__(self, change: str, to: str) -> None:
        super().__init__("a:1")
        self.layer(TarBuilder().file("a", b"content"))
        self._change = (change.encode(), to.encode())

    @property
    def config(self) -> bytes:
        config = super().config
        assert config.count(self._change[0]) == 1
        return config.replace(*self._change)


def configured(**changes: object) -> ImageBuilder:
    """An image with these keys of its config changed."""
    return app().patch_config(lambda one: one.update(changes))


def created(time: object) -> Built:
    return quiet(oci_layout(configured(created=time)))


# JSON


@cases("json-invalid")
def a_config_with_a_second_value_behind_it() -> Built:
    image = WithConfig('{"architecture"', '{} {"architecture"')
    return fires(oci_layout(image), image.image_id)


@cases("json-invalid")
def a_config_with_a_byte_order_mark() -> Built:
    image = WithConfig('{"architecture"', '\ufeff{"architecture"')
    return fires(oci_layout(image), image.image_id)


@cases("json-invalid")
def a_config_that_is_a_list() -> Built:
    archive = docker_archive(app(), style="jib").replace("config.json", b"[]")
    return fires(archive, "config.json")


@cases("json-invalid")
def a_config_that_is_null() -> Built:
    archive = docker_archive(app(), style="jib").replace("config.json", b"null")
    return fires(archive, "config.json")


@cases("json-invalid")
def a_manifest_that_names_no_config() -> Built:
    image = app().patch_manifest(lambda one: one.pop("config"))
    return fires(oci_layout(image), image.manifest_digest, also="blob-unreferenced")


@cases("json-invalid")
def an_entry_of_docker_s_manifest_that_names_no_config() -> Built:
    archive = docker_archive(app(), style="jib")
    archive.edit("manifest.json", lambda all_: all_[0].pop("config") and None)
    return fires(archive, "manifest.json", also="blob-unreferenced")


@cases("json-invalid")
def a_config_nested_65_deep() -> Built:
    image = configured(deep=nested(64))
    return fires(oci_layout(image), image.image_id, also="limit-exceeded")


@cases("json-invalid")
def a_config_nested_64_deep_with_white_space_around_it() -> Built:
    image = WithConfig('{"architecture"', ' \t\r\n{"architecture"')
    image.patch_config(lambda one: one.update(deep=nested(63)))
    return quiet(oci_layout(image))


@cases("json-invalid")
def a_config_just_at_the_limit() -> Built:
    image = configured(padding="x" * 2000)
    return quiet(oci_layout(image), limits=Limits(json_bytes=len(image.config)))


def nested(depth: int) -> object:
    value: object = []
    for _ in range(depth - 1):
        value = [value]
    return value


@cases("json-key-ambiguous")
def a_key_that_stands_twice() -> Built:
    image = WithConfig('"os":"linux"', '"os":"windows","os":"linux"')
    return fires(oci_layout(image), image.image_id)


@cases("json-key-ambiguous")
def two_keys_that_differ_by_case() -> Built:
    image = app().patch_manifest(lambda one: one.update(Layers=[]))
    return fires(oci_layout(image), image.manifest_digest)


@cases("json-key-ambiguous")
def two_labels_that_differ_by_case() -> Built:
    labels = {"version": "1", "Version": "2"}
    run = {"Labels": labels, "ExposedPorts": {"80/tcp": {}, "80/TCP": {}}}
    return quiet(oci_layout(configured(config=run)))


@cases("json-key-ambiguous")
def keys_in_another_case_but_once() -> Built:
    return quiet(docker_archive(app(), style="jib"))


# Manifests


@cases("schema-version")
def a_manifest_of_version_1() -> Built:
    image = app().patch_manifest(lambda one: one.update(schemaVersion=1))
    return fires(oci_layout(image), image.manifest_digest)


@cases("schema-version")
def a_manifest_of_version_true() -> Built:
    image = app().patch_manifest(lambda one: one.update(schemaVersion=True))
    return fires(oci_layout(image), image.manifest_digest)


@cases("schema-version")
def an_index_without_a_version() -> Built:
    archive = oci_layout(app()).edit("index.json", lambda one: one.pop("schemaVersion") and None)
    return fires(archive, "index.json", on=None)


@cases("schema-version")
def a_config_without_a_version() -> Built:
    image = app()
    assert b"schemaVersion" not in image.config
    return quiet(oci_layout(image))


@cases("manifest-ambiguous")
def a_manifest_with_manifests() -> Built:
    image = app().patch_manifest(lambda one: one.update(manifests=[]))
    return fires(oci_layout(image), image.manifest_digest)


@cases("manifest-ambiguous")
def an_index_with_layers() -> Built:
    return fires(oci_layout(app(), index={"layers": []}), "index.json", on=None)


@cases("manifest-ambiguous")
def manifests_that_are_null() -> Built:
    image = app().patch_manifest(lambda one: one.update(manifests=None))
    return quiet(oci_layout(image, index={"layers": None}))


# Configs


@cases("config-invalid")
def a_rootfs_of_another_type() -> Built:
    image = app().patch_config(lambda one: one["rootfs"].update(type="tree"))
    return fires(oci_layout(image), image.image_id)


@cases("config-invalid")
def a_command_that_is_no_list() -> Built:
    image = configured(config={"Cmd": "sh"})
    return fires(oci_layout(image), image.image_id)


@cases("config-invalid")
def fields_that_are_null_and_fields_that_nobody_knows() -> Built:
    run = {"Cmd": None, "Labels": None, "Volumes": None, "Env": [], "Shiny": 1}
    return quiet(oci_layout(configured(config=run, author=None, shiny=[])))


@cases("platform-missing")
def a_config_without_an_architecture() -> Built:
    image = app().patch_config(lambda one: one.pop("architecture"))
    return fires(oci_layout(image), image.image_id)


@cases("platform-missing")
def a_config_without_a_variant() -> Built:
    return quiet(oci_layout(ImageBuilder("a:1", architecture="arm").layer(TarBuilder())))


@cases("platform-mismatch")
def an_index_that_names_another_architecture() -> Built:
    image = app()
    archive = oci_layout(image, platforms=True).edit("index.json", rename("architecture", "arm64"))
    return fires(archive, image.manifest_digest)


@cases("platform-mismatch")
def an_index_that_names_another_variant() -> Built:
    image = ImageBuilder("a:1", architecture="arm", variant="v6").layer(TarBuilder().file("a"))
    archive = oci_layout(image, platforms=True).edit("index.json", rename("variant", "v7"))
    return fires(archive, image.manifest_digest)


@cases("platform-mismatch")
def an_index_that_names_a_variant_where_the_config_names_none() -> Built:
    image = ImageBuilder("a:1", architecture="arm64").layer(TarBuilder().file("a"))
    return quiet(oci_layout(image, platforms=True).edit("index.json", rename("variant", "v8")))


def rename(key: str, value: str) -> Callable[[Json], None]:
    def change(index: Json) -> None:
        index["manifests"][0]["platform"][key] = value

    return change


@cases("created-invalid")
def a_time_with_a_space() -> Built:
    image = configured(created="2024-02-03 04:05:06Z")
    return fires(oci_layout(image), image.image_id)


@cases("created-invalid")
def a_time_of_no_calendar() -> Built:
    image = configured(created="2023-02-29T00:00:00Z")
    return fires(oci_layout(image), image.image_id)


@cases("created-invalid")
def a_time_without_a_zone_in_the_history() -> Built:
    image = app().patch_config(lambda one: one["history"][0].update(created="2024-02-03T04:05:06"))
    return fires(oci_layout(image), image.image_id)


@cases("created-invalid")
def a_time_in_nanoseconds_with_an_offset() -> Built:
    return created("2024-02-29T23:59:59.123456789+05:45")


@cases("created-invalid")
def no_time_at_all() -> Built:
    return created(None)


@cases("created-zero")
def the_epoch() -> Built:
    image = configured(created="1970-01-01T00:00:00Z")
    return fires(oci_layout(image), image.image_id)


@cases("created-zero")
def the_epoch_in_another_zone() -> Built:
    image = configured(created="1970-01-01T02:00:00+02:00")
    return fires(oci_layout(image), image.image_id)


@cases("created-zero")
def the_year_1() -> Built:
    """Go's time of value zero."""
    image = configured(created="0001-01-01T00:00:00Z")
    return fires(oci_layout(image), image.image_id)


@cases("created-zero")
def a_second_behind_the_epoch() -> Built:
    return created("1970-01-01T00:00:01Z")


@cases("history-mismatch")
def a_history_that_tells_of_one_step_more() -> Built:
    image = app().empty("RUN true", flag=False)
    return fires(oci_layout(image), image.image_id)


@cases("history-mismatch")
def a_history_that_tells_of_one_step_fewer() -> Built:
    image = stack(TarBuilder().file("a"), TarBuilder().file("b"))
    image.patch_config(lambda one: one.update(history=one["history"][:1]))
    return fires(oci_layout(image), image.image_id)


@cases("history-mismatch")
def no_history() -> Built:
    image = app().without_history()
    return fires(oci_layout(image), image.image_id)


@cases("history-mismatch")
def steps_that_say_they_made_no_layer() -> Built:
    image = ImageBuilder("a:1").empty("ARG A").empty("ENV B=1").layer(TarBuilder().file("a"))
    return quiet(oci_layout(image.empty("CMD sh")))


@cases("history-mismatch")
def no_history_and_no_layers() -> Built:
    return quiet(docker_archive(ImageBuilder("a:1").without_history()))


# The layout and its digests


@cases("layout-version")
def a_layout_of_version_1_0_1() -> Built:
    archive = oci_layout(app()).replace("oci-layout", b'{"imageLayoutVersion":"1.0.1"}')
    return fires(archive, "oci-layout", on=None)


@cases("layout-version")
def no_file_that_says_it_is_a_layout() -> Built:
    return fires(oci_layout(app()).drop("oci-layout"), "oci-layout", on=None)


@cases("layout-version")
def a_layout_that_says_more_than_it_must() -> Built:
    said = b' {"x": 1,\n "imageLayoutVersion" : "1.0.0"}\n'
    return quiet(oci_layout(app()).replace("oci-layout", said))


@cases("layout-version")
def a_docker_archive_has_no_such_file() -> Built:
    return quiet(docker_archive(app()))


@pytest.mark.parametrize(("rule", "make"), cases.parameters())
def test_rule(rule: str, make: Make, tmp_path: Path) -> None:
    check(rule, make, tmp_path)
