"""What Stripe says when it will not."""

from __future__ import annotations

from typing import Any, Self


class StripeRefusal(Exception):  # noqa: N818 - a refusal is an answer, not a failure of the twin
    """An error answer in Stripe's own shape."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        before_execution: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.before_execution = before_execution
        """Refused before the operation began: not kept under the idempotency key."""
        facts = {"code": code, "message": message, "param": param, "type": kind} | more
        if code:
            facts["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
        self.body = {"error": {name: value for name, value in facts.items() if value is not None}}

    @classmethod
    def invalid(cls, message: str, *, param: str | None = None, code: str | None = None) -> Self:
        return cls(message, param=param, code=code, before_execution=True)

    @classmethod
    def unknown_parameter(cls, param: str) -> Self:
        return cls(f"Received unknown parameter: {param}", code="parameter_unknown", param=param, before_execution=True)

    @classmethod
    def missing_parameter(cls, param: str) -> Self:
        return cls(f"Missing required param: {param}.", code="parameter_missing", param=param, before_execution=True)

    @classmethod
    def no_such(cls, what: str, id_: str, *, param: str = "id", status: int = 404) -> Self:
        return cls(f"No such {what}: '{id_}'", status=status, code="resource_missing", param=param)
