"""A time limit for the second attempt at a test, where CI makes one.

pytest-timeout gives each test one timer, and the first failure ends it: the second attempt, of
pytest-rerunfailures, would have none, and what hangs then would hang for ever.
"""

from __future__ import annotations

import pytest
import pytest_timeout


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin the time anew with each further attempt."""
    if getattr(item, "execution_count", 1) > 1:
        settings = pytest_timeout._get_item_settings(item)
        item.ihook.pytest_timeout_cancel_timer(item=item)
        item.ihook.pytest_timeout_set_timer(item=item, settings=settings)
