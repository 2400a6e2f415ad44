from __future__ import annotations

import pytest

from goldrush_pulumi.schema.urls import carries_credentials, find_url_fault

POSTGRES = ("postgresql://", "jdbc:postgresql://")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://goldrush:hunter2@db.example.com:5432/analytics",
        "jdbc:postgresql://u:p@db.example.com/analytics",
        # A password with characters that end the host for every URL parser.
        "postgresql://u:p/a?s#s@db.example.com/analytics",
        "jdbc:postgresql://db.example.com/analytics?user=u&password=hunter2",
        "jdbc:clickhouse://ch.example.com:8123/db;password=hunter2",
        "https://example.com/hook?sig=abc",
        "https://example.com/hook?api_key=abc&x=1",
        "https://example.com/hook?X-Amz-Signature=abc",
        "https://hooks.example.com/services/T0A1/B0B2/x8Jq2Lr0PzWk4Ns6Vt1Yc3Ab",
    ],
)
def test_credentials_in_a_url_are_seen(url: str) -> None:
    """User info, credential parameters and opaque paths count as credentials."""
    assert carries_credentials(url)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://db.example.com:5432/analytics",
        "jdbc:postgresql://db.example.com/analytics?sslmode=require&ssl=true",
        "https://sqs.us-east-1.amazonaws.com/123456789012/fills.fifo",
        "https://example.com/hook?password=",
        "https://example.com/a-long-path-without-any-digit/transfers",
        "someone@example.com",
        "goldrush",
        "",
        "postgresql://goldrush@db.example.com/analytics",
    ],
)
def test_plain_texts_carry_no_credentials(text: str) -> None:
    """An address alone, and what is no URL, carries no credential."""
    assert not carries_credentials(text)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://db.example.com:5432/analytics",
        "jdbc:postgresql://db.example.com/analytics",
        "JDBC:postgresql://db.example.com/analytics",
        "postgresql://u:p@db.example.com:5432",
        "jdbc:postgresql://a.example.com:5432,b.example.com:5432/db",
        "postgresql://[2001:db8::1]:5432/db",
        "postgresql://[2001:db8::1]/db",
    ],
)
def test_good_urls(url: str) -> None:
    """URLs of the documented forms have no fault, with several hosts and IPv6 too."""
    assert find_url_fault(url, POSTGRES) is None


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("db.example.com:5432/analytics", "begin"),
        ("mysql://db.example.com", "begin"),
        ("postgresql:db", "begin"),
        ("postgresql:///analytics", "no host"),
        ("postgresql://u:p@/analytics", "no host"),
        ("postgresql://:5432/analytics", "no host"),
        ("postgresql://a.example.com:5432,/db", "no host"),
        ("postgresql://db.example.com:54x2/analytics", "port"),
        ("postgresql://db.example.com:0/analytics", "port"),
        ("postgresql://db.example.com:65536/analytics", "port"),
        ("postgresql://db.example.com:/analytics", "port"),
        ("postgresql://[2001:db8::1/analytics", "cannot be read"),
        ("postgresql://db.example.com/ana lytics", "holds a space"),
        ("postgresql://db.example.com/analytics\n", "holds a space or a line break"),
    ],
)
def test_bad_urls(url: str, fault: str) -> None:
    """Each way a URL can be wrong is told apart."""
    found = find_url_fault(url, POSTGRES)

    assert found is not None
    assert fault in found.message
    assert found.certain == (fault != "holds a space")
