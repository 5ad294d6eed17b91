"""Tells public addresses from private ones, in all their spellings, and finds the addresses of a host."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, TypeAlias

__all__ = ["Address", "Resolve", "canonical", "find", "is_public", "literal", "look_up"]

Address: TypeAlias = IPv4Address | IPv6Address
Resolve: TypeAlias = Callable[[str, int], Sequence[str]]
"""Host and port → addresses as text; raises OSError when there is none."""

_UNICAST = IPv6Network("2000::/3")  # all of IPv6 that is given out to networks
_TUNNELS = (IPv6Network("2001::/32"), IPv6Network("64:ff9b:1::/48"))  # Teredo; NAT64 for local use
_CARRIERS = tuple(
    map(IPv6Network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96"))
)  # IPv4 in the low bits
_ISATAP = (0x00005EFE, 0x02005EFE)


def literal(host: str) -> Address | None:
    """Return the address that `host` spells (also 2130706433, 0x7f.1, 0177.0.0.1, 127.1, fe80::1%eth0), or None."""
    bare = host.strip("[]").partition("%")[0]
    with suppress(ValueError):
        return ip_address(bare)
    with suppress(OSError, ValueError):
        return IPv4Address(socket.inet_aton(bare))
    return None


def canonical(host: str) -> str:
    """Return one spelling for all spellings of a host: lower case, ASCII, no brackets, no dot at the end.

    Raises ValueError when no host is called so.
    """
    bare = host.strip().rstrip(".").casefold()
    address = literal(bare)
    if address is not None:
        return str(address)
    if not bare.isascii():
        import idna  # noqa: PLC0415 -- names in other scripts are rare

        return idna.encode(bare).decode()  # idna.IDNAError is a ValueError
    if not bare or any(sign in bare for sign in "/\\@:?#*[]%") or not bare.isprintable() or " " in bare:
        raise ValueError("no host")
    return bare


def is_public(address: Address) -> bool:
    """Return whether anybody on the internet may have this address, and so may an IPv4 address inside of it."""
    if isinstance(address, IPv4Address):
        return address.is_global and not (address.is_multicast or address.is_reserved)
    inner = _embedded(address)
    if inner is not None:
        return is_public(inner)
    return address in _UNICAST and address.is_global and not any(address in tunnel for tunnel in _TUNNELS)


def _embedded(address: IPv6Address) -> IPv4Address | None:
    low = IPv4Address(int(address) & 0xFFFFFFFF)
    if any(address in carrier for carrier in _CARRIERS) or (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        return low
    return address.sixtofour


def look_up(host: str, port: int) -> Sequence[str]:
    """Return the addresses that the system's resolver knows. Raises OSError."""
    found: list[tuple[Any, ...]] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(where[4][0]) for where in found))


def find(host: str, port: int, resolve: Resolve) -> tuple[Address, ...]:
    """Return the addresses of a host, its own if it is one. Raises OSError when it has none."""
    own = literal(host)
    if own is not None:
        return (own,)
    found = tuple(address for text in resolve(host, port) if (address := literal(text)) is not None)
    if not found:
        raise OSError("no address")
    return found
