"""Nothing answers without the token, and only the studio's own pages may change anything."""

import asyncio

import pytest

from stages.studio.access import token_of
from stages.studio.app import studio
from tests.studio.conftest import ACCESS, ADDRESS, TestClient

CHANGE = "/language"


@pytest.mark.parametrize("path", ["/", "/bring", "/static/studio.css", "/nothing", "/runs/x"])
def test_without_the_token_nothing_answers(outsider, path):
    assert outsider.get(path).status_code == 401
    assert outsider.get(path + "?token=another").status_code == 401


def test_the_printed_address_gives_a_cookie_and_leaves_the_token_out(outsider):
    entered = outsider.get(f"/train?data=x&token={ACCESS.token}", follow_redirects=False)

    assert (entered.status_code, entered.headers["location"]) == (303, "/train?data=x")
    assert {"HttpOnly", "SameSite=Strict"} <= set(entered.headers["set-cookie"].split("; "))
    assert outsider.get("/train").status_code == 200


def test_the_token_leads_to_no_other_place(settings):
    scope = {
        "type": "http",
        "method": "GET",
        "path": "//elsewhere.example/",
        "raw_path": b"//elsewhere.example/",
        "query_string": f"token={ACCESS.token}".encode(),
        "headers": [(b"host", b"127.0.0.1")],
    }
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(studio(settings, ACCESS)(scope, None, send))

    assert dict(sent[0]["headers"])[b"location"] == b"/elsewhere.example/"


def test_another_name_for_this_machine_is_refused(browser):
    assert browser.get("/", headers={"host": "rebound.example"}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "null"},
        {"origin": "http://elsewhere.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": f"{ADDRESS}.elsewhere.example"},
    ],
)
def test_a_change_from_another_page_is_refused(browser, headers):
    form = {"token": ACCESS.form_token, "language": "zh"}

    assert browser.client.post(CHANGE, data=form, headers=headers).status_code == 403


@pytest.mark.parametrize("token", ["", "x", ACCESS.token])
def test_a_change_needs_the_token_of_the_pages(browser, token):
    headers = {"origin": ADDRESS}

    refused = browser.client.post(CHANGE, data={"token": token}, headers=headers)
    in_header = browser.client.post(CHANGE, headers={**headers, "x-aiwf-token": token})

    assert (refused.status_code, in_header.status_code) == (403, 403)


def test_a_change_by_a_page_passes_with_the_token_in_the_form_or_a_header(browser):
    headers = {"origin": ADDRESS, "x-aiwf-token": ACCESS.form_token}

    by_form = browser.post(CHANGE, {"language": "zh", "back": "/"}, follow_redirects=False)
    by_header = browser.client.post(CHANGE, headers=headers, follow_redirects=False)

    assert (by_form.status_code, by_header.status_code) == (303, 303)
    assert 'lang="zh"' in browser.get("/").text


def test_a_form_that_is_too_long_is_refused(browser):
    assert browser.post(CHANGE, {"back": "x" * 300_000}).status_code == 413


@pytest.mark.parametrize("back", ["//elsewhere.example", "https://elsewhere.example", "/\\x"])
def test_after_a_choice_of_language_no_other_place_opens(browser, back):
    answer = browser.post(CHANGE, {"language": "zh", "back": back}, follow_redirects=False)

    assert answer.headers["location"] == "/"


def test_every_answer_forbids_scripts_from_elsewhere_and_in_the_page(browser, outsider):
    for answer in (browser.get("/"), browser.get("/nothing"), browser.get("/static/studio.js")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_token_stays_and_only_its_owner_reads_it(tmp_path):
    first = token_of(tmp_path)

    assert token_of(tmp_path) == first
    assert len(first) >= 32
    assert (tmp_path / "studio" / "token").stat().st_mode & 0o077 == 0


def test_a_fault_of_ours_is_a_page_too(settings, monkeypatch):
    def faulty(*_: object) -> None:
        raise RuntimeError("<b>unexpected</b>")

    monkeypatch.setattr("stages.studio.home.runs_of", faulty)
    with TestClient(
        studio(settings, ACCESS), base_url=ADDRESS, raise_server_exceptions=False
    ) as client:
        answer = client.get(f"/?token={ACCESS.token}")

    assert answer.status_code == 500
    assert "RuntimeError: &lt;b&gt;unexpected" in answer.text
    assert "default-src" in answer.headers["content-security-policy"]
