"""The clients of apps/databases (its README.md): how each is started."""

from . import toolchains
from .databases import APPS
from .services import node
from .toolchains import PYTHON


def _python(program, *arguments):
    return lambda: ([PYTHON, APPS / program], arguments)


def _node(program):
    return lambda: (["env", f"NODE_PATH={toolchains.node_drivers()}", node(), APPS / program], ())


def _go(program):
    return lambda: ([toolchains.go_program(program, APPS)], ())


def _java(program):
    return lambda: ([toolchains.tool("java", (17, 0), "-version"), "-XX:TieredStopAtLevel=1", "-cp",
                     toolchains.java_class_path(APPS), program], ())


def _newer_redis_py(version):
    return lambda: (["env", f"PYTHONPATH={toolchains.redis_py()}", PYTHON, APPS / "redis_py.py"], (version,))


POSTGRES = {
    "psycopg": _python("pg_psycopg.py"), "asyncpg": _python("pg_asyncpg.py"), "sqlalchemy": _python("pg_sqlalchemy.py"),
    "node-postgres": _node("pg_node.js"), "pgx": _go("pgx"), "jdbc": _java("PostgresClient"),
}
REDIS = {
    "redis-py": _python("redis_py.py"), "redis-py-resp2": _newer_redis_py("2"), "redis-py-resp3": _newer_redis_py("3"),
    "ioredis": _node("redis_node.js"), "go-redis": _go("goredis"), "jedis": _java("RedisClient"),
}
TCP_ONLY = {"jdbc", "jedis"}  # their UNIX sockets need another library


def command(clients, name, host, port):
    """The command line of a client, after what it needs was built or fetched once."""
    program, options = clients[name]()
    return [*program, host, str(port), *options]
