"""The one identity provider that says who the user is: OpenID Connect Core 1.0 §3.1"""
