#!/usr/bin/env python3
"""The matrix's answers on Flask's development server, a thread for each connection."""

import logging
import sys

from flask import Flask, Response, request
from werkzeug.serving import make_server

app = Flask(__name__)
logging.getLogger("werkzeug").setLevel(logging.ERROR)


@app.get("/item/<item>")
def get_item(item):
    return Response(item, int(request.args.get("status", 200)), {"X-Item": item})


@app.get("/bytes/<int:count>")
def get_bytes(count):
    return Response(b"x" * count)


@app.get("/stream/<int:count>")
def get_stream(count):
    return Response(b"y" * 1000 for _ in range(count))


@app.post("/upload/<item>")
def upload(item):
    count = 0
    while data := request.stream.read(65536):
        count += len(data)
    return Response(str(count), headers={"X-Item": item})


server = make_server(sys.argv[1], int(sys.argv[2]), app, threaded=True)
print("listening", server.port, flush=True)
server.serve_forever()
