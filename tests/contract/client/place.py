"""Places an order with a client that is generated from the OpenAPI document, and follows it to its end."""

import os
import time

from engine_client import AuthenticatedClient, Client
from engine_client.api.markets import get_quote
from engine_client.api.orders import get_order, list_order_events, place_order
from engine_client.models import ExecuteRequest, OrderStatus, Quote, QuoteRequest, Receipt

ENDS = {OrderStatus.CONFIRMED, OrderStatus.FAILED, OrderStatus.CANCELLED, OrderStatus.EXPIRED}

url, key = os.environ["GATEWAY_URL"], os.environ.get("API_KEY", "")
client = AuthenticatedClient(base_url=url, token=key) if key else Client(base_url=url)

swap = {"token_in": "SOL", "token_out": "USDC", "amount": "0.3", "max_slippage": "0.05"}
quote = get_quote.sync(client=client, body=QuoteRequest(**swap))
assert isinstance(quote, Quote), quote
order = ExecuteRequest(**swap, quote_id=quote.quote_id)
receipt = place_order.sync(client=client, body=order, idempotency_key=f"python-{time.time_ns()}")
assert isinstance(receipt, Receipt), receipt
for _ in range(300):
    found = get_order.sync(receipt.order_id, client=client)
    if found.status in ENDS:
        break
    time.sleep(0.1)
assert found.status == OrderStatus.CONFIRMED, found
history = list_order_events.sync(receipt.order_id, client=client)
assert history.events[-1].status == OrderStatus.CONFIRMED, history
print(f"Python: order {found.order_id} is {found.status}, output {found.data.executed_output}")
