"""`golfcheck explain` documents every rule; `golfcheck doctor` lists what is installed and how to get the rest."""

import re
from pathlib import Path

import pytest

from golfcheck import cli
from golfcheck.board.keys import KEYS
from golfcheck.commands import doctor
from golfcheck.core.outcome import MEANINGS, Outcome
from golfcheck.core.ruleset import RULESETS
from golfcheck.rules import RULES


def said(capsys, *arguments: str) -> str:
    assert cli.main(list(arguments)) == 0
    return str(capsys.readouterr().out)


def test_alone_it_lists_every_rule_once(capsys):
    listed = re.findall(r"^  ([a-z0-9-]+) +(?:error|warning|info) ", said(capsys, "explain"), re.MULTILINE)
    assert sorted(listed) == sorted(rule.name for rule in RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_has_what_why_an_example_how_to_fix_and_how_to_waive(rule, capsys):
    text = said(capsys, "explain", rule.name)
    words = " ".join(text.split())
    assert words.startswith(f"{rule.name} {rule.severity.label} {rule.family}")
    assert " ".join(rule.doc.split()) in words
    assert f"example {rule.example} fix {rule.hint}" in words
    assert f'"{rule.name}": "why it does not apply"' in words


def test_a_family_is_explained_rule_by_rule(capsys):
    text = said(capsys, "explain", "seeds")
    assert all(rule.name in text for rule in RULES if rule.family == "seeds")
    assert "bytes-over-cap" not in text


@pytest.mark.parametrize("outcome", Outcome)
def test_each_verdict_is_explained_alone_and_in_the_list(outcome: Outcome, capsys):
    assert " ".join(said(capsys, "explain", outcome).split()) == f"{outcome} {MEANINGS[outcome]}"
    assert f"{outcome} {MEANINGS[outcome]}" in " ".join(said(capsys, "explain").split())


@pytest.mark.parametrize("ruleset", RULESETS)
def test_each_ruleset_is_explained(ruleset: str, capsys):
    assert f"at p < {RULESETS[ruleset].alpha:g}" in said(capsys, "explain", ruleset)


def test_it_lists_every_key_of_a_filter_with_its_example_and_words(capsys):
    words = " ".join(said(capsys, "explain").split())
    assert all(f"{key.example} {key.meaning}" in words for key in KEYS.values())
    assert "ruling:waived the maintainers' latest ruling: included, removed, superseded, waived, re-scored" in words


def test_doctor_names_versions_and_the_data(capsys, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor, "_devices", lambda: iter(["cpu, 2 threads"]))
    text = said(capsys, "doctor")
    assert re.search(r"ok +core +for verify.*jsonschema [0-9]", text)
    assert re.search(r"ok +device +cpu, 2 threads", text)
    assert re.search(r"-- +data .*golfcheck data demo", text)


def test_doctor_says_how_to_install_what_is_missing(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "_devices", lambda: iter(()))
    monkeypatch.setattr(doctor, "_version", lambda package: None if package == "torch" else "1.0")
    assert "missing torch: pip install 'golfcheck[train]'" in said(capsys, "doctor")


def test_doctor_fails_where_the_core_is_missing(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "_devices", lambda: iter(()))
    monkeypatch.setattr(doctor, "_version", lambda package: None if package == "jsonschema" else "1.0")
    assert cli.main(["doctor"]) == 2
    assert "missing jsonschema: pip install 'golfcheck'" in capsys.readouterr().out


def test_what_a_rule_tells_to_type_is_a_command(capsys):
    commands = {name for rule in RULES for name in re.findall(r"`golfcheck ([a-z]+)", f"{rule.doc} {rule.hint}")}
    assert commands and commands <= set(cli.COMMANDS)
