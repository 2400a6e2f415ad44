from __future__ import annotations

from bench.requests import BEFORE, MORE, requests_of_verbs


def test_a_look_costs_one_request() -> None:
    """An update and a delete send at most one request more than without the look whose it is, all others none."""
    sent = requests_of_verbs()
    assert sent.keys() == BEFORE.keys()
    assert {verb: len(kinds) for verb, kinds in sent.items() if len(kinds) > BEFORE[verb] + MORE.get(verb, 0)} == {}
    # A life in which nothing happened would send few as well.
    assert [kinds[0].split()[0] for kinds in sent.values() if kinds] == ["GET"] * 6
    methods = [kind.split()[0] for kinds in sent.values() for kind in kinds]
    assert [method for method in methods if method != "GET"] == ["POST", "PATCH", "PUT", "PATCH", "DELETE"]
