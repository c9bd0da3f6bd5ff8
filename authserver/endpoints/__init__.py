"""One module per URL: machine endpoints are functions, pages are Flask views."""
