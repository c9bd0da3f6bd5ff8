"""The two pages of the development identity provider, as Jinja templates (escaped by Flask)."""

_FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
  :root {{ color-scheme: light dark; }}
  body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 26rem; margin: 3rem auto;
         padding: 0 1rem; }}
  .warning {{ border: 2px dashed #b45309; border-radius: .5rem; padding: .5rem .75rem; }}
  button {{ display: block; width: 100%; margin: .5rem 0; padding: .75rem; font: inherit;
           text-align: left; border: 1px solid #888; border-radius: .5rem; cursor: pointer; }}
  button small {{ display: block; }}
</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""

LOGIN_PAGE = _FRAME.format(
    title="Development sign-in",
    body="""<h1>Who are you today?</h1>
<p class="warning"><strong>For development only.</strong> This identity provider runs on this
machine, asks for no password and signs in whoever you choose.</p>
<p>You are signing in to <strong>{{ client_id }}</strong>.</p>
<form method="post" action="/login">
<input type="hidden" name="ticket" value="{{ ticket }}">
{% for person in people %}
<button type="submit" name="person" value="{{ person.subject }}">{{ person.name }}
{% if person in suggested %}(suggested){% endif %}<small>{{ person.email }}</small></button>
{% endfor %}
<button type="submit" name="cancel" value="yes">Cancel</button>
</form>""",
)

REFUSAL_PAGE = _FRAME.format(
    title="Development sign-in: refused",
    body="""<h1>This cannot go on</h1>
<p>{{ description }}</p>""",
)
