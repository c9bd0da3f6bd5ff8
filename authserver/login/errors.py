"""What stops a login"""


class LoginFailed(Exception):
    """The login did not come to a token; the text tells an operator why, and what to do."""
