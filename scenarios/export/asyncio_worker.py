"""gunicorn's worker for ASGI on the standard library's loop; uvicorn's own takes uvloop where that is installed."""
from uvicorn.workers import UvicornWorker


class AsyncioWorker(UvicornWorker):
    CONFIG_KWARGS = {"loop": "asyncio", "http": "auto"}
