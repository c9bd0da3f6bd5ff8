"""What a user reads when a page cannot go on; nothing of it comes from the request."""


class PageError(Exception):
    """A refusal shown as a page: status, heading, a fixed sentence; `detail` is for the audit."""

    def __init__(
        self,
        status: int,
        heading: str,
        message: str,
        detail: str = "",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(heading)
        self.status = status
        self.heading = heading
        self.message = message
        self.detail = detail
        self.headers = headers
