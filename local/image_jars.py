"""The connector's jars for the image, straight from a Maven repository: `python -m local.image_jars URL FOLDER`.

The same jars as `local.jars` fetches, by the same list and hashes, without Java: only Python's certificates are needed.
"""

import hashlib
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

_HERE: Final = Path(__file__).parent
_GROUP: Final = "connector->master"
_SECONDS: Final = 120


def fetch(repository: str, folder: Path) -> None:
    """Put every jar of the connector into the folder.

    Args:
        repository: a Maven repository's address, without a slash at its end.
        folder: must exist.

    Raises:
        OSError: the repository does not give a jar.
        ValueError: it gave another one than the pinned one.
    """
    pinned = {name: digest for digest, name in map(str.split, (_HERE / "jars.sha256").read_text().splitlines())}
    for path in _paths():
        name = path.rpartition("/")[2]
        with urllib.request.urlopen(f"{repository}/{path}", timeout=_SECONDS) as answer:  # noqa: S310 # the builder's own
            jar = answer.read()
        if hashlib.sha256(jar).hexdigest() != pinned[name]:
            raise ValueError(f"{name} from {repository} is not the pinned jar: its SHA-256 differs")
        (folder / name).write_bytes(jar)


def _paths() -> Iterator[str]:
    for each in ET.parse(_HERE / "ivy.xml").getroot().iter("dependency"):  # noqa: S314 # the file is our own
        if each.get("conf") == _GROUP:
            group, name, version = each.attrib["org"].replace(".", "/"), each.attrib["name"], each.attrib["rev"]
            yield f"{group}/{name}/{version}/{name}-{version}.jar"


if __name__ == "__main__":
    fetch(sys.argv[1], Path(sys.argv[2]))
