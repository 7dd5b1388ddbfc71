"""`make test-kubernetes`: the tests on the cluster that KUBECONFIG names, or a loud word that nothing was shown."""

import os
import sys

import pytest

from tests.cluster.place import OPTIONAL, why_not

if __name__ == "__main__":
    if (reason := why_not()) is None:
        sys.exit(pytest.main(["-m", "cluster", "tests/cluster", *sys.argv[1:]]))
    line = "#" * 100
    sys.stderr.write(f"{line}\n# NOTHING WAS SHOWN ON A REAL CLUSTER: {reason}\n{line}\n")
    sys.exit(0 if os.environ.get(OPTIONAL) == "optional" else 1)
