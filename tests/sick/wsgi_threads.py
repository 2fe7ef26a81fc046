"""As Flask is served by four threads of gunicorn: each request keeps one while it waits."""
import time


def report():
    time.sleep(0.05)
    return b"rows"


def app(environ, start_response):
    body = report() if environ["PATH_INFO"] == "/report" else b"ok"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
