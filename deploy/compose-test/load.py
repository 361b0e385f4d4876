"""Clients that place orders one after the other, and try again with the same Idempotency-Key until one is accepted."""

import json
import threading
import time
import urllib.error
import urllib.request
import uuid

CLIENTS = 4
# Between two orders of a client.
PAUSE = 2.0
# Long enough for a container to come back.
TRY_AGAIN_FOR = 120


class Load:
    def __init__(self, url, key):
        self.url, self.key = url, key
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        # Of the accepted orders.
        self.ids, self.times = [], []
        self.tries_refused, self.failure = 0, None
        self.threads = [threading.Thread(target=self.client, daemon=True) for _ in range(CLIENTS)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        if self.failure:
            raise self.failure

    def accepted(self):
        with self.lock:
            return list(self.ids)

    def accepted_count(self):
        return len(self.accepted())

    def longest_pause(self, since):
        """The longest time in which no order was accepted, in seconds."""
        with self.lock:
            times = [since, *(at for at in self.times if at > since)]
        return max(later - earlier for earlier, later in zip(times, times[1:]))

    def refused(self):
        return self.tries_refused

    def wait_for(self, count):
        """Waits until so many orders were accepted."""
        deadline = time.monotonic() + TRY_AGAIN_FOR
        while self.accepted_count() < count:
            if self.failure:
                raise self.failure
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.accepted_count()} of {count} orders were accepted")
            time.sleep(0.1)

    def client(self):
        try:
            while not self.stopping.is_set():
                order = self.place()
                with self.lock:
                    self.ids.append(order)
                    self.times.append(time.monotonic())
                time.sleep(PAUSE)
        except Exception as error:
            self.failure = error

    def place(self):
        body = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": "0.5", "maxSlippage": "0.05"}
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid.uuid4()),
        }
        request = urllib.request.Request(f"{self.url}/api/orders/execute", json.dumps(body).encode(), headers)
        deadline = time.monotonic() + TRY_AGAIN_FOR
        while True:
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    return json.load(answer)["orderId"]
            except urllib.error.HTTPError as error:
                text = error.read().decode(errors="replace")
                # 409: the first try of this key is still being answered.
                if error.code < 500 and error.code not in (409, 429):
                    raise RuntimeError(f"{error.code}: {text}") from error
            except (OSError, ValueError) as error:
                text = str(error)
            with self.lock:
                self.tries_refused += 1
            if time.monotonic() > deadline:
                raise TimeoutError(f"no order was accepted for {TRY_AGAIN_FOR} s: {text}")
            time.sleep(0.2)
