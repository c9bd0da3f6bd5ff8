"""An issuer on loopback: metadata, keys and freely forged tokens"""

import base64
import hmac
import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from authserver.resource_server import ResourceServer, Verifier
from authserver.resource_server.keys import PublicKey

NOW = 1_800_000_000
RESOURCE = "https://issues.example.com/mcp"

# Made once: RSA keys take a while.
KEYS: dict[str, PublicKey] = {
    "ES256": ECKey.generate_key("P-256", {"kid": "es"}),
    "RS256": RSAKey.generate_key(2048, {"kid": "rs"}),
    "EdDSA": OKPKey.generate_key("Ed25519", {"kid": "ed"}),
}
STRANGER = ECKey.generate_key("P-256", {"kid": "es"})


def public(key, **members):
    return key.as_dict(private=False) | members


def segment(data):
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def sign(header, payload, key, alg):
    """Sign whatever a forger likes: any header, any payload, any key that the algorithm takes.

    For an HMAC the key is bytes: joserfc is too careful to take a public key as a secret.
    """
    signing_input = f"{segment(header)}.{segment(payload)}".encode()
    if alg.startswith("HS"):
        signature = hmac.digest(key, signing_input, f"sha{alg[2:]}")
    else:
        signature = JWSRegistry.algorithms[alg].sign(signing_input, key)
    return f"{signing_input.decode()}.{segment(signature)}"


class Issuer:
    """Serves `documents` by path; counts what was asked for in `hits`."""

    def __enter__(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.hits[self.path] += 1
                outer.gate.wait(10)
                status, headers, body = outer.answers.get(self.path, (404, {}, b"{}"))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.hits: Counter[str] = Counter()
        self.gate = threading.Event()
        self.gate.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{self.origin}/oauth"
        self.metadata_path = "/.well-known/oauth-authorization-server/oauth"
        self.answers = {}
        self.serve(self.metadata_path, {"issuer": self.url, "jwks_uri": f"{self.url}/jwks"})
        self.publish(*(public(key) for key in KEYS.values()))
        return self

    def __exit__(self, *_):
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()

    def serve(self, path, document, status=200, **headers):
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = (status, named, body)

    def publish(self, *keys, **headers):
        self.serve("/oauth/jwks", {"keys": list(keys)}, **headers)

    @property
    def jwks_hits(self):
        return self.hits["/oauth/jwks"]

    def claims(self, now=NOW, **changes):
        claims = {
            "iss": self.url,
            "sub": "user-1",
            "aud": RESOURCE,
            "client_id": "client-1",
            "scope": "issues:read",
            "iat": now,
            "exp": now + 900,
            "jti": "token-1",
        } | changes
        return {name: value for name, value in claims.items() if value is not ...}

    def token(self, alg="ES256", *, key=None, header=None, payload=None, now=NOW, **changes):
        """Sign a token; `...` as a value leaves the claim or header out."""
        key = KEYS[alg] if key is None else key
        kid = key.kid if isinstance(key, Key) else "es"
        protected = {"typ": "at+jwt", "alg": alg, "kid": kid} | (header or {})
        protected = {name: value for name, value in protected.items() if value is not ...}
        return sign(protected, payload or self.claims(now, **changes), key, alg)

    def verifier(self, resource=RESOURCE, **options):
        return Verifier(self.url, resource, **({"clock": lambda: NOW} | options))

    def guard(self, resource=RESOURCE, clock=lambda: NOW, **options):
        verifier = self.verifier(resource, clock=clock)
        described = {"issues:read": "Read your issues", "issues:write": "Write issues"}
        options = {"scopes": described} | options
        return ResourceServer(issuer=self.url, resource=resource, verifier=verifier, **options)
