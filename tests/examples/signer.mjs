// A signer: holds the key of one wallet and signs what executors ask for. Read it, and put your key management
// service in its place. The key must give the same message the same signature, as RFC 8032 has it.
//
//   SIGNER_TOKEN=secret node tests/examples/signer.mjs wallet.json 7000
//   KEYPAIR=http://127.0.0.1:7000/ADDRESS SIGNER_TOKEN_FILE=token executor …
//
// It ends when its standard input does.
import { createPrivateKey, sign, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const BODY_BYTES_MAX = 8192;
const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
// What comes before the 32 bytes of an Ed25519 key in PKCS #8.
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

const [file, port] = process.argv.slice(2);
const keypair = Buffer.from(JSON.parse(readFileSync(file, 'utf8')));
const key = createPrivateKey({ key: Buffer.concat([PKCS8, keypair.subarray(0, 32)]), format: 'der', type: 'pkcs8' });
const address = base58(keypair.subarray(32));
const bearer = Buffer.from(`Bearer ${process.env.SIGNER_TOKEN}`);

function base58(bytes) {
  let number = BigInt(`0x${bytes.toString('hex')}`);
  let text = '';
  for (; number > 0n; number /= 58n) text = ALPHABET[Number(number % 58n)] + text;
  for (const byte of bytes) {
    if (byte !== 0) break;
    text = ALPHABET[0] + text;
  }
  return text;
}

function allowed(request) {
  const shown = Buffer.from(request.headers.authorization ?? '');
  return shown.length === bearer.length && timingSafeEqual(shown, bearer);
}

async function signature(request) {
  let body = '';
  for await (const chunk of request) {
    body += chunk;
    if (body.length > BODY_BYTES_MAX) throw new RangeError('the body is too long');
  }
  const message = Buffer.from(JSON.parse(body).message, 'base64');
  // The place for rules of your own: which programs may be called, how much may be spent.
  return base58(sign(null, message, key));
}

const server = createServer(async (request, response) => {
  const answer = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  if (!allowed(request)) return answer(401, '{}');
  if (request.method !== 'POST' || request.url !== `/${address}`) return answer(404, '{}');
  try {
    answer(200, JSON.stringify({ signature: await signature(request) }));
  } catch {
    answer(400, '{}');
  }
});
server.listen(Number(port), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/${address}`));
process.stdin.resume().on('end', () => process.exit());
