"""Decides what a source may ask: https to public addresses, and whatever else its `allow_hosts` names."""

from __future__ import annotations

from collections.abc import Collection

from okr_sync.errors import ProtocolError, TransientError
from okr_sync.outbound.addresses import Resolve, canonical, find, is_public, literal, look_up

__all__ = ["Guard"]

_LIST_IT = "if it is meant to be asked, write it into `allow_hosts` of this source"


class Guard:
    """Holds requests to the rules. `allow_hosts` are names or addresses, in any spelling."""

    def __init__(self, allow_hosts: Collection[str] = (), *, resolve: Resolve = look_up) -> None:
        self._allowed = frozenset(canonical(host) for host in allow_hosts)
        self._resolve = resolve

    def check(self, scheme: str, host: str, *, names_somebody: bool = False) -> None:
        """Raise ProtocolError when this may not be asked, as far as its spelling tells; no name is looked up.

        `names_somebody`: there is a user or a password in the URL.
        """
        if scheme not in ("http", "https"):
            raise ProtocolError(f"{scheme or 'no scheme'} is not asked, only https", fix="write an https address")
        if names_somebody:
            raise ProtocolError("there is a user or password in the address", fix="use the settings for signing in")
        if not _is_host(host):
            raise ProtocolError("there is no host in the address", fix="write an address like https://api.example.com")
        if self._is_allowed(host):
            return
        if scheme == "http":
            raise ProtocolError(f"{host} would be asked without encryption", fix=f"write https, or, {_LIST_IT}")
        address = literal(host.rstrip("."))
        if (address and not is_public(address)) or _is_own_machine(host):
            raise ProtocolError(f"{host} is a private address", fix=_LIST_IT)

    def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """Return where to connect to for `host`: addresses that were checked, and are to be used as they are.

        Raises ProtocolError when one of them is private and the host not listed, TransientError when there is none.
        """
        try:
            found = find(host.rstrip("."), port, self._resolve)
        except (OSError, UnicodeError):
            raise TransientError(f"there is no address for {host}", fix="check the name, and the network") from None
        private = [address for address in found if not is_public(address)]
        if private and not self._is_allowed(host):
            raise ProtocolError(f"{host} leads to the private address {private[0]}", fix=_LIST_IT)
        return tuple(map(str, found))

    def check_beyond_proxy(self, host: str, port: int) -> None:
        """Raise ProtocolError when this machine knows `host` to be private: a proxy looks names up by itself."""
        try:
            self.addresses(host, port)
        except TransientError:
            return  # behind a proxy this machine often knows no names

    def _is_allowed(self, host: str) -> bool:
        return canonical(host) in self._allowed


def _is_host(host: str) -> bool:
    try:
        return bool(canonical(host))
    except ValueError:
        return False


def _is_own_machine(host: str) -> bool:
    name = host.rstrip(".").casefold()
    return name == "localhost" or name.endswith(".localhost")
