"""The image's connector jars: the same list as the local stack's, and none but the pinned ones."""

from pathlib import Path

import pytest

from local.image_jars import _paths, fetch
from local.jars import _names


def test_the_image_gets_the_local_stacks_connector() -> None:
    """Both read one list; a jar that is added there is in the image, too."""
    paths = list(_paths())
    assert {path.rpartition("/")[2] for path in paths} == _names("connector")
    assert "org/apache/kafka/kafka-clients/3.9.2/kafka-clients-3.9.2.jar" in paths


def test_another_jar_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    """A repository that gives something else under the right name gets nothing into the image."""
    repository, folder = tmp_path / "maven", tmp_path / "jars"
    folder.mkdir()
    for path in _paths():
        (repository / path).parent.mkdir(parents=True)
        (repository / path).write_bytes(b"something else")
    with pytest.raises(ValueError, match="is not the pinned jar"):
        fetch(repository.as_uri(), folder)
    assert list(folder.iterdir()) == []
    with pytest.raises(OSError, match="No such file"):
        fetch((tmp_path / "empty").as_uri(), folder)
