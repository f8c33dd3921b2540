"""What GoCardless says when it will not; the bodies have the shape of its published examples."""

from __future__ import annotations

from typing import Any, Self

_DOCS = "https://developer.gocardless.com/api-reference"


class GoCardlessRefusal(Exception):  # noqa: N818 - a refusal is an answer, not a failure of the twin
    """An error answer in GoCardless's own shape."""

    def __init__(
        self, message: str, *, status: int, kind: str, errors: list[dict[str, Any]] | None = None, anchor: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.errors: list[dict[str, Any]] = errors if errors is not None else [{"message": message}]
        self.anchor = anchor or str(self.errors[0].get("reason", kind) if self.errors else kind)

    def body(self, request_id: str) -> dict[str, Any]:
        error = {
            "code": self.status,
            "documentation_url": f"{_DOCS}#{self.anchor}",
            "errors": self.errors,
            "message": str(self),
            "request_id": request_id,
            "type": self.kind,
        }
        return {"error": error}

    @classmethod
    def usage(cls, message: str, reason: str, *, status: int = 400) -> Self:
        return cls(message, status=status, kind="invalid_api_usage", errors=[{"message": message, "reason": reason}])

    @classmethod
    def not_found(cls) -> Self:
        return cls.usage("Resource not found", "resource_not_found", status=404)

    @classmethod
    def state(cls, message: str, reason: str, **links: str) -> Self:
        error: dict[str, Any] = {"message": message, "reason": reason}
        if links:
            error["links"] = links
        return cls(message, status=422, kind="invalid_state", errors=[error])

    @classmethod
    def conflict(cls, existing: str) -> Self:
        message = "A resource has already been created with this idempotency key"
        error = {
            "links": {"conflicting_resource_id": existing},
            "message": message,
            "reason": "idempotent_creation_conflict",
        }
        return cls(message, status=409, kind="invalid_state", errors=[error])

    @classmethod
    def invalid(cls, resource: str, **faults: str) -> Self:
        """`invalid("payments", amount="must be a number")`."""
        errors = [
            {"field": field, "message": message, "request_pointer": f"/{resource}/{field.replace('.', '/')}"}
            for field, message in faults.items()
        ]
        return cls("Validation failed", status=422, kind="validation_failed", errors=errors)
