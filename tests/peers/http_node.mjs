// Holds the third column of tests/rows/http.rows to what Node's http server really does:
//   node tests/peers/http_node.mjs
// Each row's bytes are sent to a server on loopback; counted are the requests it hands out whole, and
// the status of its refusal.
import http from 'node:http';
import net from 'node:net';
import fs from 'node:fs';

const file = new URL('../rows/http.rows', import.meta.url);
const rows = fs.readFileSync(file, 'latin1').split('\n').filter((l) => l && !l.startsWith('#')).map((l) => l.split('\t'));
const escapes = { r: '\r', n: '\n', t: '\t', '\\': '\\' };
const bytes = (text) => Buffer.from(text.replace(/\\(x[0-9a-f]{2}|.)/g,
  (_, e) => e.length > 1 ? String.fromCharCode(parseInt(e.slice(1), 16)) : escapes[e]), 'latin1');

let now;
const serve = (request, answer) => {
  request.on('data', () => {}).on('end', () => { now.whole++; answer.end(); });
};
const server = http.createServer(serve);
server.on('checkContinue', (request, answer) => { answer.writeContinue(); serve(request, answer); });
server.on('checkExpectation', (request, answer) => { now.refused = '417'; answer.writeHead(417).end(); });
server.on('clientError', (error, socket) => {
  if (error.code !== 'ECONNRESET') now.refused = '400';
  socket.destroy();
});
server.on('connect', (request, socket) => { now.whole++; socket.destroy(); });

const ask = (port, said) => new Promise((resolve) => {
  now = { whole: 0, refused: '' };
  const socket = net.connect(port, '127.0.0.1').on('error', () => {}).on('data', () => {});
  socket.on('close', () => setTimeout(() => resolve(`${now.whole}${now.refused && ' ' + now.refused}`), 5));
  socket.write(said);
  setTimeout(() => socket.destroy(), 50);
});

server.listen(0, '127.0.0.1', async () => {
  let wrong = 0;
  for (const [name, , node, text] of rows) {
    const got = await ask(server.address().port, bytes(text));
    if (got === node.replace(' !', '')) continue;
    wrong++;
    console.log(`${name}: Node ${process.version} says "${got}", the row says "${node}"`);
  }
  console.log(`${rows.length - wrong} passed, ${wrong} failed`);
  server.close();
  process.exitCode = wrong ? 1 : 0;
});
