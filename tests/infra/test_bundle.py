"""The Lambda bundle holds what the functions import, and little else."""

import ast
import importlib.util
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra import bundle, wiring
from infra.bundle import Target
from infra.parts import Function

LARGEST_ZIP = 16 * 1024 * 1024
UNCHECKED_HASH = 0b01
"""PEP 552: how byte code says that it is never held against its source."""
NOT_NEEDED: dict[str, set[str]] = {
    # cryptography loads cffi's compiled half, which parses nothing.
    "cffi": {"pycparser"},
    # Its command line's; chalice.app needs none of them.
    "chalice": {
        str(canonicalize_name(Requirement(line).name))
        for line in metadata.requires("chalice") or ()
    },
}


def _requirements() -> dict[str, str]:
    lines = bundle.REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pins}


def _needs(name: str) -> set[str]:
    """What ``name`` depends on where Lambda runs it, without extras."""
    environment = {"python_version": "3.13", "sys_platform": "linux", "extra": ""}
    found = map(Requirement, metadata.requires(name) or ())
    return {
        canonicalize_name(one.name)
        for one in found
        if one.marker is None or one.marker.evaluate(environment)
    }


def test_requirements_are_the_versions_that_the_tests_run_on() -> None:
    pins = _requirements()
    assert pins == {name: metadata.version(name) for name in pins}


@pytest.mark.parametrize("name", _requirements())
def test_requirements_lack_nothing_that_a_package_needs(name: str) -> None:
    assert _needs(name) - NOT_NEEDED.get(name, set()) <= set(_requirements())


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Packages as pip lays them out, in small."""
    for name in (
        "bin/chalice",
        "cffi/api.py",
        "chalice/__init__.py",
        "chalice/app.py",
        "chalice/cli/__init__.py",
        "chalice/deploy.py",
        "botocore/data/endpoints.json",
        "botocore/data/dynamodb/2012-08-10/service-2.json.gz",
        "botocore/data/ec2/2016-11-15/service-2.json.gz",
        "six-1.17.0.dist-info/METADATA",
        "six.py",
        "pynamodb/tests/test_models.py",
        "pynamodb/models.pyi",
        "pynamodb/models.py",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return tmp_path


def test_prune_keeps_only_what_a_function_can_import(packages: Path) -> None:
    bundle.prune(packages)
    kept = {str(one.relative_to(packages)) for one in packages.rglob("*.*")}
    assert kept - {"botocore/data/dynamodb/2012-08-10"} == {
        "chalice/__init__.py",
        "chalice/app.py",
        "botocore/data/endpoints.json",
        "botocore/data/dynamodb/2012-08-10/service-2.json.gz",
        "six.py",
        "pynamodb/models.py",
    }


@pytest.fixture(scope="session")
def local_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole bundle for this interpreter; its packages come from ``build/``."""
    return bundle.build(Target.LOCAL, tmp_path_factory.mktemp("local") / "bundle")


def test_second_build_writes_nothing(local_bundle: Path) -> None:
    made = local_bundle.stat()
    assert bundle.build(Target.LOCAL, local_bundle).stat() == made


def test_build_follows_a_change_of_the_bundle(tmp_path: Path) -> None:
    out = bundle.build(Target.LOCAL, tmp_path / "bundle")
    out.with_name("bundle.digest").write_text("of another time")
    (out / "left_over.py").touch()
    assert not (bundle.build(Target.LOCAL, out) / "left_over.py").exists()


def test_bundle_has_byte_code_that_is_not_held_against_its_source(
    local_bundle: Path,
) -> None:
    modules = [one for one in local_bundle.rglob("*.py")]
    for module in modules:
        code = Path(importlib.util.cache_from_source(str(module))).read_bytes()
        assert code[:4] == importlib.util.MAGIC_NUMBER
        assert int.from_bytes(code[4:8], "little") == UNCHECKED_HASH
    assert local_bundle / "entry.py" in modules


def test_byte_code_is_left_out_where_nothing_can_make_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(bundle, "_compiler", lambda target: None)
    (tmp_path / "module.py").touch()
    bundle.compile_modules(Target.CLOUD, tmp_path, ["."])
    assert "will start slowly" in caplog.text
    assert [one.name for one in tmp_path.iterdir()] == ["module.py"]


def test_interpreter_that_does_not_run_compiles_nothing(tmp_path: Path) -> None:
    stand_in = tmp_path / "python3.13"
    stand_in.write_text("#!/bin/sh\nexit 127\n")
    stand_in.chmod(0o755)
    assert bundle._version(str(stand_in)) == ""
    assert bundle._version(sys.executable) == ".".join(map(str, sys.version_info[:2]))


@pytest.mark.parametrize("function", wiring.FUNCTIONS, ids=lambda one: str(one.name))
def test_handler_imports_from_the_bundle_alone(
    local_bundle: Path, function: Function
) -> None:
    module, _, attribute = function.handler.rpartition(".")
    program = (
        f"import sys; sys.dont_write_bytecode = True; sys.path.insert(0, '.');"
        f"import {module}; assert callable({module}.{attribute})"
    )
    subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], cwd=local_bundle, check=True
    )


def test_what_is_imported_late_is_in_the_bundle_too(local_bundle: Path) -> None:
    program = (
        "import sys; sys.dont_write_bytecode = True; sys.path.insert(0, '.');"
        "import entry, chalicelib.bootstrap; assert 'boto3' not in sys.modules;"
        "import chalicelib.adapters.idempotency"
    )
    subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], cwd=local_bundle, check=True
    )


def test_client_of_every_kept_service_can_be_made(local_bundle: Path) -> None:
    program = (
        "import sys; sys.dont_write_bytecode = True; sys.path.insert(0, '.');"
        "import botocore.session; session = botocore.session.get_session();"
        "[session.create_client(one, 'eu-west-1') for one in sys.argv[1:]]"
    )
    services = sorted(bundle.AWS_SERVICES)
    subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, *services],
        cwd=local_bundle,
        check=True,
    )


def test_cloud_zip_is_small_and_for_arm(tmp_path: Path) -> None:
    packages = bundle.dependencies(Target.CLOUD)
    compiled = {one.name for one in packages.rglob("*.so")}
    assert any("aarch64" in name for name in compiled)
    assert not any("x86_64" in name for name in compiled)
    archive = shutil.make_archive(str(tmp_path / "bundle"), "zip", packages)
    with zipfile.ZipFile(archive) as file:
        assert "chalice/app.py" in file.namelist()
    assert Path(archive).stat().st_size < LARGEST_ZIP - 1024 * 1024


def test_keep_the_service_models_of_all_clients_that_are_made() -> None:
    made = {
        node.args[0].value
        for path in (wiring.ROOT / "chalicelib").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and node.args
        and getattr(node.func, "attr", getattr(node.func, "id", "")) == "client"
        and isinstance(node.args[0], ast.Constant)
    }
    assert {"secretsmanager", "sns", "ecs"} <= made
    assert made <= bundle.AWS_SERVICES
