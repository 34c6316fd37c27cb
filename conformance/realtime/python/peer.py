"""A client of ../clients.test.mjs that uses the package ably. See there for what goes over standard input and output.

Its argument is a JSON object: host, port, authUrl, binary, channel, clientId.
"""

import asyncio
import json
import logging
import sys

from ably import AblyRealtime, AblyRest
from ably.types.annotation import Annotation
from ably.types.channelmode import ChannelMode
from ably.types.channeloptions import ChannelOptions
from ably.types.message import Message

RETRY_MS = 100


def tell(event, **details):
    print(json.dumps({"event": event, **details}), flush=True)


def code_of(reason):
    return None if reason is None else getattr(reason, "code", None)


class Peer:
    def __init__(self, settings):
        common = {
            "auth_url": settings["authUrl"],
            "client_id": settings["clientId"],
            "use_binary_protocol": settings["binary"],
            "tls": False,
            "http_request_timeout": 10,
        }
        host, port = settings["host"], settings["port"]
        # The realtime client takes no port, but what it calls a host may have one; its own REST requests do not work then.
        self.client = AblyRealtime(
            endpoint=f"{host}:{port}",
            auto_connect=False,
            disconnected_retry_timeout=RETRY_MS,
            suspended_retry_timeout=RETRY_MS,
            **common,
        )
        self.rest = AblyRest(endpoint=host, port=port, **common)
        self.name = settings["channel"]
        modes = [
            ChannelMode.PUBLISH,
            ChannelMode.SUBSCRIBE,
            ChannelMode.PRESENCE,
            ChannelMode.PRESENCE_SUBSCRIBE,
            ChannelMode.ANNOTATION_PUBLISH,
            ChannelMode.ANNOTATION_SUBSCRIBE,
        ]
        self.channel = self.client.channels.get(self.name, ChannelOptions(modes=modes))

    async def start(self):
        self.client.connection.on(
            lambda change: tell("connection", state=change.current.value, code=code_of(change.reason))
        )
        self.channel.on(
            lambda change: tell("channel", state=change.current.value, resumed=bool(change.resumed))
        )
        self.client.connect()
        await self.channel.subscribe(
            lambda message: tell(
                "message",
                name=message.name,
                data=message.data,
                serial=message.serial,
                action=int(message.action),
                summary=message.annotations.summary if message.annotations else None,
            )
        )
        await self.channel.annotations.subscribe(
            lambda annotation: tell("annotation", type=annotation.type, name=annotation.name)
        )

    async def obey(self, command):
        channel = self.channel
        match command["do"]:
            case "publish":
                result = await channel.publish(command["name"], command["data"])
                return {"serial": result.serials[0]}
            case "append":
                await channel.append_message(Message(serial=command["serial"], data=command["data"]))
            case "update":
                await channel.update_message(Message(serial=command["serial"], data=command["data"]))
            case "delete":
                await channel.delete_message(Message(serial=command["serial"]))
            case "annotate":
                annotation = Annotation(type=command["type"], name=command["name"])
                await channel.annotations.publish(command["serial"], annotation)
            case "enter":
                await channel.presence.enter(command["data"])
            case "leave":
                await channel.presence.leave()
            case "members":
                members = await channel.presence.get()
                return {"members": {member.client_id: member.data for member in members}}
            case "history":
                page = await self.rest.channels.get(self.name).history(direction="forwards", limit=2)
                items = list(page.items)
                while page.has_next():
                    page = await page.next()
                    items += page.items
                return {"items": [{"data": item.data, "serial": item.serial} for item in items]}
            case "close":
                await self.client.close()
                await self.rest.close()
            case other:
                raise ValueError(f"no such command: {other}")
        return {}


async def main():
    # What the client has to say is for its users; here only what it does counts.
    logging.disable(logging.CRITICAL)
    peer = Peer(json.loads(sys.argv[1]))
    await peer.start()
    tell("started")
    loop = asyncio.get_running_loop()
    commands = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        try:
            tell("reply", result=await peer.obey(json.loads(line)))
        except Exception as error:  # Whatever goes wrong is the answer.
            tell("reply", error={"code": getattr(error, "code", None), "message": str(error)})


asyncio.run(main())
