from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.emulator import Lifecycle, Switches
from goldrush_pulumi.emulator.switches import parse_switches, switch_questions
from tests.support.caller import Caller, kafka_body, postgres_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.emulator.conftest import Lab

SECRET = "planted-password"


def test_every_switch_says_which_question_it_answers() -> None:
    """Each switch has a description."""
    questions = switch_questions()
    assert set(questions) == {field.name for field in dataclasses.fields(Switches)}
    assert all(len(question) > 20 for question in questions.values())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"patch_merges": True}, "set switch patch_merges: there is no such switch, use patch_merges_maps"),
        ({"patch_redeploys": "sometimes"}, "set switch patch_redeploys: input should be 'at once', 'later'"),
        ({"foreign_status": 401}, "set switch foreign_status: input should be 404 or 403"),
        ({"page_size_limit": 0}, "set switch page_size_limit: input should be greater than or equal to 1"),
    ],
)
def test_a_wrong_switch_is_refused(values: dict[str, Any], message: str) -> None:
    """An unknown switch or value is one line that names the switch."""
    with pytest.raises(ValueError, match=r"^set switch ") as caught:
        parse_switches(values)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_refused_change_changes_nothing(lab: Lab) -> None:
    """When one of several changes is wrong, none is made."""
    with pytest.raises(ValueError, match="there is no such switch"):
        lab.emulator.switch(list_items_brief=True, colour="blue")
    assert lab.emulator.switches == Switches()


@pytest.mark.parametrize(("merges", "tables"), [(False, ["fills"]), (True, ["swaps", "fills"])])
def test_patch_merges_maps(lab: Lab, *, merges: bool, tables: list[str]) -> None:
    """PATCH of transforms replaces the map, or adds to it."""
    lab.emulator.switch(patch_merges_maps=merges)
    pipeline = lab.api.create()
    changed = lab.api.data("PATCH", f"{pipeline['id']}/", {"transforms": {"fills": "SELECT a FROM fills"}})
    assert list(changed["transforms"]) == tables


def test_patch_merges_maps_in_depth(lab: Lab) -> None:
    """With merging, a part of a nested destination map leaves its neighbours alone."""
    lab.emulator.switch(patch_merges_maps=True)
    pipeline = lab.api.create(kafka_body())
    lab.api.data("PATCH", f"{pipeline['id']}/", {"destination_config": {"sasl": {"password": "new"}}})
    sasl = lab.full(pipeline["id"])["destination_config"]["sasl"]
    assert sasl == {"mechanism": "SCRAM-SHA-512", "username": "goldrush", "password": "new"}


@pytest.mark.parametrize(("removes", "tables"), [(True, []), (False, ["swaps"])])
def test_null_removes_key(lab: Lab, *, removes: bool, tables: list[str]) -> None:
    """With merging, null removes a key or is ignored."""
    lab.emulator.switch(patch_merges_maps=True, null_removes_key=removes)
    pipeline = lab.api.create()
    changed = lab.api.data("PATCH", f"{pipeline['id']}/", {"transforms": {"swaps": None}})
    assert list(changed["transforms"]) == tables


@pytest.mark.parametrize("masked", [True, False])
def test_write_responses_masked(lab: Lab, *, masked: bool) -> None:
    """POST, PATCH and PUT responses hide or show the password; GET always hides it."""
    lab.emulator.switch(write_responses_masked=masked)
    pipeline = lab.api.create()
    path = f"{pipeline['id']}/"
    responses = [
        pipeline,
        lab.api.data("PATCH", path, {"description": "x"}),
        lab.api.data("PUT", path, {"status": "paused"}),
    ]
    assert [SECRET in str(response) for response in responses] == [not masked] * 3
    assert SECRET not in str(lab.api.data("GET", path))


def test_masked_leaves(lab: Lab) -> None:
    """Which leaves are masked can be widened, nested ones and single headers included."""
    config = {"url": "https://h.example.com", "headers": {"Authorization": "Bearer a", "X-Team": "b"}}
    pipeline = lab.api.create(destination_type="webhook", destination_config=config)
    assert pipeline["destination_config"]["headers"] == {"Authorization": "******", "X-Team": "b"}
    lab.emulator.switch(masked_leaves=["url", "headers.*"])
    masked = lab.api.data("GET", f"{pipeline['id']}/")["destination_config"]
    assert masked == {"url": "******", "headers": {"Authorization": "******", "X-Team": "******"}}


def test_credentials_in_reads(lab: Lab) -> None:
    """Reads show credentials as six stars, or without their fields, in the list and in nested maps too."""
    lab.emulator.switch(credentials_in_reads="left out")
    postgres, kafka = lab.api.create(), lab.api.create(kafka_body())
    for pipeline in (postgres, kafka):
        assert lab.api.data("GET", f"{pipeline['id']}/") == pipeline
        assert pipeline in lab.api.data("GET")["items"]
    assert set(postgres["destination_config"]) == {"type", "url", "user"}
    assert kafka["destination_config"]["sasl"] == {"mechanism": "SCRAM-SHA-512", "username": "goldrush"}
    lab.emulator.switch(credentials_in_reads="masked")
    assert lab.api.data("GET", f"{postgres['id']}/")["destination_config"]["password"] == "******"
    assert lab.full(postgres["id"])["destination_config"]["password"] == SECRET


@pytest.mark.parametrize(
    ("effect", "status", "kept"), [("stored", 200, "******"), ("kept", 200, SECRET), ("refused", 422, SECRET)]
)
def test_mask_sent_back(lab: Lab, effect: str, status: int, kept: str) -> None:
    """A mask in a PATCH is stored as a password, taken as "unchanged", or refused."""
    lab.emulator.switch(mask_sent_back=effect)
    pipeline = lab.api.create()
    response = lab.api.send("PATCH", f"{pipeline['id']}/", {"destination_config": pipeline["destination_config"]})
    assert response.status_code == status
    assert lab.full(pipeline["id"])["destination_config"]["password"] == kept


def test_mask_sent_back_is_kept_in_depth(lab: Lab) -> None:
    """A nested mask is taken as "unchanged" as well."""
    lab.emulator.switch(mask_sent_back="kept")
    pipeline = lab.api.create(kafka_body())
    lab.api.data("PATCH", f"{pipeline['id']}/", {"destination_config": pipeline["destination_config"]})
    assert lab.full(pipeline["id"])["destination_config"] == kafka_body()["destination_config"]


def test_returns_defaults(lab: Lab) -> None:
    """Defaults that nobody set appear in responses, or do not; nested ones fill up what is given."""
    config = {"url": "https://h.example.com", "retry": {"max_attempts": 9}}
    pipeline = lab.api.create(destination_type="webhook", destination_config=config)
    assert pipeline["destination_config"] == config
    lab.emulator.switch(returns_defaults=True)
    filled = lab.api.data("GET", f"{pipeline['id']}/")["destination_config"]
    assert (filled["type"], filled["method"], filled["batch_size"]) == ("webhook", "POST", 1)
    assert filled["retry"] == {"max_attempts": 9, "backoff_ms": 1000}


def test_unset_returns_null(lab: Lab) -> None:
    """Unset optional fields are null, set ones keep their value."""
    lab.emulator.switch(unset_returns_null=True)
    pipeline = lab.api.create()
    assert (pipeline["execution_stop_from"], pipeline["abi_file"]) == (None, None)
    assert pipeline["execution_start_from"] == "44745000"


def test_unknown_fields(lab: Lab) -> None:
    """Unknown and fixed fields are refused, or ignored without a trace."""
    pipeline = lab.api.create()
    changes = {"project": "elsewhere", "colour": "blue"}
    refused = lab.api.send("PATCH", f"{pipeline['id']}/", changes)
    assert (refused.status_code, refused.json()["error_message"]) == (
        422,
        "project: unknown field; colour: unknown field",
    )
    lab.emulator.switch(unknown_fields="ignore")
    ignored = lab.api.data("PATCH", f"{pipeline['id']}/", changes)
    assert (ignored["project"], "colour" in ignored) == ("analytics-prod", False)


@pytest.mark.parametrize("extra", [{"transforms": {"swaps": "SELECT a FROM swaps"}}, {"abi_file": [{"type": "event"}]}])
def test_kafka_rejects_at_post(lab: Lab, extra: dict[str, Any]) -> None:
    """Kafka with transforms or an ABI is accepted and FAILED at start, or refused."""
    pipeline = lab.api.create(kafka_body(**extra))
    assert lab.api.phase(pipeline["id"]) == "FAILED"
    assert "not allowed with a kafka destination" in lab.full(pipeline["id"])["logs"][-1]
    lab.emulator.switch(kafka_rejects_at_post=True)
    assert lab.api.send("POST", "", kafka_body(**extra)).status_code == 422


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("DELETE FROM swaps", "must be one SELECT statement"),
        ("SELECT a FROM swaps JOIN b ON 1 = 1", "JOIN is not supported"),
        ("SELECT count(*) FROM swaps", "COUNT is not supported"),
        ("SELECT a FROM swaps GROUP  BY a", "is not supported"),
        ("SELECT a FROM fills", "FROM must name the table swaps"),
    ],
)
def test_bad_sql_rejected_at_post(lab: Lab, sql: str, reason: str) -> None:
    """SQL outside the subset is accepted and FAILED at start, or refused; a PATCH is treated alike."""
    pipeline = lab.api.create(transforms={"swaps": sql})
    assert lab.api.phase(pipeline["id"]) == "FAILED"
    assert reason in lab.full(pipeline["id"])["logs"][-1]
    lab.api.data("PATCH", f"{pipeline['id']}/", {"transforms": {"swaps": "SELECT a FROM swaps"}})
    assert lab.api.phase(pipeline["id"]) == "RUNNING"
    lab.emulator.switch(bad_sql_rejected_at_post=True)
    refused = lab.api.send("PATCH", f"{pipeline['id']}/", {"transforms": {"swaps": sql}})
    assert (refused.status_code, reason in refused.json()["error_message"]) == (422, True)


@pytest.mark.parametrize(
    "sql",
    [
        "select a -- no JOIN here\nfrom swaps",
        "SELECT 'GROUP BY' AS label FROM swaps;",
        'SELECT "limit_price" FROM "swaps" /* UNION */ WHERE a IN (1, 2)',
    ],
)
def test_keywords_in_strings_and_comments_are_ignored(lab: Lab, sql: str) -> None:
    """Words inside strings, names or comments do not count as keywords."""
    assert lab.api.phase(lab.api.create(transforms={"swaps": sql})["id"]) == "RUNNING"


@pytest.mark.parametrize(("honoured", "phase"), [(True, "PAUSED"), (False, "RUNNING")])
def test_paused_at_post_honoured(lab: Lab, *, honoured: bool, phase: str) -> None:
    """A pipeline created paused stays paused, or starts all the same and says so."""
    lab.emulator.switch(paused_at_post_honoured=honoured)
    pipeline = lab.api.create(status="paused")
    assert (pipeline["status"], lab.api.phase(pipeline["id"])) == ("paused" if honoured else "running", phase)


def test_description_limit_and_overflow(lab: Lab) -> None:
    """A description beyond the limit is cut or refused, by POST and by PATCH."""
    lab.emulator.switch(description_limit=10)
    pipeline = lab.api.create(description="0123456789abc")
    assert pipeline["description"] == "0123456789"
    lab.emulator.switch(description_overflow="refuse")
    path = f"{pipeline['id']}/"
    assert lab.api.send("PATCH", path, {"description": "0123456789abc"}).status_code == 422
    assert lab.api.send("POST", "", postgres_body(description="0123456789abc")).status_code == 422
    assert lab.api.data("PATCH", path, {"description": "9876543210"})["description"] == "9876543210"


def _patch(lab: Lab, pipeline_id: str) -> None:
    lab.api.data("PATCH", f"{pipeline_id}/", {"description": "changed"})


@pytest.mark.parametrize(
    ("way", "phases", "deployments"),
    [
        ("at once", ["DEPLOYING", "RUNNING", "RUNNING", "RUNNING"], 2),
        ("later", ["RUNNING", "DEPLOYING", "RUNNING", "RUNNING"], 2),
        ("through STOPPED", ["STOPPING", "STOPPED", "DEPLOYING", "RUNNING"], 2),
        ("never", ["RUNNING", "RUNNING", "RUNNING", "RUNNING"], 1),
    ],
)
def test_patch_redeploys(start: Callable[..., Lab], way: str, phases: list[str], deployments: int) -> None:
    """A PATCH redeploys at once, later, through STOPPED, or never; the start time moves with each deployment."""
    lab = start(lifecycle=Lifecycle.by_reads(1), switches=parse_switches({"patch_redeploys": way}))
    pipeline = lab.api.create()
    lab.api.phases(pipeline["id"], 2)
    before = lab.full(pipeline["id"])["start_time"]
    _patch(lab, pipeline["id"])
    assert lab.api.phases(pipeline["id"], 4) == phases
    after = lab.full(pipeline["id"])
    assert after["deployments"] == deployments
    assert (after["start_time"] > before) is (deployments == 2)


def test_redeploy_delay_seconds(start: Callable[..., Lab]) -> None:
    """With "later" the old deployment runs on for the delay, and several PATCHes lead to one deployment."""
    lab = start(
        lifecycle=Lifecycle.by_time(deploy_seconds=5),
        switches=Switches(patch_redeploys="later", redeploy_delay_seconds=3),
    )
    pipeline = lab.api.create()
    lab.clock.advance(5)
    _patch(lab, pipeline["id"])
    lab.clock.advance(2)
    _patch(lab, pipeline["id"])
    lab.clock.advance(2)
    assert lab.api.phase(pipeline["id"]) == "RUNNING"
    lab.clock.advance(1)
    assert lab.api.phase(pipeline["id"]) == "DEPLOYING"
    lab.clock.advance(5)
    assert (lab.api.phase(pipeline["id"]), lab.full(pipeline["id"])["deployments"]) == ("RUNNING", 2)


@pytest.mark.parametrize(
    ("healer", "at_first", "after_patch", "after_resume"),
    [
        ("patch", "FAILED", "RUNNING", "RUNNING"),
        ("pause and resume", "FAILED", "FAILED", "RUNNING"),
        ("itself", "RUNNING", "RUNNING", "RUNNING"),
    ],
)
def test_failed_heals_by(lab: Lab, healer: str, at_first: str, after_patch: str, after_resume: str) -> None:
    """A crashed pipeline comes back by a PATCH, only by pause and resume, or alone; the start time shows which."""
    lab.emulator.switch(failed_heals_by=healer)
    pipeline = lab.api.create()
    failed = lab.emulator.fail(pipeline["id"])
    assert (failed["phase"], lab.api.phase(pipeline["id"])) == ("FAILED", at_first)
    _patch(lab, pipeline["id"])
    patched = lab.full(pipeline["id"])
    assert patched["phase"] == after_patch
    assert (patched["start_time"] == failed["start_time"]) is (healer == "pause and resume")
    lab.api.data("PUT", f"{pipeline['id']}/", {"status": "paused"})
    lab.api.data("PUT", f"{pipeline['id']}/", {"status": "running"})
    assert lab.api.phase(pipeline["id"]) == after_resume


def test_a_patch_heals_even_where_patches_do_not_redeploy(lab: Lab) -> None:
    """With both "never redeploys" and "healed by a PATCH", a PATCH deploys a FAILED pipeline again."""
    lab.emulator.switch(patch_redeploys="never")
    pipeline = lab.api.create()
    lab.emulator.fail(pipeline["id"])
    _patch(lab, pipeline["id"])
    assert (lab.api.phase(pipeline["id"]), lab.full(pipeline["id"])["deployments"]) == ("RUNNING", 2)


@pytest.mark.parametrize("status", ["running", "paused"])
def test_bounded_end_status(lab: Lab, status: str) -> None:
    """After its end, the status of a bounded pipeline is running or paused."""
    lab.emulator.switch(bounded_end_status=status)
    pipeline = lab.api.create(execution_mode="bounded")
    assert lab.api.phase(pipeline["id"]) == "STOPPED"
    assert lab.api.data("GET", f"{pipeline['id']}/")["status"] == status


def test_delete_through_stopping(start: Callable[..., Lab]) -> None:
    """A deleted pipeline stays readable as STOPPING for a while; a second DELETE does not prolong that."""
    lab = start(lifecycle=Lifecycle.by_time(stop_seconds=4), switches=Switches(delete_through_stopping=True))
    pipeline = lab.api.create()
    path = f"{pipeline['id']}/"
    assert lab.api.send("DELETE", path).status_code == 204
    lab.clock.advance(2)
    assert (lab.api.send("DELETE", path).status_code, lab.api.phase(pipeline["id"])) == (204, "STOPPING")
    lab.clock.advance(2)
    assert lab.api.send("GET", path).status_code == 404
    assert lab.emulator.pipelines() == []


@pytest.mark.parametrize(("survives", "height"), [(True, 44745030), (False, 44745000)])
def test_checkpoint_survives_delete(lab: Lab, *, survives: bool, height: int) -> None:
    """A new pipeline of the same project and topic continues where the old one was, or starts over."""
    lab.emulator.switch(checkpoint_survives_delete=survives)
    old = lab.api.create()
    lab.clock.advance(30)
    lab.api.send("DELETE", f"{old['id']}/")
    new = lab.api.create(name="another name")
    assert lab.api.data("GET", f"{new['id']}/metrics/")["last_block_height"] == height


@pytest.mark.parametrize(("rewinds", "height"), [(True, 7), (False, 44745030)])
def test_start_change_rewinds(lab: Lab, *, rewinds: bool, height: int) -> None:
    """A changed execution_start_from moves the reading position, or is only stored."""
    lab.emulator.switch(start_change_rewinds=rewinds)
    pipeline = lab.api.create()
    lab.clock.advance(30)
    changed = lab.api.data("PATCH", f"{pipeline['id']}/", {"execution_start_from": "7"})
    assert changed["execution_start_from"] == "7"
    assert lab.api.data("GET", f"{pipeline['id']}/metrics/")["last_block_height"] == height


@pytest.mark.parametrize("status", [404, 403])
def test_foreign_status(lab: Lab, status: int) -> None:
    """A pipeline of another group is a 404 or a 403; a missing one always 404."""
    lab.emulator.switch(foreign_status=status)
    pipeline = lab.api.create()
    with Caller(lab.emulator.base_url, lab.emulator.accounts[1].service_key) as other:
        assert other.send("GET", f"{pipeline['id']}/").status_code == status
        assert other.send("GET", "pipe_nowhere/").status_code == 404


def test_list_items_brief(lab: Lab) -> None:
    """Brief list items keep name, project and description and leave the large parts out."""
    lab.emulator.switch(list_items_brief=True)
    lab.api.create()
    [item] = lab.api.data("GET")["items"]
    assert {"id", "name", "project", "topic", "description", "group", "created_at", "status"} <= set(item)
    assert not {"destination_config", "transforms", "abi_file"} & set(item)


@pytest.mark.parametrize("order", ["newest first", "oldest first", "by id"])
def test_list_order(lab: Lab, order: str) -> None:
    """The list comes newest first, oldest first, or in no useful order."""
    lab.emulator.switch(list_order=order)
    created = [lab.api.create()["id"] for _ in range(12)]
    expected = {"newest first": created[::-1], "oldest first": created, "by id": sorted(created)}
    assert [item["id"] for item in lab.api.data("GET")["items"]] == expected[order]


def test_list_lag_seconds(lab: Lab) -> None:
    """A new pipeline can be read at once but is listed and counted only after the lag."""
    lab.emulator.switch(list_lag_seconds=5)
    pipeline = lab.api.create()
    assert lab.api.send("GET", f"{pipeline['id']}/").status_code == 200
    assert lab.api.data("GET")["pagination"]["total_count"] == 0
    lab.clock.advance(5)
    assert [item["id"] for item in lab.api.data("GET")["items"]] == [pipeline["id"]]


def test_page_size_limit(lab: Lab) -> None:
    """A larger page has as many items as the limit, which the response states."""
    lab.emulator.switch(page_size_limit=2)
    for _ in range(3):
        lab.api.create()
    data = lab.api.data("GET", params={"page_size": 100})
    assert (len(data["items"]), data["pagination"]["page_size"], data["pagination"]["has_more"]) == (2, 2, True)


@pytest.mark.parametrize("stated", [True, False])
def test_requests_per_second(lab: Lab, *, stated: bool) -> None:
    """Beyond the rate an account gets 429, with or without Retry-After; time lets it in again; others are free."""
    lab.emulator.switch(requests_per_second=2, retry_after_on_429=stated)
    responses = [lab.api.send("GET") for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 429]
    assert responses[2].headers.get("retry-after") == ("1" if stated else None)
    with Caller(lab.emulator.base_url, lab.emulator.accounts[1].service_key) as other:
        assert other.send("GET").status_code == 200
    lab.clock.advance(0.5)
    assert [lab.api.send("GET").status_code for _ in range(2)] == [200, 429]
