"""Reads numbers from any service that answers in JSON: identical documents are fetched once for all questions."""

from __future__ import annotations

from typing import Any

from connectors.google_key import google_token, service_account
from connectors.http_json_documents import Wanted, wanted
from connectors.http_json_pages import fetch
from connectors.http_json_settings import HttpJsonQuery, HttpJsonSettings
from connectors.http_json_values import outcome
from okr_sync import connector as api

_THERE = (200, 204, 400, 404, 405)  # at the address that others begin with there is often nothing


class HttpJson(api.MetricSource):
    """A metric source over HTTP and JMESPath."""

    kind = "http_json"
    summary = "Numbers from JSON over HTTPS by JMESPath"
    Settings = HttpJsonSettings
    Query = HttpJsonQuery
    permissions = "The credential needs read access to the documents that are asked for, and nothing else."
    example = """\
sources:
  crm: {kind: http_json, url: https://api.crm.example.com/v3, token: "${CRM_TOKEN}"}
metrics:
  open_deals: {source: crm, path: /deals/summary, value: open}
"""

    def __init__(self, settings: HttpJsonSettings, caller: api.Caller | None = None) -> None:
        super().__init__(settings, caller)
        by_header = settings.client_secret if settings.client_in == "header" else None
        client = (settings.client_id or "", by_header) if by_header else None
        self._tokens = api.Http(self.caller, settings, auth=client)
        self._http = api.Http(self.caller, settings, headers=settings.headers, auth=self._auth())

    def probe(self) -> str:
        """Return whether there is an answer, at the address of the source itself. Raises SourceError."""
        if (self.settings.token_url or self.settings.google_key) and not self.settings.probe_path:
            self._fetch_token()
            by = self.settings.token_url or service_account(self.settings.google_key).token_uri
            return f"{by} grants a token for {self.settings.url}"
        url = self.settings.url.rstrip("/") + self.settings.probe_path
        accept = (200,) if self.settings.probe_path else _THERE
        answer = self._http.request("GET", url, params=self.settings.params, accept=accept)
        return f"{self.settings.url} answers (status {answer.status})"

    def close(self) -> None:
        """Close all connections."""
        self._tokens.close()
        self._http.close()

    def read(self, ask: api.Ask[Any]) -> api.Answer:
        """Return the numbers of all queries. What fails for one document is a Miss of its queries.

        Raises SourceError when every document failed, or the credential is refused.
        """
        documents = {ref: wanted(self.settings.url, query, ask) for ref, query in ask.queries.items()}
        several = list(dict.fromkeys(documents.values()))
        fetched = dict(zip(several, self.caller.map(self._fetch, several), strict=True))
        failed = [each for each in fetched.values() if isinstance(each, api.SourceError)]
        if failed and len(failed) == len(fetched):
            raise failed[0]
        answer: dict[str, api.Outcome] = {}
        for ref, query in ask.queries.items():
            found = fetched[documents[ref]]
            zone = self.settings.timezone
            answer[ref] = _miss(found) if isinstance(found, api.SourceError) else outcome(found, query, ask, zone)
        return answer

    def _fetch(self, document: Wanted) -> Any:
        try:
            return fetch(self._http, document, self.settings.params, self.settings.most_pages)
        except api.UnauthorizedError:
            raise  # whatever else is asked gets the same answer
        except api.SourceError as error:
            return error

    def _auth(self) -> api.Auth:
        settings = self.settings
        if settings.password:
            return (settings.username, settings.password)
        return api.Tokens(self._fetch_token) if settings.token_url or settings.google_key else settings.token

    def _fetch_token(self) -> Any:
        settings = self.settings
        if settings.google_key:
            return google_token(self._tokens, settings.google_key, settings.scope)
        form = {"grant_type": "client_credentials", **({"scope": settings.scope} if settings.scope else {})}
        form |= settings.token_params
        if settings.client_in == "body":
            form |= {"client_id": settings.client_id, "client_secret": settings.client_secret}
        answer = self._tokens.request("POST", settings.token_url, data=form, accept=(200, 400))
        if answer.status == 400:
            said = f"{answer.place}: no token (status 400)"
            raise api.AccessError(said, fix="check `client_id`, `client_secret`, `scope` and `client_in`")
        return answer.json()


def _miss(error: api.SourceError) -> api.Miss:
    kinds: tuple[tuple[type[api.SourceError], api.MissKind], ...] = (
        (api.AccessError, "denied"), (api.TransientError, "unreachable"), (api.SourceError, "invalid"),
    )  # fmt: skip
    why = next(why for kind, why in kinds if isinstance(error, kind))
    return api.Miss(why, f"{error}; {error.fix}")
