"""The WSGI application for any server: `gunicorn authserver.wsgi:app`. PEP 3333

The configuration file is the one that AUTHSERVER_CONFIG names, else ./authserver.toml.
"""

import time

from authserver.settings import load, locate
from authserver.start import prepare
from authserver.web import create_app

_settings = load(locate())
prepare(_settings, int(time.time()))
app = create_app(_settings)
