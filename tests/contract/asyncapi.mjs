// Validates an AsyncAPI document; prints what is wrong with it.
import { readFile } from "node:fs/promises";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(await readFile(process.argv[2], "utf8"));
const serious = diagnostics.filter(one => one.severity <= 1 && one.code !== "asyncapi-latest-version");
for (const { severity, code, path, message } of serious) {
  console.error(`${severity === 0 ? "error" : "warning"} ${code} ${path.join(".")}: ${message}`);
}
if (!document || serious.length > 0) process.exit(1);
const messages = document.allMessages().all().map(message => message.id());
console.log(`valid; channels ${document.allChannels().all().map(channel => channel.address()).join(", ")}; messages ${messages.join(", ")}`);
