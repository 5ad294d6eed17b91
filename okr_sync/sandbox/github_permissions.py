"""Plays GitHub for a token that may not do everything: scopes of a classic one, permissions of a fine-grained one."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from okr_sync.sandbox.github_rest import problem
from okr_sync.sandbox.server import Request, Response, Site

_NEEDED = {"issues": "issues=read", "pulls": "pull_requests=read"}


@dataclass(frozen=True, slots=True)
class PermittedGithub:
    """The REST interface of `site` in front of a token's rights. `scopes`: what a classic token has; None: it is a
    fine-grained one with `permissions`, words like "issues=read". `expires` as GitHub writes it.
    """

    site: Site
    scopes: str | None = None
    permissions: Collection[str] = ()
    expires: str = ""

    def respond(self, request: Request) -> Response:
        """Return GitHub's answer with headers that tell of the token: 403 for what it may not read."""
        asked = re.search(r"/repos/[^/]+/[^/]+/(issues|pulls)\b", request.path)
        needed = _NEEDED[asked[1]] if asked and self.scopes is None else ""
        if needed and needed not in self.permissions:
            told = {"X-Accepted-GitHub-Permissions": needed, "X-RateLimit-Remaining": "4999"}
            return problem(403, "Resource not accessible by personal access token", told)
        response = self.site.respond(request)
        told = {} if self.scopes is None else {"X-OAuth-Scopes": self.scopes, "X-Accepted-OAuth-Scopes": "repo"}
        told |= {"github-authentication-token-expiration": self.expires} if self.expires else {}
        return replace(response, headers={**response.headers, **told}) if response.status != 401 else response
