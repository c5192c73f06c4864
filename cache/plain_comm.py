"""The server's end of a connection to Dask, which reads plain data and nothing else.

Dask's own end unpickles whatever the other side marks as pickled, and its client unpickles the bytes it finds in
errors, warnings, answers and the types of results (`distributed.core.clean_exception`,
`distributed.client.Client._handle_key_in_memory`, `_handle_warn`, `_run`). Who controls a worker could so run code in
the server. Here every message is read as msgpack: numbers, text and collections pass, an `Outcome` is read by
`cache.wire`, and everything else, bytes included, becomes `REFUSED`, which those places take for nothing or for the
text of an error.

Used by address: `plain("tls://host:port")` names the same place, reached through this module.
"""

import asyncio
import struct
from collections.abc import Sequence
from ssl import SSLError
from typing import Any

import msgpack
from distributed.comm.core import CommClosedError
from distributed.comm.registry import backends
from distributed.comm.tcp import (
    TCP,
    TLS,
    TCPBackend,
    TCPConnector,
    TLSBackend,
    TLSConnector,
    convert_stream_closed_error,
    read_bytes_rw,
)
from distributed.protocol.compression import decompress
from distributed.protocol.serialize import merge_and_deserialize
from distributed.protocol.utils import msgpack_opts, unpack_frames
from tornado.iostream import StreamClosedError

from cache.wire import FAMILY

CONNECT_TIMEOUT = 5.0
"""Seconds that the other side may take to answer at all."""

PREFIX = "plain-"
REFUSED = ""

Frames = Sequence[bytes | bytearray | memoryview]


def plain(address: str) -> str:
    """The address under which a client reaches a `tls://` or `tcp://` address through this module."""
    return PREFIX + address


def read_plain(frames: Frames) -> Any:
    """The message in frames of Dask's protocol, without what is neither plain data nor an `Outcome`.

    Raises `ValueError` when it is no msgpack.
    """

    def decoded(values: dict) -> Any:
        if "__Serialized__" in values:
            return _outcome(frames, values["__Serialized__"])
        if "__Pickled__" in values or "__Enum__" in values:
            return REFUSED
        if "__Set__" in values:
            return values["as-list"]
        if "exception_text" in values:  # of an error: the words, in place of the pickled exception
            values["exception"] = values["exception_text"]
        return {key: _without_bytes(value) for key, value in values.items()}

    message = msgpack.unpackb(
        frames[0], object_hook=decoded, ext_hook=lambda *_: REFUSED, use_list=False, **msgpack_opts
    )
    return _without_bytes(message)


def _without_bytes(value: Any) -> Any:
    if isinstance(value, bytes):
        return REFUSED
    return tuple(map(_without_bytes, value)) if isinstance(value, tuple) else value


def _outcome(frames: Frames, place: Any) -> Any:
    """The `Outcome` whose header is the frame at this place, or `REFUSED`."""
    try:
        header = msgpack.unpackb(frames[place], use_list=False, **msgpack_opts)
        parts = frames[place + 1 : place + 1 + header["num-sub-frames"]]
        if "compression" in header:
            parts = decompress(header, parts)
        # Only our own family is looked up: Dask's "dask" and "pickle" both unpickle.
        return merge_and_deserialize(header, list(parts), deserializers=(FAMILY,))
    except Exception:
        return REFUSED


class _PlainRead:
    """`read` of Dask's TCP comm, with `read_plain` at its end, and an end to the wait for the first message: Dask would
    wait for ever for one who takes the connection and says nothing."""

    async def read(self: Any, deserializers: object = None) -> Any:
        async with asyncio.timeout(None if self.remote_info else CONNECT_TIMEOUT):
            return await self._read()

    async def _read(self: Any) -> Any:
        stream = self.stream
        if stream is None:
            raise CommClosedError
        try:
            (size,) = struct.unpack("Q", await stream.read_bytes(8))
            frames, sizes = unpack_frames(await read_bytes_rw(stream, size), partial=True)
            frames += [await read_bytes_rw(stream, size) for size in sizes]
            return read_plain(frames)
        except (StreamClosedError, SSLError) as error:
            self.stream, self._closed = None, True
            convert_stream_closed_error(self, error)
        except Exception as error:
            self.abort()  # nobody knows how much was read
            raise CommClosedError(f"what was sent is no message: {error!r}") from error
        except BaseException:
            self.abort()
            raise


class PlainTLS(_PlainRead, TLS):
    pass


class PlainTCP(_PlainRead, TCP):
    pass


class PlainTLSConnector(TLSConnector):
    prefix = plain(TLSConnector.prefix)
    comm_class = PlainTLS

    async def connect(self, address: str, deserialize: bool = True, **connection_args: Any) -> Any:
        try:
            return await super().connect(address, deserialize, **connection_args)
        except ValueError as error:  # of Tornado, when the other side hangs up before the handshake
            raise CommClosedError(f"{address} closed the connection: {error}") from error


class PlainTCPConnector(TCPConnector):
    prefix = plain(TCPConnector.prefix)
    comm_class = PlainTCP


class PlainTLSBackend(TLSBackend):
    _connector_class = PlainTLSConnector


class PlainTCPBackend(TCPBackend):
    _connector_class = PlainTCPConnector


backends |= {f"{PREFIX}tls": PlainTLSBackend(), f"{PREFIX}tcp": PlainTCPBackend()}
