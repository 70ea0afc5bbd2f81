"""Pulls with pythonblip. The one argument is a JSON object; documents go to standard output.

Each line is a JSON object: {"collection", "id", "body"}, or {"error"} at the end.
"""

import asyncio
import json
import sys

from pythonblip.headers import BasicAuth
from pythonblip.output import ScreenOutput
from pythonblip.replicator import Replicator, ReplicatorConfiguration, ReplicatorType


class Lines(ScreenOutput):
    """Where pythonblip writes what it pulled."""

    @staticmethod
    def write(doc_id, document, collection=None):
        print(json.dumps({"collection": collection, "id": doc_id, "body": document}), flush=True)


def main():
    args = json.loads(sys.argv[1])
    asyncio.set_event_loop(asyncio.new_event_loop())
    replicator = Replicator(
        ReplicatorConfiguration.create(
            args["database"],
            "127.0.0.1",
            ReplicatorType.PULL,
            BasicAuth(args["user"], args["password"]),
            args["tls"],
            str(args["port"]),
            args.get("scope", "_default"),
            args.get("collections"),
            Lines(),
        )
    )
    try:
        replicator.start()
        replicator.replicate()
        replicator.stop()
    except Exception as error:  # whatever it is, the test judges it
        print(json.dumps({"error": str(error)}), flush=True)


main()
