"""Why there is no answer."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, ClassVar, Literal

__all__ = ["DeniedError", "DeputizeError", "InputError", "InternalError", "MisuseError"]


class DeputizeError(Exception):
    """Why there is no answer; each error is of one of the classes below.

    >>> from deputize import Policy
    >>> try:
    ...     Policy.from_json({"deputize": 1, "tuple": []})
    ... except DeputizeError as error:
    ...     print(error.kind, error.code, error.pointer)
    input snapshot.shape /tuple
    """

    kind: ClassVar[Literal["misuse", "input", "denied", "internal"]] = "internal"

    code: str
    """A stable dotted name, the same in every language, e.g. `token.expired`."""
    message: str
    """The error in words."""
    pointer: str | None
    """The JSON pointer of what is wrong, in the document or the options that were given."""
    line: int | None
    """The line of what is wrong, from 1, where the document or its model is a text with lines."""
    column: int | None
    """The column of what is wrong, from 1, in characters."""
    oauth_error: str | None
    """For a refused exchange or client: the `error` of an OAuth response."""

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        pointer: str | None = None,
        line: int | None = None,
        column: int | None = None,
        oauth_error: str | None = None,
    ) -> None:
        # Some libraries raise an error again as `type(error)(str(error))`.
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.pointer = pointer
        self.line = line
        self.column = column
        self.oauth_error = oauth_error

    def __str__(self) -> str:
        # A document's reader says the place itself.
        said = self.pointer is None or f"`{self.pointer}`" in self.message
        place = "" if said else f" (at {self.pointer})"
        words = f": {self.message}" if self.message else ""
        return f"{self.code}{words}{place}"

    def to_dict(self) -> dict[str, Any]:
        """The error as plain data, e.g. for a problem document."""
        body = {"kind": self.kind, "code": self.code, "message": self.message}
        for name in ("pointer", "line", "column", "oauth_error"):
            value = getattr(self, name)
            if value is not None:
                body[name] = value
        return body

    def __reduce__(self) -> tuple[Any, ...]:
        return (_of_body, (self.to_dict(),))


class MisuseError(DeputizeError, TypeError):
    """The calling program's to mend: an argument is not what it must be."""

    kind = "misuse"


class InputError(DeputizeError, ValueError):
    """To mend for whoever wrote the snapshot or asked the question."""

    kind = "input"


class DeniedError(DeputizeError):
    """Nobody's to mend: a token, a chain or a request is refused, for the reason that `code` names."""

    kind = "denied"


class InternalError(DeputizeError):
    """Ours: please report it."""

    kind = "internal"


def _of_body(body: Mapping[str, Any]) -> DeputizeError:
    """The error that another language's would be, from its plain data."""
    classes: dict[str, type[DeputizeError]] = {
        "misuse": MisuseError,
        "input": InputError,
        "denied": DeniedError,
    }
    details = {name: body.get(name) for name in ("pointer", "line", "column", "oauth_error")}
    return classes.get(body["kind"], InternalError)(body["code"], body["message"], **details)
