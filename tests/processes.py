"""Processes of their own for tests: forked off one that has loaded the storage and nothing else

A fork of the test's own process would inherit its threads' locks; a new interpreter each time
would spend a second on imports.
"""

from multiprocessing import get_context

context = get_context("forkserver")
context.set_forkserver_preload(["authserver.keys", "authserver.storage.store"])
