"""The hostile provider as one that gives users up, and sees a refresh token that comes twice"""

from collections.abc import Callable
from typing import Any

from tests.upstream.hostile_idp import HostileIdp
from tests.upstream.spoiled_server import Seen


class RotatingIdp(HostileIdp):
    """`refused` is the error code that refreshes get, `reused` counts dead refresh tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: str | None = None
        self.reused = 0
        self.meanwhile: Callable[[], object] = lambda: None  # done before a refresh is answered

    @property
    def refreshes(self) -> list[Seen]:
        asked = self.asked("/token")
        return [seen for seen in asked if seen.params.get("grant_type") == "refresh_token"]

    def _refresh(self, seen: Seen) -> tuple[int, Any]:
        self.meanwhile()
        if self.refused is not None:
            return 400, {"error": self.refused}
        status, answer = super()._refresh(seen)
        self.reused += status != 200
        return status, answer
