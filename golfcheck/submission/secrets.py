"""Find likely secrets that were published by mistake: tokens in known formats, private keys, `.env` files.

Only its location and kind are reported; no report repeats a secret.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

# The kind, what each one begins with (searched first, which is ten times as fast), and the rest of its format. It must
# begin and end at word boundaries.
_FORMS = tuple(
    (what, begins, re.compile(re.escape(begins) + rest))
    for what, beginnings, rest in (
        ("a Hugging Face token (hf_…)", (b"hf_",), rb"[A-Za-z]{34}(?![A-Za-z0-9])"),
        ("a GitHub token (ghp_…)", (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"), rb"[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
        ("a GitHub token (github_pat_…)", (b"github_pat_",), rb"[A-Za-z0-9_]{60,90}(?![A-Za-z0-9_])"),
        # With a digit and a capital letter: words joined by dashes are not a key.
        (
            "an OpenAI or Anthropic key (sk-…)",
            (b"sk-",),
            rb"(?=[A-Za-z_-]{0,60}[0-9])(?=[a-z0-9_-]{0,60}[A-Z])[A-Za-z0-9_-]{32,200}(?![A-Za-z0-9_-])",
        ),
        ("an Amazon access key (AKIA…)", (b"AKIA",), rb"[0-9A-Z]{16}(?![A-Za-z0-9])"),
        ("a Google key (AIza…)", (b"AIza",), rb"[0-9A-Za-z_-]{35}(?![A-Za-z0-9_-])"),
        ("a Slack token (xox…)", (b"xoxb-", b"xoxp-", b"xoxa-", b"xoxs-"), rb"[0-9A-Za-z-]{20,200}(?![A-Za-z0-9-])"),
        ("a RunPod key (rpa_…)", (b"rpa_",), rb"[A-Z0-9]{40,60}(?![A-Za-z0-9])"),
        ("a private key", (b"-----BEGIN ",), rb"[A-Z ]{0,20}PRIVATE KEY-----"),
        ("a W&B key", (b"WANDB_API_KEY",), rb"[\"']?\]?[ \t]{0,4}[=:][ \t]{0,4}[\"']?[0-9a-f]{40}(?![0-9a-f])"),
    )
    for begins in beginnings
)
_MAX_BEGINNINGS = 1_000  # of each kind are examined
_BEFORE = re.compile(rb"[A-Za-z0-9_-]")
_FILES = re.compile(
    r"\.env(\..+)?|\.netrc|\.npmrc|\.pypirc|\.git-credentials|kaggle\.json|id_(rsa|dsa|ecdsa|ed25519)|.+\.pem",
    re.IGNORECASE,
)
_EXAMPLES = re.compile(r"\.env\.(example|sample|template|dist)", re.IGNORECASE)


def in_text(data: bytes) -> Iterator[tuple[int, str]]:
    """Yield the lines that contain what looks like a secret, and its kind; each kind once."""
    for what, begins, form in _FORMS:
        start = -1
        for _ in range(_MAX_BEGINNINGS):
            start = data.find(begins, start + 1)
            if start < 0:
                break
            if form.match(data, start) and not (start and _BEFORE.match(data, start - 1)):
                yield data.count(b"\n", 0, start) + 1, what
                break


def is_file_of_secrets(path: str) -> bool:
    """Return whether a file of this name usually contains secrets."""
    name = PurePosixPath(path).name
    return bool(_FILES.fullmatch(name)) and not _EXAMPLES.fullmatch(name)
