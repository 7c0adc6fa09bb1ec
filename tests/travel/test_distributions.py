"""Which installed package a module comes from."""

from __future__ import annotations

import json
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
from wheels import write_wheel

from taskkit.travel.distributions import Distributions, Origin


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages that is on the path."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def install(site: Path, name: str, version: str, files: dict[str, str]) -> Path:
    """Install a package there, as pip does; return the folder of its metadata."""
    with zipfile.ZipFile(write_wheel(site.parent, name, version, files)) as wheel:
        wheel.extractall(site)
    return site / f"{name}-{version}.dist-info"


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("numpy.linalg", "numpy"),
        ("sklearn.svm", "scikit-learn"),  # called otherwise than its module
        ("yaml", "pyyaml"),
        ("pyarrow.lib", "pyarrow"),  # in C
        ("opentelemetry.sdk.trace", "opentelemetry-sdk"),  # of a namespace that several share
    ],
)
def test_a_module_is_found_in_its_distribution(module: str, package: str) -> None:
    """With the version that is installed."""
    assert Distributions().origin(module) == Origin(package=package, version=version(package))


@pytest.mark.parametrize(
    "module", ["json", "os.path", "_socket", "__main__", "taskkit.client", "cloudpickle", "no_such"]
)
def test_of_others_nothing_is_asked(module: str) -> None:
    """Of the standard library, of taskkit and of what is not here, which workers may have."""
    assert Distributions().origin(module) is None


def test_what_is_installed_later_is_found(site: Path) -> None:
    """`%pip install` in the midst of a notebook, of a package that is called as nobody expects."""
    known = Distributions()
    assert known.origin("late_module") is None
    install(site, "late_package", "3.1", {"late_module.py": ""})
    assert known.origin("late_module") == Origin(package="late-package", version="3.1")


def test_a_conda_package_without_a_record_says_its_modules(site: Path) -> None:
    """Older ones have egg-info, with `top_level.txt` and no list of files."""
    (site / "oldlib").mkdir()
    (site / "oldlib" / "__init__.py").write_text("")
    info = site / "old_distribution-1.5.egg-info"
    info.mkdir()
    (info / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: old-distribution\nVersion: 1.5\n")
    (info / "top_level.txt").write_text("oldlib\n")
    assert Distributions().origin("oldlib") == Origin(package="old-distribution", version="1.5")


def test_an_editable_install_is_a_distribution(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its record does not name its modules; where it comes from says it."""
    source = tmp_path / "my source"
    source.mkdir()
    (source / "editable_lab.py").write_text("")
    monkeypatch.syspath_prepend(str(source))
    info = install(site, "edited", "0.3.1", {"edited.pth": f"{source}\n"})
    direct = {"url": source.as_uri(), "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(direct))
    assert Distributions().origin("editable_lab") == Origin(package="edited", version="0.3.1")


def test_a_file_beside_the_notebook_belongs_to_none(site: Path) -> None:
    """It is told with its place, and is not imported for that."""
    (site / "beside_notebook.py").write_text("raise AssertionError('imported')")
    found = Distributions().uses({"beside_notebook", "numpy", "json"})
    assert found.files == {"beside_notebook": str(site / "beside_notebook.py")}
    assert found.packages == {"numpy": version("numpy")}
    assert "beside_notebook" not in sys.modules
