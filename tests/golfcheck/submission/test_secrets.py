"""Secrets that were published by mistake: recognized by form, named by kind and line, never repeated."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfcheck.core.verdict import Finding
from golfcheck.submission import secrets
from tests.golfcheck.valid_record import Draft, verdict_of

HEX = "0123456789abcdef" * 4
# Each is put together here, so that no scanner takes this file for one that holds a secret.
SECRETS = {
    "Hugging Face": "hf_" + "aBcDeF" * 5 + "abcd",
    "GitHub token (ghp": "ghp" + "_" + "a1B2" * 9,
    "GitHub token (github_pat": "github" + "_pat_" + "a1B2" * 20 + "ab",
    "OpenAI": "sk" + "-proj-" + "a1B2_-" * 12,
    "Anthropic": "sk" + "-ant-api03-" + "a1B2" * 20,
    "Amazon": "AKIA" + "A1B2" * 4,
    "Google": "AIza" + "a1B2-" * 7,
    "Slack": "xox" + "b-" + "1234567890-" * 3,
    "RunPod": "rpa" + "_" + "A1B2" * 11,
    "private key": "-----BEGIN " + "OPENSSH PRIVATE KEY-----",
    "W&B": "WANDB_API_KEY=" + HEX[:40],
}
HARMLESS = [
    "hf_hub_download(repo_id, filename)",
    "sk-learn-like-interface-for-the-estimators-of-this-trainer",
    "task-sk-1234567890ABCDEFGHIJKLMNOPQRSTUVWXYZabc",
    f"sha256 {HEX}",
    "WANDB_API_KEY = os.environ['WANDB_API_KEY']",
    "MASK_TOKEN=1024 PAD_TOKEN: 0",
    "ghp_short AKIA AIza xoxb",
]


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("around", ["{}", "token: {}\n", "os.environ['KEY'] = '{}'", 'x = "{}", y'])
def test_each_form_is_recognized_with_its_line_and_not_repeated(kind: str, around: str) -> None:
    text = "one\ntwo\n" + around.format(SECRETS[kind])
    ((line, what),) = secrets.in_text(text.encode())
    assert line == 3
    assert kind in what
    assert SECRETS[kind] not in what


@pytest.mark.parametrize("text", HARMLESS)
def test_a_string_that_only_resembles_a_secret_is_not_one(text: str) -> None:
    assert list(secrets.in_text(text.encode())) == []


@given(st.binary(max_size=2000))
def test_random_bytes_contain_no_secret(data: bytes) -> None:
    assert list(secrets.in_text(data)) == []


@pytest.mark.parametrize("name", [".env", ".env.local", "conf/.netrc", "id_ed25519", "server.pem", "kaggle.json"])
def test_a_file_that_is_kept_for_secrets_is_a_warning(tmp_path: Path, name: str) -> None:
    draft = Draft()
    draft.files[name] = b"x"
    (finding,) = published(draft, tmp_path)
    assert (finding.path, finding.message) == (name, "a file that usually contains secrets, 1 byte")


@pytest.mark.parametrize("name", [".env.example", "environment.md", "id_rsa.pub.md"])
def test_a_file_with_another_name_gives_no_warning(tmp_path: Path, name: str) -> None:
    draft = Draft()
    draft.files[name] = b"x"
    assert published(draft, tmp_path) == []


@pytest.mark.parametrize("name", ["train_gpt.py", "README.md", "train_seed42.log", "submission.json"])
def test_code_readme_log_and_json_are_read_for_them(tmp_path: Path, name: str) -> None:
    draft = Draft()
    if name == "submission.json":
        draft.set(blurb=SECRETS["GitHub token (ghp"])
    else:
        draft.files[name] += f"# {SECRETS['GitHub token (ghp']}\n".encode()
    (finding,) = published(draft, tmp_path)
    assert finding.path == name
    assert finding.line == (draft.files[name].count(b"\n") if name != "submission.json" else finding.line)


def test_what_a_packed_script_holds_is_read_as_well(tmp_path: Path) -> None:
    import base64
    import lzma

    inside = base64.b85encode(lzma.compress(f"x = 1\nKEY = {SECRETS['Amazon']!r}\n".encode())).decode()
    script = f"import base64, lzma\nexec(lzma.decompress(base64.b85decode({inside!r})))\n".encode()
    (finding,) = published(Draft(script=script), tmp_path)
    assert finding.message == "what looks like an Amazon access key (AKIA…) (line 2 of what it unpacks)"


def published(draft: Draft, folder: Path) -> list[Finding]:
    return [finding for finding in verdict_of(draft, folder).findings if finding.rule == "secret-published"]
