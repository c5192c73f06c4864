"""Hands on what comes to one port to another: python -m benchmarks.chaos.relay PORT HOST:PORT

Stopped, it is a network that drops everything.
"""

import asyncio
import sys
from contextlib import suppress

BLOCK = 65536


async def pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while block := await source.read(BLOCK):
            target.write(block)
            await target.drain()
    target.close()


async def serve(port: int, host: str, there: int) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            other_reader, other_writer = await asyncio.open_connection(host, there)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pass_on(reader, other_writer), pass_on(other_reader, writer))

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    host, _, there = sys.argv[2].partition(":")
    asyncio.run(serve(int(sys.argv[1]), host, int(there)))
