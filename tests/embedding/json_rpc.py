"""The least that an MCP server says over HTTP, as a Flask view: no sessions, no streams"""

import flask

ISSUES = ["#1 The door squeaks"]


def whoami():
    return flask.request.environ["authserver.access_token"].subject


def list_issues():
    return "; ".join(ISSUES)


def create_issue(title):
    flask.request.environ["authserver.access_token"].require("issues:write")
    return f"created {title}"


TOOLS = {"whoami": whoami, "list_issues": list_issues, "create_issue": create_issue}


def initialize(params):
    return {
        "protocolVersion": params["protocolVersion"],
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "Issues", "version": "1"},
    }


def list_tools(params):
    return {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in TOOLS]}


def call_tool(params):
    text = TOOLS[params["name"]](**(params.get("arguments") or {}))
    return {"content": [{"type": "text", "text": text}]}


METHODS = {"initialize": initialize, "tools/list": list_tools, "tools/call": call_tool}


def answer():
    """Answer one message."""
    if flask.request.method != "POST":
        return "", 405
    message = flask.request.get_json()
    if "id" not in message:
        return "", 202
    envelope = {"jsonrpc": "2.0", "id": message["id"]}
    method = METHODS.get(message["method"])
    if method is None:
        return envelope | {"error": {"code": -32601, "message": "Method not found"}}
    return envelope | {"result": method(message.get("params") or {})}
