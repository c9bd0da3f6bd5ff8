"""What `config check` says of settings: what is in effect, and what is looser than it has to be"""
