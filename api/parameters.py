"""Query parameters: integers, bare or quoted, as the original's clients send them."""

from falcon.asgi import Request

from api.problems import ApiProblem, Kind

_DIGITS_MAX = 19


def integer(request: Request, *names: str, low: int, high: int, default: int | None = None) -> int:
    """Return the integer that the first of these names gives.

    Raises:
        ApiProblem: missing without a default, no integer, or out of range.
    """
    for name in names:
        text = request.get_param(name)
        if text is not None:
            return _integer(name, text, low, high)
    if default is None:
        raise ApiProblem(Kind.BAD_PARAMETER, f"the parameter {names[0]} is required")
    return default


def _integer(name: str, text: str, low: int, high: int) -> int:
    digits = text.strip("\"'")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS_MAX and low <= int(digits) <= high):
        raise ApiProblem(Kind.BAD_PARAMETER, f"the parameter {name} is an integer from {low} to {high}")
    return int(digits)
