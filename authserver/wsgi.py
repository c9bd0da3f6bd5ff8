"""The WSGI application for any server: `gunicorn authserver.wsgi:app`. PEP 3333

The configuration file is the one that AUTHSERVER_CONFIG names, else ./authserver.toml.
"""

from authserver.settings import load, locate
from authserver.web import create_app

app = create_app(load(locate()))
