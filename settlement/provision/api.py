"""The API: does it live, and is it ready."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Final

from settlement.provision.finding import Finding
from settlement.settings import Settings

_SECONDS: Final = 5
_ANSWER_BYTES_MAX: Final = 4096


def check_api(settings: Settings) -> Iterator[Finding]:
    """Yield what the API says of itself."""
    url = f"{settings.api_url.rstrip('/')}/readyz"
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 # the operator's own address
            yield Finding("readiness", f"{url} answers {answer.status}")
    except urllib.error.HTTPError as error:
        seen = f"{url} answers {error.code}: {_detail(error.read(_ANSWER_BYTES_MAX))}"
        yield Finding("readiness", seen, "Mend the dependency that it names; orders accepted before are safe in Kafka")
    except (OSError, ValueError) as error:
        remedy = f"Start the API, or mend KIWI_API_URL={settings.api_url}"
        yield Finding("readiness", f"no answer ({getattr(error, 'reason', error)})", remedy)


def _detail(body: bytes) -> str:
    """Return what problem+json says in words, else the body as it is."""
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")[:200]
