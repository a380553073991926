"""What is installed beside the package: its licences, those of the crates in it, and a list of these crates."""

import json
from importlib import metadata

import pytest

DISTRIBUTION = metadata.distribution("cvm-sdk")


def installed(ending):
    """The text of the one file with this ending."""
    [found] = [file for file in DISTRIBUTION.files if str(file).replace("\\", "/").endswith(ending)]
    return found.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("LICENSE-APACHE", "Apache License"),
        ("LICENSE-MIT", "Permission is hereby granted"),
        ("THIRD-PARTY-LICENSES.txt", "it is used under that licence"),
    ],
)
def test_licences_are_there_and_named(name, words):
    assert name in DISTRIBUTION.metadata.get_all("License-File")
    assert words in installed(f".dist-info/licenses/{name}")
    assert DISTRIBUTION.metadata["License-Expression"] == "MIT OR Apache-2.0"


def test_the_bill_of_materials_lists_every_crate_with_its_licence():
    materials = json.loads(installed(".dist-info/sboms/cvm-sdk.cdx.json"))
    assert (materials["bomFormat"], materials["specVersion"]) == ("CycloneDX", "1.5")
    assert materials["metadata"]["component"]["version"] == DISTRIBUTION.version
    components = materials["components"]
    assert {"cvm-proto", "rustls", "pyo3", "serde_json"} <= {part["name"] for part in components}
    licences = installed(".dist-info/licenses/THIRD-PARTY-LICENSES.txt")
    for part in components:
        assert part["licenses"][0]["expression"], part
        if not part["name"].startswith("cvm-"):
            assert f"\n{part['name']} {part['version']} (" in licences
    known = {part["bom-ref"] for part in components} | {materials["metadata"]["component"]["bom-ref"]}
    assert {entry["ref"] for entry in materials["dependencies"]} == known
    assert {below for entry in materials["dependencies"] for below in entry["dependsOn"]} <= known


def test_nothing_names_the_machine_that_built_it():
    for file in DISTRIBUTION.files:
        if str(file).endswith((".json", ".txt", "METADATA")):
            assert "path+file:" not in file.read_text(encoding="utf-8"), file
