import json
import stat
from pathlib import Path

import httpx
import pytest

from kindred_client.cli.config import Sites, canonical, config_file
from tests.kindred_client.scripted import refuses
from tests.kindred_client.shell import ADDRESS, TOKEN, Routes, run, told

ME = {"id": 1, "email": "ada@example.org", "display_name": "Ada", "role": "curator"}
NOBODY = {"KINDRED_URL": "", "KINDRED_TOKEN": ""}
OTHER = "https://other.test"


@pytest.fixture
def known(site: Routes) -> Routes:
    site["GET /me/"] = ME
    return site


def test_login_asks_and_keeps_the_token_for_this_user_alone(known: Routes) -> None:
    found = run(known, "login", stdin=f"{ADDRESS}/api/v1/\n{TOKEN}\n", **NOBODY)
    assert found.exit_code == 0 and "as ada@example.org (curator)" in found.stderr and not found.stdout
    assert known.requests[0].headers["Authorization"] == f"Token {TOKEN}"
    assert json.loads(config_file().read_text()) == {"current": ADDRESS, "sites": {ADDRESS: {"token": TOKEN}}}
    assert stat.S_IMODE(config_file().stat().st_mode) == 0o600
    assert stat.S_IMODE(config_file().parent.stat().st_mode) == 0o700
    assert [file.name for file in config_file().parent.iterdir()] == ["config.json"]


def test_a_config_file_that_lay_open_is_closed(known: Routes) -> None:
    config_file().parent.mkdir(parents=True, mode=0o755)
    config_file().write_text('{"current": "", "sites": {}}')
    config_file().chmod(0o644)
    run(known, "login")
    assert stat.S_IMODE(config_file().stat().st_mode) == 0o600
    assert stat.S_IMODE(config_file().parent.stat().st_mode) == 0o700


def test_login_takes_what_it_is_told(known: Routes) -> None:
    found = run(known, "login", "--url", OTHER, "--token", "kin_other", "--json", **NOBODY)
    assert told(found) == {"url": OTHER, **ME}
    assert Sites.read().token(OTHER) == "kin_other" and Sites.read().current == OTHER


def test_a_token_that_is_refused_is_not_kept(site: Routes) -> None:
    site["GET /me/"] = refuses(401, "invalid-token")
    found = run(site, "login")
    assert found.exit_code == 4 and "kindred login" in found.stderr
    assert not config_file().exists()


def test_what_is_no_site_of_kindred_is_told(site: Routes) -> None:
    site["GET /me/"] = httpx.Response(200, text="<html>")
    found = run(site, "login")
    assert found.exit_code == 6 and "no Kindred site" in found.stderr and not config_file().exists()


@pytest.mark.parametrize("token", ["kin a", "kin_\u00e9", "kin_\x07"])
def test_what_cannot_be_a_token_is_refused_without_being_told(known: Routes, token: str) -> None:
    found = run(known, "whoami", "--token", token)
    assert found.exit_code == 2 and token not in found.output and not known.requests


@pytest.mark.parametrize("url", ["kindred.test", "http://", "ftp://kindred.test", "http://kindred.test:x"])
def test_what_is_no_url_is_wrong_usage(known: Routes, url: str) -> None:
    assert run(known, "whoami", "--url", url).exit_code == 2


def test_an_address_that_is_not_encrypted_is_warned_of(known: Routes) -> None:
    assert "not encrypted" in run(known, "login").stderr
    assert "not encrypted" not in run(known, "login", "--url", OTHER, "--token", "t").stderr
    assert "not encrypted" not in run(known, "login", "--url", "http://127.0.0.1:8000", "--token", "t").stderr


def test_ending_the_question_keeps_nothing(known: Routes) -> None:
    assert run(known, "login", **NOBODY).exit_code == 130
    assert not config_file().exists()


def test_an_option_goes_before_the_environment_and_that_before_the_file(known: Routes) -> None:
    Sites().keep(ADDRESS, "kin_kept")
    for words, environment, sent in (
        ((), NOBODY, "kin_kept"),
        ((), {"KINDRED_URL": "", "KINDRED_TOKEN": "kin_env"}, "kin_env"),
        (("--token", "kin_option"), {}, "kin_option"),
    ):
        assert run(known, "whoami", *words, **environment).exit_code == 0
        assert known.requests[-1].headers["Authorization"] == f"Token {sent}"


def test_a_token_of_the_environment_is_not_sent_to_another_site(known: Routes) -> None:
    assert run(known, "whoami", "--url", OTHER).exit_code == 0
    assert "Authorization" not in known.requests[-1].headers


def test_whoami_shows_who_and_where(known: Routes) -> None:
    assert "ada@example.org" in run(known, "whoami").stdout
    assert told(run(known, "whoami", "--json")) == {"url": ADDRESS, **ME}


def test_sites_are_switched_and_forgotten(known: Routes) -> None:
    sites = Sites()
    sites.keep(ADDRESS, TOKEN)
    sites.keep(OTHER, "kin_other")
    assert told(run(known, "use", ADDRESS, "--json", **NOBODY)) == {"current": ADDRESS}
    assert run(known, "use", "https://third.test", **NOBODY).exit_code == 2
    assert told(run(known, "logout", "--json", **NOBODY)) == {"url": ADDRESS, "forgotten": True, "current": OTHER}
    assert "no token" in run(known, "logout", "--url", ADDRESS).stderr
    assert run(known, "logout", **NOBODY).exit_code == 0
    assert run(known, "whoami", **NOBODY).exit_code == 2
    assert "kindred login" in run(known, "logout", **NOBODY).stderr


@pytest.mark.parametrize("content", ["", "[]", '{"sites": {"a": 1}, "current": ""}', '{"sites": 1, "current": ""}'])
def test_a_damaged_file_is_told_of(home: Path, content: str) -> None:
    config_file().parent.mkdir(parents=True)
    config_file().write_text(content)
    found = run(None, "whoami", **NOBODY)
    assert found.exit_code == 2 and str(config_file()) in found.stderr


def test_addresses_are_kept_without_the_path_of_the_api() -> None:
    assert canonical(" https://k.example/api/v1/ ") == canonical("https://k.example")
    assert canonical("https://example.org/kindred/") == "https://example.org/kindred"


def test_a_token_is_in_no_repr() -> None:
    assert TOKEN not in repr(Sites(ADDRESS, {ADDRESS: TOKEN}))
