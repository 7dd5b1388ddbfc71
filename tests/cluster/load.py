"""Orders that come from inside the cluster while something breaks."""

from tests.cluster.installation import MANIFESTS
from tests.cluster.kubectl import await_condition, find, kubectl

_FINISH_SECONDS = 420


def start_load(image: str, seconds: int) -> None:
    """Have a Job send orders for so long; each has a key, and is sent again until it is acknowledged."""
    kubectl("delete", "job", "load", "--ignore-not-found", "--wait")
    manifest = (MANIFESTS / "load.yaml").read_text().replace("IMAGE", image).replace("SECONDS", str(seconds))
    kubectl("apply", "--filename=-", typed=manifest)


def assert_load_settled() -> None:
    """Wait for the Job's end, and fail unless each accepted order has its one result."""
    await_condition("the end of the load", _ended, _FINISH_SECONDS)
    job = find("job", "load")
    assert job is not None
    assert job["status"].get("succeeded") == 1, kubectl("logs", "job/load", "--tail=60")


def _ended() -> bool:
    job = find("job", "load")
    return job is not None and any(job["status"].get(word) for word in ("succeeded", "failed"))
