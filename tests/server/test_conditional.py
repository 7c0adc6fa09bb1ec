"""ETag and If-None-Match: who has it already is not sent it again."""

from __future__ import annotations

import pytest
from serving import FadingLedger, Http, failed, running, succeeded

from taskkit.protocol.events import ProgressReported


def test_a_record_is_sent_again_when_it_has_changed(http: Http, ledger: FadingLedger) -> None:
    """304 without a body while it is the same; each change has another tag."""
    lease = running(ledger)
    path = f"/jobs/{lease.ref.id}"
    first = http.get(path)
    tag = first.headers["ETag"]
    again = http.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert again.headers["Cache-Control"] == first.headers["Cache-Control"] == "private, no-cache"
    ledger.append(lease, 1, [ProgressReported(done=1)])
    changed = http.get(path, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag


def test_results_and_errors_are_not_read_for_who_has_them(
    http: Http, ledger: FadingLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They never change; weak tags, lists and * count as HTTP says."""
    paths = [f"/jobs/{succeeded(ledger, b'1').id}/result", f"/jobs/{failed(ledger, b'p').id}/error"]
    tags = [http.get(path).headers["ETag"] for path in paths]
    assert tags[0] != tags[1]
    monkeypatch.setattr(ledger, "result", lambda ref: pytest.fail("it was read"))
    for path, tag in zip(paths, tags, strict=True):
        for said in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            response = http.get(path, headers={"If-None-Match": said})
            assert (response.status_code, response.data) == (304, b"")
            assert response.headers["ETag"] == tag


def test_another_job_s_tag_is_another(http: Http, ledger: FadingLedger) -> None:
    """Though the results are the same."""
    one, two = (succeeded(ledger, b"1").id for _ in range(2))
    tag = http.get(f"/jobs/{one}/result").headers["ETag"]
    response = http.get(f"/jobs/{two}/result", headers={"If-None-Match": tag})
    assert (response.status_code, response.data) == (200, b"1")
