"""Render templates; this is the only place where strings are made safe for pages.

The templates are jinja2's because its autoescape makes escaping the default: everything is text unless it is `Markup`,
and golfcheck's only `Markup` is SVG from `svg.py`, JSON with `<` escaped, and its own style and script.
"""

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from golfcheck.core import numbers
from golfcheck.core.text import safe


def page(template: str, *, extra: tuple[str, ...] = (), **values: Any) -> bytes:
    """Return a page. Its policy allows only our own style and script, by their sha256.

    `extra` names assets in addition to the site's own.
    """
    style, script = ("".join(_asset(f"{name}.{kind}") for name in ("site", *extra)) for kind in ("css", "js"))
    script = _asset("query.js") + _asset("table.js") + script
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    text = _environment().get_template(template).render(
        policy=policy, style=Markup(style), script=Markup(script), **values
    )  # fmt: skip
    return text.encode()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("golfcheck.site"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"bpb": numbers.bpb_text, "nats": numbers.nats_text}
    environment.filters |= {"share": numbers.share_text, "counted": numbers.counted}
    return environment


def _harmless(value: Any) -> Any:
    """Escape control, bidi and invisible characters; autoescape then escapes the markup."""
    return safe(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _asset(name: str) -> str:
    return (files("golfcheck.site") / "assets" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
