"""Table: one table of the partner's file, with typed access. Every error names the member and the remedy."""

from collections.abc import Mapping
from typing import Any

from conformance.words import LocalisedError, Texts, plain, say

_MAX_SECONDS = 86_400.0


class SetupError(LocalisedError):
    """The partner's set-up is invalid; ``step`` is the remedy, ``code`` names the error in reports."""

    def __init__(self, text: Texts, *, step: Texts, code: str = "set-up") -> None:
        super().__init__(text)
        self.step = step
        self.code = code


class Table:
    """One table of the file, with typed access to its members. Every method raises SetupError."""

    def __init__(self, body: object, path: str) -> None:
        if not isinstance(body, Mapping):
            raise SetupError(say("no-table", location=path), step=say("no-table-step", location=path))
        self.body: Mapping[str, Any] = body
        self.path = path

    def allow(self, *names: str) -> None:
        """Refuse every other member."""
        for name in self.body:
            if name not in names:
                known = ", ".join(names)
                raise SetupError(say("not-known", name=self.named(name)), step=say("not-known-step", known=known))

    def named(self, name: str) -> str:
        """The full name of a member."""
        return f"{self.path}.{name}" if self.path else name

    def table(self, name: str) -> "Table":
        """A table within; empty where there is none."""
        return Table(self.body.get(name, {}), self.named(name))

    def tables(self, name: str) -> list[Any]:
        """A list of tables; empty where there is none."""
        found = self.body.get(name, [])
        if not isinstance(found, list):
            raise SetupError(say("no-tables", name=self.named(name)), step=say("no-tables-step", name=self.named(name)))
        return found

    def text(self, name: str, *default: str | None) -> Any:
        """A non-empty text; required where no default is given."""
        if name not in self.body and default:
            return default[0]
        value = self.body.get(name)
        if not isinstance(value, str) or not value.strip():
            raise SetupError(say("no-text", name=self.named(name)), step=say("no-text-step", name=name))
        return value

    def texts(self, name: str) -> list[str]:
        """A list of texts; empty where there is none."""
        found = self.body.get(name, [])
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise SetupError(say("no-texts", name=self.named(name)), step=say("no-texts-step", name=name))
        return found

    def secret(self, environ: Mapping[str, str]) -> str:
        """The secret in the environment variable that ``secret_env`` names; the file holds none."""
        if "secret" in self.body:
            raise SetupError(say("secret-in-file", location=self.path), step=say("secret-in-file-step"))
        variable = self.text("secret_env")
        secret = environ.get(variable, "")
        if not secret:
            text = say("secret-empty", location=self.path, variable=variable)
            raise SetupError(text, step=plain(f"export {variable}=…"))
        return secret

    def choice(self, name: str, allowed: tuple[str, ...], *default: str) -> str:
        """One of the allowed texts; required where no default is given."""
        value = self.text(name, *default)
        if value not in allowed:
            step = say("choice-step", allowed=", ".join(allowed))
            raise SetupError(say("wrong-value", name=self.named(name), value=repr(value)), step=step)
        return str(value)

    def number(self, name: str, default: float) -> float:
        """A positive number, at most a day's seconds."""
        value = self.body.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _MAX_SECONDS:
            step = say("number-step", name=name, default=default)
            raise SetupError(say("wrong-value", name=self.named(name), value=repr(value)), step=step)
        return float(value)
