"""How the API describes an answer that is a file."""

from typing import Any


def download(media_type: str) -> dict[str, Any]:
    """`openapi_extra` of an operation that answers with a file."""
    schema = {"type": "string", "format": "binary"}
    return {"responses": {200: {"content": {media_type: {"schema": schema}}}}}


DOWNLOAD = download("application/octet-stream")
ZIP = download("application/zip")
