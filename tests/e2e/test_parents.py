"""A parent is shown only where it is certain."""

from harness.spans import CLIENT, SERVER
from harness.truth import expect_exchanges
from harness.wire import Wire, request

ROUNDS = 5


def test_a_loop_that_reads_ahead(lab):
    """It asks for the first of two requests after it has read the second: not a call of the second."""
    backend = lab.python_app("threaded.py")
    loop = lab.python_app("reads_ahead.py", "127.0.0.1", backend.port, ROUNDS)
    agent = lab.agent("--pid", loop.pid)
    paths = [f"/item/{number}" for number in range(2 * ROUNDS)]
    with Wire("127.0.0.1", loop.port) as first, Wire("127.0.0.1", loop.port) as second:
        for number in range(0, len(paths), 2):
            first.send(request(paths[number]))
            second.send(request(paths[number + 1]))
            for wire in (first, second):
                assert wire.response().code == 200
    spans = agent.stop().spans
    exchanges = [("GET", path, 200) for path in paths]
    served = {span.span_id: span for span in expect_exchanges(spans, SERVER, exchanges)}
    for call in expect_exchanges(spans, CLIENT, exchanges):
        assert not call.parent_id or served[call.parent_id].path == call.path, f"{call}\nunder {served[call.parent_id]}"
