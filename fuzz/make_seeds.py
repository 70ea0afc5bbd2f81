#!/usr/bin/env python3
"""Writes the first seeds of corpus/ from the recordings in ../tests/data/blip and from texts below.

Run it again after a target's input format has changed; seeds found by fuzzing stay.
"""

import base64
import hashlib
import json
import pathlib
import zlib

HERE = pathlib.Path(__file__).parent
DATA = HERE.parent / "tests/data/blip"
RECORDINGS = [
    "cbl-java-ce-3.0.0/pull.txt",
    "cbl-java-ce-3.0.0/push.txt",
    "litecore-3.2.4/push-named1.txt",
    "litecore-3.2.4/pull-named-channels-docids.txt",
    "litecore-4.0.3-vv/push-default.txt",
]


def seed(target, data):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(data).hexdigest()[:16]).write_bytes(data)


def piece(data):
    return len(data).to_bytes(2, "little") + data


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def contents(properties, body=b""):
    block = b"".join(part.encode() + b"\0" for pair in properties for part in pair)
    return varint(len(block)) + block + body


def main():
    kinds = {"MSG": 0, "RPY": 1, "ERR": 2}
    for name in RECORDINGS:
        frames = {"C": [], "S": []}
        plain = {"C": [], "S": []}
        last = None
        for line in (DATA / name).read_text().splitlines():
            mark, _, rest = line.partition(" ")
            if mark in "CS" and " cut " not in rest:
                frame = bytes.fromhex(rest)
                frames[mark].append(piece(frame))
                if frame[1] & 8 and len(frame) < 200:
                    seed("inflate", frame[2:-4]) if len(frames[mark]) < 4 else None
                last = (mark, frame[0], frame[1])
            elif mark == "=":
                properties = list(json.loads(rest.split(" ", 2)[2]).items())
                pending = [last, properties, b""]
                plain[last[0]].append(pending)
            elif mark == "B" and last:
                plain[last[0]][-1][2] = rest.partition(" ")[2].encode()
        for side in "CS":
            seed("frames", b"".join(frames[side]))
            messages = b""
            for (_, number, flags), properties, body in plain[side]:
                data = contents(properties, body)
                messages += piece(bytes([number, flags]) + data)
                if flags & 7 == kinds["MSG"]:
                    seed("requests", data)
                elif flags & 7 == kinds["RPY"]:
                    seed("replies", bytes([8]) + data)
                seed("properties", contents(properties))
            seed("messages", messages)

    for text in [
        b"\x10Profile\0changes\0null",
        bytes(20_000),
        b"",
        b"\0" + bytes(range(256)) * 8,
    ]:
        deflater = zlib.compressobj(1, zlib.DEFLATED, -15)
        data = deflater.compress(text) + deflater.flush(zlib.Z_SYNC_FLUSH)
        seed("inflate", data[:-4] if len(data) > 4 else data)
    for changes in [
        b'[["12:34","a","1-aa",5],[7,"b","2-bb",true,99]]',
        b"null",
        b'[[1,"a"]]',
    ]:
        seed("requests", contents([("Profile", "changes"), ("collection", "0")], changes))
    seed(
        "requests",
        contents(
            [
                ("Profile", "norev"),
                ("id", "d"),
                ("rev", "1-aa"),
                ("seq", '"1:2"'),
                ("error", "404"),
                ("reason", "gone"),
            ]
        ),
    )
    seed(
        "requests",
        contents(
            [("Profile", "subChanges"), ("filter", "f"), ("x", "y"), ("since", '"1:2"')],
            b'{"docIDs":["a"]}',
        ),
    )
    seed("requests", contents([("Profile", "proveAttachment"), ("digest", "sha1-")], b"nonce"))
    for body in [
        b'[[],0,["2-bb","1-aa"],409,500]',
        b'[0,304,409,{"status":409,"rev":"2-bb"},403]',
        b'[null,{},{"rev":"1-cc","time":1,"local":2},{"_rev":"0-1","x":[1, 2]}]',
        b'{"_rev":"0-1","local":1.50}',
    ]:
        seed("replies", bytes([4]) + contents([("maxHistory", "20"), ("blobs", "true")], body))
    one = '{"@type":"blob","digest":"sha1-c2XTGPrFT86b4bdd8Xo4E/Zpuww=","length":10}'
    two = '{"digest":"sha1-qsaeEYgkWAopmCCfeo/r+w19d4g=","stub":true,"revpos":1}'
    for text in [
        '{"photo":%s,"list":[1.50,%s]}' % (one, one),
        '{"photo":%s,"_attachments":{"blob_/photo":%s,"a.txt":%s,"blob_1":%s}}' % (one, two, two, two),
        '{"_id":"x","\\u005frev":1,"a":{"_b":[{},"\\u0040type"]}}',
        '{"_removed":true}',
        '{"a":[[[[[[{"b":null}]]]]]]}',
        '{"_attachments":7}',
    ]:
        seed("attachments", text.encode())
    long = "The quick brown fox jumps over the lazy dog and then runs far away from it" * 3
    for base, second in [
        ('{"a":1,"t":[1,2,3],"gone":true}', '{"a":2,"t":{"1":9,"2-":[]},"gone":[]}'),
        ('{"a":{"x":1,"y":[{"k":1}]}}', '{"a":{"x":[],"y":{"0":{"k":["n"]},"1-":[4,5]}},"b":[{}]}'),
        ('{"t":"%s"}' % long, '{"t":["20=3-3+lea|%d=",0,2]}' % (len(long) - 23)),
        ('{"n":1,"t":"%s"}' % long, '{"t":"%s Zoë","u":[1,null]}' % long.replace("fox", "cat")),
    ]:
        seed("deltas", base.encode() + b"\0" + second.encode())

    cases = json.loads((HERE.parent / "tests/data/query/cases.json").read_text())
    areas = {}
    for case in cases:
        # A few of each area: a seed is replayed with dozens of variants.
        area = areas.setdefault(case["name"].partition(":")[0], [])
        area.append(case["query"])
    for queries in areas.values():
        for query in queries[:: len(queries) // 6 + 1]:
            if len(query) < 300:
                seed("queries", query.encode())
    for item in [
        "n, LOWER(s), o.p[0]",
        "s COLLATE (UNICODE:de NOCASE), META().id",
        '[".a.b"]',
        '["COLLATE",{"CASE":false},["LOWER()",[".s"]]]',
        '["OR",["IS",[".n"],null],["IN",[".n"],["[]",1,"x"]]]',
        '["CASE",null,["=",[".",\"a\",0],1.5],["||",[".s"],{"k":1}],["-",[".n"]]]',
    ]:
        seed("index_items", item.encode())

    # An ECDSA and an Ed25519 certificate made by OpenSSL, as DER and as PEM.
    for text in [
        "MIICBTCCAaqgAwIBAgIUDDuT4aCRgKnqQfex+/KeZsGYuIgwCgYIKoZIzj0EAwIwNTEVMBMGA1UEAwwMZGVzay5l"
        "eGFtcGxlMQ8wDQYDVQQKDAZTZXR0ZWUxCzAJBgNVBAYTAkNIMB4XDTI2MTEyNTA0MjYzNVoXDTM2MTEyMjA0MjYz"
        "NVowNTEVMBMGA1UEAwwMZGVzay5leGFtcGxlMQ8wDQYDVQQKDAZTZXR0ZWUxCzAJBgNVBAYTAkNIMFkwEwYHKoZI"
        "zj0CAQYIKoZIzj0DAQcDQgAEcrC88WiYfTu+txHvuzmTySB16VZmbIJRuJiKBJErIGsT5aF+o0D1vYYcrdeLJeIA"
        "lhPD5PBT2RS2Vkpkygw5J6OBlzCBlDAdBgNVHQ4EFgQUuVxahVYMJPfLlmj+J+8VXO9bgYIwHwYDVR0jBBgwFoAU"
        "uVxahVYMJPfLlmj+J+8VXO9bgYIwDwYDVR0TAQH/BAUwAwEB/zAsBgNVHREEJTAjggxkZXNrLmV4YW1wbGWHBAoA"
        "AAGBDWFAZXhhbXBsZS5jb20wEwYDVR0lBAwwCgYIKwYBBQUHAwEwCgYIKoZIzj0EAwIDSQAwRgIhALuJL1x4OhZC"
        "OM+6zyOy5yrSSI0uMzM52456XfPqlPtLAiEA4IzyFswGZAG7u1IGLQHl+lQBhAOh0BXjwckoqiAOSRs=",
        "MIIBLDCB36ADAgECAhQ4EGt4bygHBEi9ip410yoKmbrXVTAFBgMrZXAwDDEKMAgGA1UEAwwBeDAeFw0yNjExMjUw"
        "NDI2MzVaFw0zNjExMjIwNDI2MzVaMAwxCjAIBgNVBAMMAXgwKjAFBgMrZXADIQD8ZPa6Ugr+t9ePldh9Ysjk+P4m"
        "8sIyS3Edo+ghOvcTDaNTMFEwHQYDVR0OBBYEFB3eIGEJeihD/M2NiRbHoVe2dc3iMB8GA1UdIwQYMBaAFB3eIGEJ"
        "eihD/M2NiRbHoVe2dc3iMA8GA1UdEwEB/wQFMAMBAf8wBQYDK2VwA0EAYKP0A+ASv2shbSEEgAs1jQ5HcSU5h39G"
        "o9yp8n8/iOymFBDM6v/3RxGgab947042fuUdOcTUlgrTqBuxvR5JCw==",
    ]:
        der = base64.b64decode(text)
        seed("certificates", der)
        lines = [text[at : at + 64] for at in range(0, len(text), 64)]
        pem = ["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""]
        seed("certificates", "\n".join(pem).encode())


main()
