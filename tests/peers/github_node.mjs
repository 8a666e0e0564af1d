// GitHub's own example payloads and GitHub's own signer, for tests/scenario/50-seeds.py:
//   node github_node.mjs sign SECRET     one JSON line an example: event, body (the text as sent), signature
//   node github_node.mjs verify          JSON lines {secret, body, signature} on stdin → true or false a line
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { sign, verify } from '@octokit/webhooks-methods';

const [mode, secret] = process.argv.slice(2);
if (mode === 'sign') {
  const examples = createRequire(import.meta.url)('@octokit/webhooks-examples/api.github.com/index.json');
  for (const { name, examples: payloads } of examples) {
    for (const payload of payloads) {
      const body = JSON.stringify(payload);
      console.log(JSON.stringify({ event: name, body, signature: await sign(secret, body) }));
    }
  }
} else {
  for (const line of readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
    const { secret: key, body, signature } = JSON.parse(line);
    console.log(await verify(key, body, signature));
  }
}
