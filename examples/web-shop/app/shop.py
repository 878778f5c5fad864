"""The shop: a service on port 8080 that asks its database and says how both are."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg


def state():
    """Return what the health endpoint says."""
    try:
        with psycopg.connect(os.environ["SHOP_DSN"], connect_timeout=2) as database:
            row = database.execute("SELECT count(*) FROM orders WHERE shipped IS NULL").fetchone()
    except psycopg.Error as error:
        return {"status": "degraded", "database": "down", "error": type(error).__name__}
    return {"status": "healthy", "database": "up", "open_orders": row[0]}


class Shop(BaseHTTPRequestHandler):
    """Answers /health."""

    def do_GET(self):
        """Say how the shop is: 200 when healthy, 503 when not."""
        told = state()
        self.send_response(200 if told["status"] == "healthy" else 503)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())


if __name__ == "__main__":
    ThreadingHTTPServer(("", 8080), Shop).serve_forever()
