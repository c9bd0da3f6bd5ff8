"""The WSGI application of a checkout: `gunicorn wsgi:app`. Installed: `authserver.wsgi:app`"""

from authserver.wsgi import app

__all__ = ["app"]
