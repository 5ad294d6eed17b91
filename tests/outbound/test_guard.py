"""What may be asked and what not: every spelling of a private address, and what `allow_hosts` changes."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from okr_sync.connector import Caller, Http, ProtocolError, Referenced, SourceError, TransientError, WebSettings
from okr_sync.outbound.addresses import canonical, find, is_public, literal
from okr_sync.outbound.guard import Guard

PRIVATE_NAMES = {
    "metadata.example": ["169.254.169.254"],
    "localtest.example": ["127.0.0.1"],
    "both.example": ["93.184.216.34", "10.0.0.1"],
    "six.example": ["fd00:ec2::254"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "scoped.example": ["fe80::1%eth0"],
}


def resolve(host: str, port: int) -> Sequence[str]:
    """Names of this test; anything else has no address."""
    if host in PRIVATE_NAMES:
        return PRIVATE_NAMES[host]
    if host == "public.example":
        return ["93.184.216.34"]
    raise OSError("no such name")


def nowhere(host: str, port: int) -> Sequence[str]:
    """A name server that knows nobody."""
    raise OSError("no such name")


LOST = Http(Caller(), WebSettings(timeout=2), resolve=nowhere)  # it never gets as far as a connection

REFUSED = [
    "http://public.example/",  # no encryption
    "ftp://public.example/",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "//127.0.0.1/",
    "127.0.0.1",
    "https:///nothing",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0x7f.1/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://127.0.0.1./",
    "https://0/",
    "https://0.0.0.0/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://LocalHost:8443/",
    "https://db.localhost/",
    "https://10.0.0.1/",
    "https://172.16.5.5/",
    "https://192.168.1.1/",
    "https://100.100.100.200/",
    "https://169.254.169.254/latest/meta-data",
    "https://0xa9fea9fe/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://240.0.0.1/",
    "https://[::1]/",
    "https://[::]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:0:127.0.0.1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b:1::1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:53aa:64c:0:1:2:3]/",
    "https://[2a00::5efe:7f00:1]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fc00::1]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://public.example@127.0.0.1/",
    "https://public.example:pw@public.example/",
    "https://127.0.0.1\\@public.example/",
    "https://127.0.0.1#@public.example/",
    "https://public.example /",
    "https://１２７.0.0.1/",
    "https://127。0。0。1/",
    "https://ⓛocalhost/",
    "https://metadata.example/",
    "https://METADATA.example./",
    "https://both.example/",
    "https://six.example/",
    "https://mapped.example/",
    "https://scoped.example/",
]


@pytest.mark.parametrize("url", REFUSED)
def test_what_is_not_public_is_refused_in_every_spelling(url: str) -> None:
    """No spelling, no name and no wrapping gets a request to a private address, or one without encryption."""
    http = Http(Caller(), WebSettings(timeout=2), resolve=resolve)
    with pytest.raises(ProtocolError) as caught:
        http.request("GET", url)
    assert caught.value.fix
    assert not any(word in str(caught.value) for word in ("pw", "certificate", "status"))


@given(st.text(alphabet=st.characters(), max_size=40))
@example("\x00")
@example("\ud800")
@example("[::1")
@example("a" * 70 + ".example")
@example("xn--\u00e9")
def test_whatever_stands_in_an_address_ends_in_a_typed_error(text: str) -> None:
    """No text gets through, and none breaks the guard."""
    for url in (f"https://{text}", text, f"https://127.0.0.1{text}", f"https://{text}@10.0.0.1/"):
        with pytest.raises(SourceError):
            LOST.request("GET", url)


@pytest.mark.parametrize(
    "url", ["https://ana@public.example/", "https://ana:pw@public.example/", "https://:pw@1.1.1.1/"]
)
def test_a_user_in_an_address_is_refused(url: str) -> None:
    """What looks like the host may be the user, and a password may not stand there."""
    http = Http(Caller(), WebSettings(timeout=2), resolve=resolve)
    with pytest.raises(ProtocolError, match="user or password"):
        http.request("GET", url)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "64:ff9b::101:101", "2002:101:101::"]
)
def test_a_public_address_is_public(address: str) -> None:
    """The guard lets the internet through, also where an IPv4 address is wrapped into one of IPv6."""
    assert is_public(ip_address(address))
    Guard().check("https", address)
    assert Guard().addresses(address, 443) == (address,)


def test_a_public_name_gives_its_addresses() -> None:
    """What comes back is what was checked, and where to connect."""
    assert Guard(resolve=resolve).addresses("public.example", 443) == ("93.184.216.34",)


def test_the_addresses_that_were_checked_are_the_ones_used() -> None:
    """A name that answers otherwise the second time gains nothing: it is asked once for each connection."""
    answers = [["93.184.216.34"], ["127.0.0.1"]]
    assert Guard(resolve=lambda host, port: answers.pop(0)).addresses("rebind.example", 443) == ("93.184.216.34",)
    assert answers == [["127.0.0.1"]]


@pytest.mark.parametrize(
    ("allowed", "scheme", "host"),
    [
        ("Metrics.Internal.", "http", "metrics.internal"),
        ("127.0.0.1", "http", "127.0.0.1"),
        ("127.0.0.1", "http", "2130706433"),
        ("[::1]", "https", "[::1]"),
        ("::1", "https", "0:0::1"),
        ("bücher.example", "http", "xn--bcher-kva.example"),
    ],
)
def test_what_is_listed_may_be_asked(allowed: str, scheme: str, host: str) -> None:
    """A listed host may have a private address and be asked over http, in any spelling of it."""
    guard = Guard([allowed], resolve=lambda host, port: ["127.0.0.1"])
    guard.check(scheme, host)
    assert guard.addresses(host, 80)


@pytest.mark.parametrize("host", ["other.internal", "x.metrics.internal", "metrics.internal.evil.example", "127.0.0.2"])
def test_what_is_not_listed_gains_nothing_from_what_is(host: str) -> None:
    """Neither a name below, nor one that begins alike, nor the next address is allowed along."""
    guard = Guard(["metrics.internal", "127.0.0.1"], resolve=lambda host, port: ["127.0.0.1"])
    with pytest.raises(ProtocolError, match="without encryption"):
        guard.check("http", host)
    with pytest.raises(ProtocolError, match="private address"):
        guard.addresses(host, 443)


def test_a_listed_address_does_not_open_names_that_lead_to_it() -> None:
    """Only the host as it stands in the address counts: names can be made to lead anywhere."""
    with pytest.raises(ProtocolError, match="private address"):
        Guard(["127.0.0.1"], resolve=resolve).addresses("localtest.example", 443)


def test_a_name_without_address_may_come_back() -> None:
    """DNS fails for a while; that is no verdict."""
    with pytest.raises(TransientError, match=r"no address for gone\.example"):
        Guard(resolve=resolve).addresses("gone.example", 443)
    with pytest.raises(OSError, match="no address"):
        find("empty.example", 443, lambda host, port: [])


def test_behind_a_proxy_a_name_that_is_known_to_be_private_is_refused() -> None:
    """What this machine can't look up is left to the proxy."""
    guard = Guard(resolve=resolve)
    guard.check_beyond_proxy("unknown.example", 443)
    with pytest.raises(ProtocolError, match="private address"):
        guard.check_beyond_proxy("metadata.example", 443)


@pytest.mark.parametrize(
    "wrong",
    ["", " ", "http://host", "host:8080", "host/path", "*.host", "a b", "ana@host", "10.0.0.0/8", "a?b", "\x00"],
)
def test_a_list_entry_that_is_no_host_is_refused(wrong: str) -> None:
    """A mistake in the list must not silently allow nothing, or more than meant."""
    with pytest.raises(ValidationError, match="write hosts like"):
        WebSettings(allow_hosts=(wrong,))


def test_a_host_has_one_spelling() -> None:
    """The list compares hosts, not texts."""
    assert WebSettings(allow_hosts=("LOCALHOST.", "0x7f.1", "[::1]")).allow_hosts == ("localhost", "127.0.0.1", "::1")
    assert canonical("BÜCHER.example") == "xn--bcher-kva.example"
    assert literal("example") is None


def test_a_proxy_with_a_password_is_given_by_reference_and_never_shown() -> None:
    """A password in the file is refused; one from the environment shows as ***."""
    with pytest.raises(ValidationError, match="may not stand in a file"):
        WebSettings.model_validate({"proxy": "http://ana:s3cret@proxy.example:3128"})
    settings = WebSettings.model_validate({"proxy": Referenced("http://ana:s3cret@proxy.example:3128")})
    assert "s3cret" not in f"{settings!r} {settings.model_dump_json()}"
    assert WebSettings.model_validate({"proxy": "http://proxy.example:3128"}).proxy


@pytest.mark.parametrize("wrong", ["proxy.example:3128", "socks5://proxy.example", "http://", 7])
def test_a_proxy_that_is_none_is_refused(wrong: object) -> None:
    """Only http and https proxies are spoken to."""
    with pytest.raises(ValidationError):
        WebSettings.model_validate({"proxy": wrong})
