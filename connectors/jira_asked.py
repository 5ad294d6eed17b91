"""What scopes of Jira name: epics by key, queries by their text, and why some of them can't be answered."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from difflib import get_close_matches
from urllib.parse import quote

from connectors.jira_dialect import Dialect
from connectors.jira_items import Epic
from connectors.jira_settings import JiraQuery
from okr_sync.connector import Container, Miss

Scopes = Mapping[str, JiraQuery]


def keys_of(scopes: Scopes) -> list[str]:
    """Return the keys of all epics that scopes name, each once."""
    return list(dict.fromkeys(key for scope in scopes.values() for key in scope.epics))


def queries_of(scopes: Scopes) -> dict[str, str]:
    """Return the id of the container of each query → its JQL."""
    return {_query_id(scope.jql): scope.jql for scope in scopes.values() if scope.jql}


def ids_of(scope: JiraQuery, epics: Mapping[str, str]) -> tuple[str, ...]:
    """Return the ids of the containers of a scope; `epics` maps keys to ids."""
    if scope.jql:
        return (_query_id(scope.jql),)
    return tuple(dict.fromkeys(epics[key] for key in scope.epics))


def _query_id(jql: str) -> str:
    return f"jql:{digest(jql)[:16]}"


def digest(text: str) -> str:
    """Return the SHA-256 of a text in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def query_container(id_: str, jql: str, dialect: Dialect) -> Container:
    """Return the container that stands for a query."""
    return Container(id_, id_, jql, f"{dialect.address}/issues/?jql={quote(jql)}", "query", "open")


def misses_of(scopes: Scopes, bad: Mapping[str, Miss | None]) -> dict[str, Miss]:
    """Return why scopes can't be answered that name epics which are none; `bad` says why by key."""
    misses = {}
    for ref, scope in scopes.items():
        why = [miss for key in scope.epics if (miss := bad.get(key))]
        if why:
            misses[ref] = Miss(why[0].why, "; ".join(miss.message for miss in why))
    return misses


def refusals_of(scopes: Scopes, refused: Mapping[str, str]) -> dict[str, Miss]:
    """Return why scopes can't be answered whose query Jira refused, in its words by the id of its container."""
    why = {ref: refused[_query_id(scope.jql)] for ref, scope in scopes.items() if _query_id(scope.jql) in refused}
    return {
        ref: Miss("invalid", f"Jira refuses the query {scopes[ref].jql!r}: {said}; correct the `jql`")
        for ref, said in why.items()
    }


def lost_of(scopes: Mapping[str, tuple[str, ...]], lost: Mapping[str, AbstractSet[str]]) -> dict[str, Miss]:
    """Return why scopes, each with its containers, have no whole answer: they hold issues of projects that were lost
    in the middle of it.
    """
    misses = {}
    for ref, containers in scopes.items():
        projects = sorted(project for project, holding in lost.items() if not holding.isdisjoint(containers))
        if projects:
            misses[ref] = Miss(
                "denied",
                f"issues of project {', '.join(projects)} can't be seen any more since the middle of this run: give "
                "the account the permission to browse it again",
            )
    return misses


def why_not(key: str, epic: Epic | None, known: Iterable[str]) -> Miss | None:
    """Return why `key` is no epic that can be asked about; None: it is one. `known` keys may be near it."""
    if epic is None:
        near = get_close_matches(key, list(known), 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        return Miss(
            "not_found",
            f"Jira shows no issue {key}{hint}: it was deleted, or the account lacks the permission to browse project "
            f"{key.rpartition('-')[0]}; correct the key or give the permission",
        )
    if epic.item is None:
        return Miss("invalid", f"{key} is no epic but a {epic.type}; name its epic, or use `jql: key = {key}`")
    return None
