"""Renders chat templates with the real Jinja2, in the environment that transformers sets up.

Reads a JSON list of {template, context} from stdin and writes a JSON list of {text} or
{error, raised} to stdout. Debian: apt-get install python3-jinja2.
"""

import json
import sys
from datetime import datetime, timezone

from jinja2 import nodes
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime.fromtimestamp(1753351200, timezone.utc)


class Raised(TemplateError):
    """What raise_exception() in a template throws."""


def raise_exception(message):
    raise Raised(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


class Generation(Extension):
    """{% generation %} marks the assistant's words and renders them unchanged."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("_same"), [], [], body).set_lineno(line)

    def _same(self, caller):
        return caller()


def environment():
    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = NOW.strftime
    return env


def render(case):
    try:
        return {"text": environment().from_string(case["template"]).render(**case["context"])}
    except Exception as error:  # whatever goes wrong in a template is its result
        return {"error": str(error), "raised": isinstance(error, Raised)}


sys.stdout.reconfigure(encoding="utf-8", errors="surrogatepass")
json.dump([render(case) for case in json.load(sys.stdin)], sys.stdout)
