"""The manifest of a bundle as text: its canonical bytes, and what is refused as none."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path, PurePosixPath
from typing import Any

from triage_kit.errors import BundleError, Tampered

# Versions of the layout. Readers take every older one; a newer one is refused.
#   1  first: manifest.json, one Parquet file a table, raw/*.zst
FORMAT = 1

MANIFEST = "manifest.json"
MOST_BYTES = 64 << 20  # a case with ten thousand logs has about 10 MB
# What each part is, and the keys that each of its entries has, with their types.
PARTS: dict[str, tuple[type, dict[str, tuple[type, ...]]]] = {
    "collection": (dict, {}),
    "server": (dict, {}),
    "files": (list, {"path": (str,), "kind": (str,), "sha256": (str,), "bytes": (int,)}),
    "not_kept": (list, {"source": (str,), "reason": (str,)}),
    "questions": (list, {"source": (str,), "status": (str,), "reason": (str, type(None)),
                         "named": (bool, type(None))}),
}  # fmt: skip
OWN_KEY = {"table": "table", "raw": "source"}  # a file's kind, and the key that such an entry has besides


def canonical(manifest: dict[str, Any]) -> bytes:
    """The manifest's bytes: sorted keys, ASCII, and a digest of everything else in ``sha256``.

    >>> canonical({"format": 1})[:14]
    b'{\\n "format": 1'
    """
    told = {key: value for key, value in manifest.items() if key != "sha256"}
    told["sha256"] = hashlib.sha256(_json(told)).hexdigest()
    return _json(told)


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, indent=1, ensure_ascii=True, allow_nan=False).encode() + b"\n"


def read(file: Path) -> dict[str, Any]:
    """The content of a manifest or of a draft's journal.

    Raises BundleError when a newer kit wrote it, and Tampered when it is damaged, of another tool, or names files
    outside the bundle.
    """
    content = _content(file)
    try:
        manifest = json.loads(content)
        version = manifest["format"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Tampered(f"{file} is damaged: it is no manifest; use an intact copy of the bundle") from None
    if type(version) is not int or version > FORMAT:
        raise BundleError(
            f"{file} has format {str(version)[:40]!r} and this kit reads up to {FORMAT}: install a newer triage-kit"
        )
    if not _sealed(manifest, content):
        raise Tampered(f"{file} was changed after sealing: its digest is another; use an intact copy of the bundle")
    if not all(_fits(manifest.get(part), *shape) for part, shape in PARTS.items()) or not _told_apart(manifest):
        raise Tampered(f"{file} is no manifest of this kit: it lacks a part or has one of another shape; use an intact "
                       "copy of the bundle")  # fmt: skip
    for entry in manifest["files"]:
        if not inside(entry["path"]):
            raise Tampered(f"{file} names {entry['path'][:200]!r}, which lies outside the bundle")
    return manifest


def _content(file: Path) -> bytes:
    if file.is_symlink():
        raise Tampered(f"{file} is a link, not the file that was sealed: use an intact copy of the bundle")
    with file.open("rb") as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise Tampered(f"{file} is larger than {MOST_BYTES >> 20} MiB: that is no manifest; use an intact copy")
    return content


def _sealed(manifest: dict[str, Any], content: bytes) -> bool:
    try:
        return canonical(manifest) == content
    except (ValueError, RecursionError):  # JSON as others write it may hold NaN
        return False


def _fits(part: object, kind: type, keys: dict[str, tuple[type, ...]]) -> bool:
    if not isinstance(part, kind):
        return False
    entries = part if isinstance(part, list) else []
    return all(isinstance(entry, dict) and all(isinstance(entry.get(key, ...), types) for key, types in keys.items())
               for entry in entries)  # fmt: skip


def _told_apart(manifest: dict[str, Any]) -> bool:
    """Whether each file says which table or source it is, and stands there once."""
    files = manifest["files"]
    named = all(isinstance(entry.get(OWN_KEY.get(entry["kind"], "")), str) for entry in files)
    return named and len({entry["path"] for entry in files}) == len(files)


def inside(path: str) -> bool:
    """Whether a path of a manifest stays in the bundle: relative, plain, at most one folder deep.

    >>> inside("raw/server.log.zst"), inside("../passwd"), inside("/etc/passwd"), inside("raw\\\\..\\\\x")
    (True, False, False, False)
    """
    parts = PurePosixPath(path).parts
    plain = path == "/".join(parts) and not any(part in ("", ".", "..") or set(part) & set("\\:\0") for part in parts)
    return plain and not path.startswith("/") and (len(parts) == 1 or (len(parts) == 2 and parts[0] == "raw"))
