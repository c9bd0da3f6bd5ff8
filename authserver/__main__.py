"""`python -m authserver`: the command where no script is installed"""

from authserver.cli import main

main(prog_name="authserver")
