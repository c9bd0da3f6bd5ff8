"""What is wrong in a configuration file, in words that say how to mend it"""

from dataclasses import dataclass

from pydantic_core import PydanticCustomError

CUSTOM = "authserver"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: the key it is at (empty for the file itself), what is wrong, what to write."""

    key: str
    message: str
    remedy: str

    def __str__(self) -> str:
        """Return one line, and the remedy on a second one."""
        where = f"{self.key}: " if self.key else ""
        return f"{where}{self.message}\n    -> {self.remedy}"


class SettingsError(Exception):
    """The configuration cannot be used; `problems` holds every mistake that was found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        """Return every problem in the order of the documentation."""
        count = len(self.problems)
        title = "one mistake" if count == 1 else f"{count} mistakes"
        return "\n".join((f"The configuration has {title}:", *map(str, self.problems)))


def wrong(message: str, remedy: str) -> PydanticCustomError:
    """Return the error that a check of one value raises; neither text may hold the value."""
    return PydanticCustomError(CUSTOM, "{message}", {"message": message, "remedy": remedy})
