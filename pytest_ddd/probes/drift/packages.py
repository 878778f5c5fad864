"""Packages: installed or absent, whole, and of the expected version."""

from __future__ import annotations

from fnmatch import fnmatchcase

from pytest_ddd.baseline.sections.configuration import Package
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.drift.comparison import Comparison
from pytest_ddd.probes.drift.ways import PackageModule

_DATABASES = {
    "DebianPackage": "/var/lib/dpkg/status",
    "AlpinePackage": "/lib/apk/db/installed",
    "ArchPackage": "/var/lib/pacman/local",
}
"""What has to be readable before "not installed" is believed, by testinfra's module."""

_DPKG_STATES = {
    "c": "removed, its configuration files are still there",
    "H": "half-installed",
    "U": "unpacked, never configured",
    "F": "half-configured",
    "W": "waiting for another package's trigger",
    "t": "waiting for a trigger",
}
DPKG_FORMAT = r"${db:Status-Abbrev}|${Architecture}|${Version}\n"


def compare(comparison: Comparison) -> None:
    """Compare one package with the package manager's own record."""
    model = comparison.model(Package)
    versions: tuple[tuple[str, ...], ...] = ()
    state = ""
    with comparison.looking("installed"):
        package = comparison.host.package(comparison.name)
        state, versions = _look(comparison, package)
        _compare_installed(comparison, state, _shown(versions))
    if state and versions and model.installed and model.version is not None:
        matches = all(_matches(candidates, model.version) for candidates in versions)
        shown = _shown(versions)
        comparison.note(
            "version",
            shown,
            expected=model.version,
            source=f"host.package({comparison.name!r}).version",
            path=("version",),
            problem="" if matches else f"version is {shown}, expected {model.version}",
        )


def _shown(versions: tuple[tuple[str, ...], ...]) -> str:
    return ", ".join(candidates[0] for candidates in versions)


def _matches(candidates: tuple[str, ...], wanted: str) -> bool:
    return any(found == wanted or fnmatchcase(found, wanted) for found in candidates)


def _compare_installed(comparison: Comparison, state: str, version: str) -> None:
    wanted = comparison.model(Package).installed
    problem = ""
    if wanted and state != "installed":
        problem = f"is {state}, expected installed"
    elif not wanted and state == "installed":
        problem = f"is installed ({version}), expected absent"
    elif not wanted and version:
        problem = f"is {state}, expected absent"
    comparison.note(
        "installed",
        state,
        expected="installed" if wanted else "absent",
        source=f"host.package({comparison.name!r}).is_installed",
        path=("installed",),
        problem=problem,
        detail=version,
    )


def _look(
    comparison: Comparison, package: PackageModule
) -> tuple[str, tuple[tuple[str, ...], ...]]:
    """Return the state in words, and for each installed build the ways to write its version."""
    manager = type(package).__name__
    installed = package.is_installed
    if manager == "DebianPackage":
        return _look_at_dpkg(comparison, installed=installed)
    if not installed:
        _be_sure(comparison, manager)
        return "not installed", ()
    version = package.version
    try:
        release = package.release
    except NotImplementedError:
        return "installed", ((version,),)
    return "installed", ((f"{version}-{release}", version),)


def _look_at_dpkg(
    comparison: Comparison, *, installed: bool
) -> tuple[str, tuple[tuple[str, ...], ...]]:
    """Ask dpkg once more: testinfra knows neither half-installed nor two architectures."""
    answer = comparison.run("dpkg-query", "-f", DPKG_FORMAT, "-W", comparison.name)
    if answer.exit_status > 1:
        raise CannotLookError(answer.error_text.strip() or "dpkg-query failed")
    rows = [line.split("|") for line in answer.text.splitlines() if line.count("|") == 2]
    there = [row for row in rows if row[0][1:2] not in ("n", "c")]
    versions = tuple(_debian_versions(row[2]) for row in there)
    for abbreviation, _, _ in there:
        if abbreviation[2:3] == "R":
            return "broken, it must be reinstalled", versions
        if abbreviation[1] != "i":
            return _DPKG_STATES.get(abbreviation[1], f"in state {abbreviation!r}"), versions
    if there or installed:
        return "installed", versions
    _be_sure(comparison, "DebianPackage")
    return (_DPKG_STATES["c"] if rows and rows[0][0][1:2] == "c" else "not installed"), ()


def _debian_versions(version: str) -> tuple[str, ...]:
    """Return the version with and without its epoch."""
    return (version, version.partition(":")[2]) if ":" in version else (version,)


def _be_sure(comparison: Comparison, manager: str) -> None:
    database = _DATABASES.get(manager)
    if database is not None and not comparison.run("test", "-r", database).ok:
        raise CannotLookError(f"the package manager's records {database} cannot be read")
