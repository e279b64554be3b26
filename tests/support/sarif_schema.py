"""What of SARIF 2.1.0 we write, as a JSON Schema made by hand from the text of the standard.

Source: OASIS Standard "Static Analysis Results Interchange Format (SARIF) Version 2.1.0 Plus
Errata 01", 28 August 2023; sections are named beside each part. It allows nothing that we do not
write, so a new property needs a look into the standard. What schemas cannot say is in
``test_sarif.py``. The official schema is used as well, where OCI_INSPECT_SARIF_SCHEMA names it.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_FILLED: Json = {"type": "string", "minLength": 1}


def _object(properties: Json, *required: str) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


# 3.11.8, 3.12.3: a non-empty string
_MESSAGE = _object({"text": _FILLED}, "text")

# 3.4.3: a URI reference; RFC 3986, appendix A: which characters it may have
_ARTIFACT_LOCATION = _object(
    {
        "uri": {
            "type": "string",
            "pattern": r"^([A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$",
        }
    },
    "uri",
)

# 3.29; 3.30.5: lines count from 1
_PHYSICAL_LOCATION = _object(
    {
        "artifactLocation": _ARTIFACT_LOCATION,
        "region": _object({"startLine": {"type": "integer", "minimum": 1}}, "startLine"),
    },
    "artifactLocation",
)

# 3.33.4, 3.33.5, 3.33.7: a kind may be any string where none of the standard's fits
_LOGICAL_LOCATION = _object(
    {
        "name": _FILLED,
        "fullyQualifiedName": _FILLED,
        "kind": {"enum": ["image", "file", "layer"]},
    },
    "name",
    "kind",
)

# 3.28
_LOCATION = _object(
    {
        # 3.28.2: a non-negative integer
        "id": {"type": "integer", "minimum": 0},
        "physicalLocation": _PHYSICAL_LOCATION,
        # 3.28.4: unique elements
        "logicalLocations": {"type": "array", "items": _LOGICAL_LOCATION, "uniqueItems": True},
        "message": _MESSAGE,
    },
    "physicalLocation",
)

# 3.27.10, 3.49.14, 3.50.3
_LEVEL: Json = {"enum": ["none", "note", "warning", "error"]}

# 3.27
_RESULT = _object(
    {
        "ruleId": _FILLED,
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": _LEVEL,
        "message": _MESSAGE,
        # 3.27.12: the place of the result; more than one only where all must be changed
        "locations": {"type": "array", "items": _LOCATION, "minItems": 1, "maxItems": 1},
        # 3.27.22: unique elements
        "relatedLocations": {"type": "array", "items": _LOCATION, "uniqueItems": True},
        # 3.27.17: strings by name
        "partialFingerprints": {
            "type": "object",
            "additionalProperties": _FILLED,
            "required": ["primaryLocationLineHash"],
        },
        # 3.8: any JSON
        "properties": {"type": "object"},
    },
    "ruleId",
    "ruleIndex",
    "level",
    # 3.27.11
    "message",
    "locations",
    "partialFingerprints",
)

# 3.49; the three descriptions are asked for by code scanning
_RULE = _object(
    {
        "id": _FILLED,
        "shortDescription": _MESSAGE,
        "fullDescription": _MESSAGE,
        "help": _MESSAGE,
        "defaultConfiguration": _object({"level": _LEVEL}, "level"),
    },
    "id",
    "shortDescription",
    "fullDescription",
    "help",
)

# 3.19; 3.19.13: semanticVersion conforms to Semantic Versioning
_DRIVER = _object(
    {
        "name": {"const": "oci-inspect"},
        "version": _FILLED,
        "semanticVersion": {"type": "string", "pattern": r"^\d+\.\d+\.\d+([-+].+)?$"},
        "rules": {"type": "array", "items": _RULE, "uniqueItems": True},
    },
    "name",
)

# 3.14; 3.20.14: executionSuccessful is required
_RUN = _object(
    {
        "tool": _object({"driver": _DRIVER}, "driver"),
        "invocations": {
            "type": "array",
            "items": _object({"executionSuccessful": {"type": "boolean"}}, "executionSuccessful"),
        },
        "results": {"type": "array", "items": _RESULT},
    },
    "tool",
    "results",
)

# 3.13.2, 3.13.3, 3.13.4
SARIF: Json = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **_object(
        {
            "version": {"const": "2.1.0"},
            "$schema": {"type": "string", "pattern": r"^https://.*sarif-schema-2\.1\.0\.json$"},
            "runs": {"type": "array", "items": _RUN, "minItems": 1, "maxItems": 1},
        },
        "version",
        "runs",
    ),
}
