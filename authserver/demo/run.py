"""Runs the demo: three servers on loopback, the walk through them, then an address to connect to"""

import os
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from authserver.demo.interruptions import Interruption, Interruptions
from authserver.demo.place import NotOurs, Place
from authserver.demo.servers import ServerDown, Servers, start
from authserver.demo.story import Story, for_terminal
from authserver.demo.walk import walk

_INVITATION = """
The demo stays up:

  MCP server             {mcp_url}
  authorization server   {issuer}
  identity provider      {upstream}   (for development: no passwords)
  files                  {directory}

Connect a client of your own, and sign in as whom you like:

  Claude Code   claude mcp add --transport http authserver-demo {mcp_url}
                then: /mcp
  Cursor        in ~/.cursor/mcp.json:
                {{"mcpServers": {{"authserver-demo": {{"url": "{mcp_url}"}}}}}}
  VS Code       in .vscode/mcp.json:
                {{"servers": {{"authserver-demo": {{"type": "http", "url": "{mcp_url}"}}}}}}

Ctrl-C ends it."""


def run(check: bool, directory: Path | None) -> int:  # noqa: FBT001 - the command's own flag
    """Run the demo in a directory (None: a temporary one, removed at the end).

    With `check` it ends after the walk. Returns 0, or 1 when something failed or was interrupted
    before the walk was through, or 2 for a directory that is not the demo's.
    """
    story = for_terminal(sys.stdout, no_color="NO_COLOR" in os.environ)
    with Interruptions() as interruptions:
        demo = _Demo(check, directory, story, interruptions)
        try:
            try:
                return demo.run()
            finally:
                interruptions.hold()
        except Interruption:
            story.say("\nInterrupted.")
            return 1
        except (ServerDown, OSError) as failed:  # no free port, a directory that is not writable
            story.fail(str(failed))
            return 1
        except NotOurs as refusal:
            story.say(str(refusal))
            return 2
        finally:
            demo.ends.close()


@dataclass
class _Demo:
    check: bool
    directory: Path | None
    story: Story
    interruptions: Interruptions
    ends: ExitStack = field(default_factory=ExitStack)

    def run(self) -> int:
        servers = self._start()
        servers.wait_until_up()
        place = servers.place
        self.story.say(
            f"An MCP server at {place.mcp_url}, an identity provider at {place.upstream},\n"
            f"and between them authserver at {place.issuer}."
        )
        holds = walk(place.mcp_url, self.story)
        if self.interruptions.was_raised:  # the tasks that it met may have made a failure of it
            raise Interruption
        if not holds:
            self.story.say(f"The authorization server said last:\n{servers.last_words()}")
            return 1
        self.story.say(f"\nAll {len(self.story.titles)} steps hold.")
        return 0 if self.check else self._stay(servers)

    def _start(self) -> Servers:
        with self.interruptions.held():
            directory = self.directory or self._temporary()
            return start(directory, self.ends)

    def _temporary(self) -> Path:
        temporary = tempfile.TemporaryDirectory(prefix="authserver-demo-")
        return Path(self.ends.enter_context(temporary))

    def _stay(self, servers: Servers) -> int:
        try:
            self.story.say(_invitation(servers.place))
            while True:
                servers.require_up()
                time.sleep(0.5)
        except Interruption:
            self.story.say("\nEnded.")
            return 0


def _invitation(place: Place) -> str:
    return _INVITATION.format(
        mcp_url=place.mcp_url,
        issuer=place.issuer,
        upstream=place.upstream,
        directory=place.directory,
    )
