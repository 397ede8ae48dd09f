#!/usr/bin/env python3
"""The matrix's answers on aiohttp's server."""

import sys

from aiohttp import web

routes = web.RouteTableDef()


@routes.get("/item/{item}")
async def get_item(request):
    item = request.match_info["item"]
    code = int(request.query.get("status", 200))
    return web.Response(status=code, text=None if code in (204, 304) else item, headers={"X-Item": item})


@routes.get("/bytes/{count}")
async def get_bytes(request):
    return web.Response(body=b"x" * int(request.match_info["count"]))


@routes.get("/stream/{count}")
async def get_stream(request):
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(int(request.match_info["count"])):
        await response.write(b"y" * 1000)
    await response.write_eof()
    return response


@routes.post("/upload/{item}")
async def upload(request):
    count = 0
    async for data in request.content.iter_any():
        count += len(data)
    return web.Response(text=str(count), headers={"X-Item": request.match_info["item"]})


app = web.Application()
app.add_routes(routes)
web.run_app(app, host=sys.argv[1], port=int(sys.argv[2]), print=None, access_log=None)
