"""Server: who computes what here, what waits, and what went wrong; an administrator steps in."""

from pages.views import server

server.show()
