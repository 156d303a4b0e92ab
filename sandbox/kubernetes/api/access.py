"""Decides who is who by bearer tokens, and what each may do by roles as data. No I/O here."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from sandbox.kubernetes.api.errors import Refused, unauthorized
from sandbox.kubernetes.api.resources import Json

ADMIN = "kubernetes-admin"
EVERYWHERE = "*"


@dataclass(frozen=True)
class Rule:
    """One rule of a role: `resources` may name subresources ("pods/exec"); "*" stands for all."""

    verbs: tuple[str, ...]
    resources: tuple[str, ...]
    groups: tuple[str, ...] = ("",)
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, rule: Json) -> Self:
        """As it stands in a Role's `rules`."""
        listed = (rule.get(field) or () for field in ("verbs", "resources", "apiGroups", "resourceNames"))
        return cls(*map(tuple, listed))

    def allows(self, asked: "Question") -> bool:
        """Whether it covers this."""
        named = not self.names or asked.name in self.names
        return (
            named
            and _covers(self.verbs, asked.verb)
            and _covers(self.groups, asked.group)
            and _covers(self.resources, asked.resource)
        )


@dataclass(frozen=True)
class Question:
    """What somebody wants to do; `resource` with its subresource, `namespace` empty for all of them."""

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    name: str = ""


@dataclass
class User:
    """Somebody with a token, and the rules that hold for them in each namespace (EVERYWHERE: in all)."""

    name: str
    rules: Mapping[str, tuple[Rule, ...]]
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    denied: set[tuple[str, str]] = field(default_factory=set)
    """Pairs of a verb and a resource that are taken away again, such as ("create", "pods/exec")."""

    def may(self, asked: Question) -> bool:
        """Whether any rule covers this, and it is not taken away."""
        if (asked.verb, asked.resource) in self.denied:
            return False
        rules = (*self.rules.get(EVERYWHERE, ()), *(self.rules.get(asked.namespace, ()) if asked.namespace else ()))
        return any(rule.allows(asked) for rule in rules)


class Access:
    """Everybody that the API server knows; from the start an administrator who may do everything."""

    def __init__(self) -> None:
        self._by_token: dict[str, User] = {}
        self.admin = self.add(ADMIN, {EVERYWHERE: (Rule(("*",), ("*",), ("*",)),)})

    def add(self, name: str, rules: Mapping[str, Iterable[Rule]]) -> User:
        """Let somebody in; `name` as in "system:serviceaccount:chatops:tandem"."""
        user = User(name, {namespace: tuple(listed) for namespace, listed in rules.items()})
        self._by_token[user.token] = user
        return user

    def who(self, authorization: str) -> User:
        """Who sent this header.

        Raises:
            Refused: 401 for a token that nobody has, or none.
        """
        user = self._by_token.get(authorization.removeprefix("Bearer "))
        if user is None:
            raise unauthorized()
        return user


def check(user: User, asked: Question) -> None:
    """Let this pass, or refuse it in Kubernetes' own words.

    Raises:
        Refused: 403.
    """
    if user.may(asked):
        return
    kind = asked.resource.partition("/")[0]
    what = f"{kind}.{asked.group}" if asked.group else kind
    named = f' "{asked.name}"' if asked.name else ""
    where = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    message = (
        f'{what}{named} is forbidden: User "{user.name}" cannot {asked.verb} resource "{asked.resource}" '
        f'in API group "{asked.group}" {where}'
    )
    details = {"name": asked.name, "group": asked.group, "kind": kind}
    raise Refused(403, "Forbidden", message, {name: value for name, value in details.items() if value})


def _covers(listed: tuple[str, ...], one: str) -> bool:
    return one in listed or "*" in listed
