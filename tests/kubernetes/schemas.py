"""What the API server would refuse: unknown fields, wrong types, for Kubernetes' own resources and the operators'."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
from jsonschema import Draft202012Validator

VERSIONS: Final = tuple(f"1.{minor}" for minor in range(30, 37))
_FOLDER: Final = Path(__file__).with_name("crds")
CUSTOM: Final = {path.stem for path in _FOLDER.glob("*.json")}
UNCHECKED: Final = {"ServiceMonitor"}
"""Optional, and of an operator whose schemas are not kept here."""


class RefusedError(Exception):
    """A manifest that a cluster would not take."""


def require_valid(manifest: dict[str, Any], version: str) -> None:
    """Return if a cluster of this version takes the manifest.

    Raises:
        RefusedError: it would not; the message names the field.
    """
    kind = manifest["kind"]
    if kind in UNCHECKED:
        return
    if kind in CUSTOM:
        _require_custom(manifest)
        return
    try:
        kubernetes_validate.validate(manifest, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        raise RefusedError(f"{kind} {manifest['metadata']['name']}: {error}") from error


def _require_custom(manifest: dict[str, Any]) -> None:
    kind = manifest["kind"]
    api_version, validator = _schema(kind)
    if manifest["apiVersion"] != api_version:
        raise RefusedError(f"{kind} has {manifest['apiVersion']}, not {api_version}")
    if unknown := manifest.keys() - {"apiVersion", "kind", "metadata", "spec"}:
        raise RefusedError(f"{kind}: unknown {unknown}")
    for error in validator.iter_errors(manifest["spec"]):
        raise RefusedError(f"{kind} {manifest['metadata']['name']}: {error.json_path} {error.message}")


@cache
def _schema(kind: str) -> tuple[str, Draft202012Validator]:
    vendored = json.loads((_FOLDER / f"{kind}.json").read_text())
    return vendored["apiVersion"], Draft202012Validator(_strict(vendored["spec"]))


def _strict(schema: Any) -> Any:
    """Return a CRD's schema as JSON Schema that refuses what the API server would drop."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _strict(value) for key, value in schema.items()}
    if schema.get("x-kubernetes-int-or-string"):
        strict.pop("type", None)
        strict["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    open_ended = "additionalProperties" in schema or schema.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(schema.get("properties"), dict) and not open_ended:
        strict["additionalProperties"] = False
    return strict
