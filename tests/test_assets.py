import pytest

from authserver.assets import AssetMissing, asset


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "authserver"
    folder.mkdir()
    return folder


def test_an_asset_inside_the_package_comes_first(package):
    (package / "templates").mkdir()
    (package.parent / "templates").mkdir()
    (package.parent / "pyproject.toml").touch()
    assert asset("templates", package=package) == package / "templates"


def test_in_a_checkout_the_asset_lies_beside_the_package(package):
    (package.parent / "migrations").mkdir()
    (package.parent / "pyproject.toml").touch()
    assert asset("migrations", package=package) == package.parent / "migrations"


def test_a_strangers_folder_beside_an_installed_package_is_not_served(package):
    (package.parent / "templates").mkdir()
    with pytest.raises(AssetMissing, match="templates/ was found neither"):
        asset("templates", package=package)


def test_a_checkout_without_the_folder_is_an_error_at_start_up(package):
    (package.parent / "pyproject.toml").touch()
    with pytest.raises(AssetMissing, match="install authserver again"):
        asset("templates", package=package)
