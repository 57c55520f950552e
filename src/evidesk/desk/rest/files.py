"""How the API describes files, sent and answered."""

from typing import Any


def download(media_type: str) -> dict[str, Any]:
    """`openapi_extra` of an operation that answers with a file."""
    schema = {"type": "string", "format": "binary"}
    return {"responses": {200: {"content": {media_type: {"schema": schema}}}}}


def upload(field: str) -> dict[str, Any]:
    """`openapi_extra` of an operation that takes a file, which is never empty."""
    schema = {"properties": {field: {"minLength": 1}}}
    return {"requestBody": {"content": {"multipart/form-data": {"schema": schema}}}}


DOWNLOAD = download("application/octet-stream")
ZIP = download("application/zip")
