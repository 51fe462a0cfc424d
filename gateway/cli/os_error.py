"""Errors of the operating system in commands: which file, why, and the next step, in the command's language."""

import errno
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

from gateway.cli.console import CommandError
from schemas.bilingual import spoken, system_reason
from schemas.rulebook import Language
from schemas.texts import load_words

_WORDS = load_words(SimpleNamespace, "gateway", "os_error")
_STEPS = {
    errno.ENOENT: "absent",
    errno.EACCES: "rights",
    errno.EPERM: "rights",
    errno.EROFS: "rights",
    errno.EEXIST: "exists",
    errno.ENOTEMPTY: "exists",
    errno.EISDIR: "kind",
    errno.ENOTDIR: "kind",
    errno.ENOSPC: "space",
    errno.EDQUOT: "space",
    errno.EFBIG: "space",
    errno.EMFILE: "limits",
    errno.ENFILE: "limits",
}
Result = TypeVar("Result")


def explain_os_errors(command: Any) -> None:
    """Let a command, and every one below it, end with a CommandError for an error of the operating system.

    ``command`` is one of typer's, whose classes have no public name.
    """
    for one in getattr(command, "commands", {}).values():
        explain_os_errors(one)
    if command.callback is not None:
        command.callback = _explained(command.callback)


def _explained(command: Callable[..., Result]) -> Callable[..., Result]:
    @wraps(command)
    def run(*arguments: Any, **options: Any) -> Result:
        try:
            return command(*arguments, **options)
        except OSError as error:
            if error.errno in {None, errno.EPIPE}:  # a timeout is no file; a reader of the output has left
                raise
            language: Language = "fr" if options.get("lang") == "fr" else "en"
            files = [str(one) for one in options.values() if isinstance(one, Path)]
            raise command_error(error, language, files=files) from error

    return run


def command_error(error: OSError, language: Language = "en", *, files: list[str] | None = None) -> CommandError:
    """The error with its file; where the system names none, as when a disk is full, with the command's ``files``."""
    words = _WORDS[language]
    named = [os.fsdecode(one) for one in (error.filename, error.filename2) if isinstance(one, str | bytes)]
    names = ", ".join(named[:1] or files or [words.a_file])
    step: str = words.steps[_STEPS.get(error.errno or 0, "other")]
    reason = spoken(system_reason(error), language)
    user = os.geteuid()
    return CommandError(words.message.format(file=names, reason=reason), step=step.format(user=user), language=language)
