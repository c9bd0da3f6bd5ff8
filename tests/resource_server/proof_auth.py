"""A client of a resource that sends each request with a proof of its own"""

from typing import Any

import httpx2

from tests.proving import Holder


class ProofAuth(httpx2.Auth):
    """Sends each request with a proof of its own."""

    def __init__(self, token: str, holder: Holder) -> None:
        self.token, self.holder = token, holder

    def auth_flow(self, request: Any) -> Any:
        proof = self.holder.proof(request.method, str(request.url), token=self.token)
        request.headers["Authorization"] = f"DPoP {self.token}"
        request.headers["DPoP"] = proof
        yield request
