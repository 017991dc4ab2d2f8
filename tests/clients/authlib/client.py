"""A relying party on Authlib and Flask, which tests/it/other_clients drives.

Each line of standard input is an object whose `do` names a step, and is answered by a line,
`{"ok": ...}` or `{"failed": ...}`. What is checked, Authlib checks; nothing is looked at here.
"""

import json
import os
import socket
import sys
from urllib.parse import urlsplit

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from flask import Flask, jsonify
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

# Every name under localhost is this machine (RFC 6761 §6.3); nobody is asked.
_resolve = socket.getaddrinfo
socket.getaddrinfo = lambda _host, port, *rest, **more: _resolve("127.0.0.1", port, *rest, **more)


class Party:
    """The steps, and what is known from one to the next."""

    def discover(self, issuer, client_id, method, redirect_uri, scope, secret=None, key=None):
        app = Flask("relying_party")
        app.secret_key = os.urandom(32)
        known = {"scope": scope, "code_challenge_method": "S256"}
        further = {}
        if method == "private_key_jwt":
            further["client_auth_methods"] = [PrivateKeyJWT(alg="ES256")]
        self.idp = OAuth(app).register(
            "idp",
            client_id=client_id,
            client_secret=ECKey.import_key(key) if key else secret,
            server_metadata_url=issuer + "/.well-known/openid-configuration",
            client_kwargs={**known, "token_endpoint_auth_method": method},
            **further,
        )
        self.redirect_uri, self.parameters = redirect_uri, {}
        app.add_url_rule("/login", view_func=self._login)
        app.add_url_rule("/callback", view_func=self._callback)
        # With its cookie, where Authlib keeps state, nonce and verifier.
        self.browser = app.test_client()
        metadata = self.idp.load_server_metadata()
        return {name: value for name, value in metadata.items() if not name.startswith("_")}

    def _login(self):
        return self.idp.authorize_redirect(self.redirect_uri, **self.parameters)

    def _callback(self):
        token = self.idp.authorize_access_token()
        self._received(token)
        return jsonify(None)

    def begin(self, parameters=None):
        self.parameters = parameters or {}
        return self.browser.get("/login").headers["Location"]

    def callback(self, url):
        """Authlib checks the answer, exchanges the code and verifies the ID token."""
        self.browser.application.testing = True
        self.browser.get("/callback?" + urlsplit(url).query)
        return {"tokens": self.tokens, "claims": self.claims}

    def _received(self, token):
        self.claims = token.pop("userinfo", None) or self.claims
        self.tokens = dict(token)

    def user_info(self):
        return self.idp.userinfo(token=self.tokens)

    def refresh(self, refresh_token=None):
        """With a refresh token that was kept from before, or the newest."""
        asked = refresh_token or self.tokens["refresh_token"]
        kept = {"refresh_token": self.tokens.get("refresh_token"), "id_token": self.tokens.get("id_token")}
        # Authlib tells Flask of new tokens, which is then within its application.
        with self.browser.application.app_context(), self._session() as session:
            self.tokens = {**kept, **session.refresh_token(self._at("token"), asked)}
        return {"tokens": self.tokens, "claims": self.claims}

    def revoke(self, token):
        with self._session() as session:
            answer = session.revoke_token(self._at("revocation"), self.tokens[token], token)
        answer.raise_for_status()

    def introspect(self, token):
        with self._session() as session:
            answer = session.introspect_token(self._at("introspection"), self.tokens[token], token)
        answer.raise_for_status()
        return answer.json()

    def end_session(self, parameters=None):
        """Where to send the browser to be logged out (RP-Initiated Logout 1.0 §2)."""
        asked = {"id_token_hint": self.tokens["id_token"], **(parameters or {})}
        return self.idp.create_logout_url(**asked)["url"]

    def logout_token(self, token):
        """A logout token (Back-Channel Logout 1.0 §2.6).

        Authlib has no function for it: the library below verifies, with what Authlib knows.
        """
        metadata = self.idp.load_server_metadata()
        keys = KeySet.import_key_set(self.idp.fetch_jwk_set(force=True))
        algorithms = metadata["id_token_signing_alg_values_supported"]
        read = jwt.decode(token, keys, algorithms=algorithms)
        of_us = {"essential": True}
        rules = jwt.JWTClaimsRegistry(
            iss={**of_us, "value": metadata["issuer"]},
            aud={**of_us, "value": self.idp.client_id},
            iat=of_us,
            exp=of_us,
            jti=of_us,
            events=of_us,
        )
        rules.validate(read.claims)
        return read.claims

    def _session(self):
        return self.idp._get_oauth_client(**self.idp.load_server_metadata())

    def _at(self, endpoint):
        return self.idp.load_server_metadata()[endpoint + "_endpoint"]


def told(error):
    """An error as the library tells it."""
    answer = {"kind": type(error).__name__, "message": str(error)}
    if isinstance(error, OAuthError):
        answer |= {"error": error.error, "error_description": error.description}
    return answer


def main():
    party = Party()
    for line in sys.stdin:
        step = json.loads(line)
        do = getattr(party, step.pop("do"))
        try:
            answer = {"ok": do(**step)}
        except (OAuthError, JoseError, requests.RequestException) as error:
            answer = {"failed": told(error)}
        print(json.dumps(answer), flush=True)


main()
