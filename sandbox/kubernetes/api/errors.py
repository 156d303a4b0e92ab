"""Words each refusal as a real API server does: a code, a reason, a message and its details. No I/O here."""

from collections.abc import Sequence

from sandbox.kubernetes.api.resources import Json, Resource


class Refused(Exception):  # noqa: N818 - Kubernetes answers it as a Status, which is no error by name
    """What the API server answers instead: an HTTP code with a Status object."""

    def __init__(self, code: int, reason: str, message: str, details: Json | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def status(self) -> Json:
        """The Status object."""
        status: Json = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        status |= {"message": self.message, "reason": self.reason, "code": self.code}
        if self.details is not None:
            status["details"] = self.details
        return status


def not_found(resource: Resource, name: str) -> Refused:
    """There is no object of that name."""
    return Refused(404, "NotFound", f'{resource.qualified} "{name}" not found', _details(resource, name))


def no_such_path() -> Refused:
    """The path names no resource that this server has."""
    message = "the server could not find the requested resource"
    return Refused(404, "NotFound", message, {"causes": [{"reason": "UnexpectedServerResponse", "message": message}]})


def already_exists(resource: Resource, name: str) -> Refused:
    """There is an object of that name already."""
    return Refused(409, "AlreadyExists", f'{resource.qualified} "{name}" already exists', _details(resource, name))


def conflict(resource: Resource, name: str, why: str = "") -> Refused:
    """The object is not as the caller has seen it any more."""
    changed = "the object has been modified; please apply your changes to the latest version and try again"
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why or changed}'
    return Refused(409, "Conflict", message, _details(resource, name))


def invalid(resource: Resource, name: str, problems: Sequence[tuple[str, str]]) -> Refused:
    """The object breaks rules: pairs of a field and what is wrong with it."""
    causes = [{"reason": "FieldValueInvalid", "message": problem, "field": where} for where, problem in problems]
    found = [f"{where}: {problem}" for where, problem in problems]
    listed = found[0] if len(found) == 1 else f"[{', '.join(found)}]"
    details = {"name": name, "group": resource.group, "kind": resource.kind, "causes": causes}
    return Refused(422, "Invalid", f'{resource.qualified_kind} "{name}" is invalid: {listed}', details)


def bad_request(message: str) -> Refused:
    """The request makes no sense."""
    return Refused(400, "BadRequest", message)


def unauthorized() -> Refused:
    """Nobody knows this token."""
    return Refused(401, "Unauthorized", "Unauthorized")


def expired(message: str) -> Refused:
    """What the caller has seen is so old that the way from there to now is forgotten."""
    return Refused(410, "Expired", message)


def method_not_allowed() -> Refused:
    """The resource does not know this verb."""
    message = "the server does not allow this method on the requested resource"
    return Refused(405, "MethodNotAllowed", message, {})


def internal_error(message: str) -> Refused:
    """Something went wrong that is nobody's request's fault."""
    return Refused(500, "InternalError", f"Internal error occurred: {message}", {"causes": [{"message": message}]})


def _details(resource: Resource, name: str) -> Json:
    return {"name": name, **({"group": resource.group} if resource.group else {}), "kind": resource.plural}
