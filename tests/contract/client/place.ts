// Places orders with a client that is generated from the OpenAPI document, and follows them to their end.
import { strict as assert } from "node:assert";
import { readFile } from "node:fs/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Order = components["schemas"]["Order"];

const baseUrl = process.env["GATEWAY_URL"] ?? assert.fail("GATEWAY_URL is not set");
const key = process.env["API_KEY"] ?? "";
const headers: Record<string, string> = key === "" ? {} : { Authorization: `Bearer ${key}` };
const client = createClient<paths>({ baseUrl, headers });

async function ended(orderId: string): Promise<Order> {
  for (let look = 0; look < 300; look += 1) {
    const { data, error } = await client.GET("/api/orders/{orderId}", { params: { path: { orderId } } });
    if (data === undefined) assert.fail(`order ${orderId}: ${error.code} ${error.detail}`);
    switch (data.status) {
      case "confirmed": case "failed": case "cancelled": case "expired":
        return data;
      case "pending": case "routing": case "building": case "submitted":
        await new Promise(resolve => setTimeout(resolve, 100));
    }
  }
  assert.fail(`order ${orderId} does not end`);
}

async function place(): Promise<void> {
  const swap = { tokenIn: "SOL", tokenOut: "USDC", amount: "0.2", maxSlippage: 0.05 } as const;
  const { data: quote, error: refused } = await client.POST("/api/orders/quote", { body: swap });
  if (quote === undefined) assert.fail(`no quote: ${refused.code} ${refused.detail}`);
  const { data: receipt, error } = await client.POST("/api/orders/execute", {
    params: { header: { "Idempotency-Key": `"${crypto.randomUUID()}"` } },
    body: { ...swap, quoteId: quote.quoteId },
  });
  if (receipt === undefined) assert.fail(`not placed: ${error.code} ${error.detail}`);
  const order = await ended(receipt.orderId);
  assert.equal(order.status, "confirmed", order.data.error?.message);
  assert.equal(order.environment, "sandbox");
  const { data: history } = await client.GET("/api/orders/{orderId}/events", {
    params: { path: { orderId: receipt.orderId } },
  });
  assert.equal(history?.events.at(-1)?.status, "confirmed");
  console.log(`TypeScript: order ${order.orderId} is ${order.status}, output ${order.data.executedOutput}`);
}

// Each example of a request body must be accepted.
async function examples(): Promise<void> {
  const api = JSON.parse(await readFile("openapi.json", "utf8"));
  let sent = 0;
  for (const [path, item] of Object.entries<any>(api.paths)) {
    for (const [method, operation] of Object.entries<any>(item)) {
      const schema = operation.requestBody?.content?.["application/json"]?.schema;
      if (schema === undefined || path.includes("{")) continue;
      const name = schema.$ref.split("/").at(-1);
      const example = api.components.schemas[name].example;
      assert.ok(example, `${name} has no example`);
      const response = await fetch(baseUrl + path, {
        method: method.toUpperCase(),
        headers: { ...headers, "Content-Type": "application/json" },
        body: JSON.stringify(example),
      });
      const body = await response.json();
      // The account of the example may be there since an earlier run.
      const accepted = response.ok || body.code === "account_exists";
      assert.ok(accepted, `the example of ${method} ${path} is refused: ${JSON.stringify(body)}`);
      if (path === "/api/orders/execute") assert.equal((await ended(body.orderId)).status, "confirmed");
      sent += 1;
    }
  }
  assert.ok(sent >= 2);
  console.log(`TypeScript: ${sent} examples of requests are accepted`);
}

await place();
await examples();
