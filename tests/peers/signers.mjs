// What would this provider have sent? Headers of a genuine request, made by the vendor's own package
// where there is one, else by node:crypto from the vendor's text; never by keryx.
//   node signers.mjs PROVIDER SECRET BODYFILE|- [--time SECONDS] [--id ID] [--url URL] [--type MIME]
// prints one JSON object {"Header": "value"}. `node signers.mjs --list` prints the providers.
// discord takes the 32-byte seed of its private key in hex; `--public` prints the public key for it.
import { createHmac, createHash, createPrivateKey, createPublicKey, sign as signBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { sign as githubSign } from '@octokit/webhooks-methods';
import { Webhook } from 'standardwebhooks';
import Stripe from 'stripe';

const hmac = (key, text, encoding) => createHmac('sha256', key).update(text).digest(encoding);
const seconds = (q) => q.time.toString();

// PKCS #8 (RFC 8410) around a raw Ed25519 seed.
function ed25519(seed) {
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.from(seed, 'hex')]);
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

function standard(q, prefix) {
    const signature = new Webhook(q.secret).sign(q.id, new Date(q.time * 1000), q.body.toString('utf8'));
    return { [`${prefix}-id`]: q.id, [`${prefix}-timestamp`]: seconds(q), [`${prefix}-signature`]: signature };
}

// twilio.com/docs/usage/webhooks/webhooks-security: the URL, then key and value of every parameter in
// the order of keys, a repeated value once; a body that is no form is covered by bodySHA256 in the URL.
function twilioSign(q) {
    const url = new URL(q.url);
    const pairs = new Set();
    if (q.type === 'application/x-www-form-urlencoded') {
        const all = [...new URLSearchParams(q.body.toString('utf8'))];
        all.sort(([k1, v1], [k2, v2]) => (k1 !== k2 ? (k1 < k2 ? -1 : 1) : v1 < v2 ? -1 : v1 > v2 ? 1 : 0));
        all.forEach((pair) => pairs.add(JSON.stringify(pair)));
    } else {
        url.searchParams.set('bodySHA256', createHash('sha256').update(q.body).digest('hex'));
    }
    const text = url.href + [...pairs].flatMap((pair) => JSON.parse(pair)).join('');
    const signature = createHmac('sha1', q.secret).update(text).digest('base64');
    return { 'X-Twilio-Signature': signature, 'X-Url': url.href };
}

const providers = {
    github: async (q) => ({ 'X-Hub-Signature-256': await githubSign(q.secret, q.body.toString('utf8')) }),
    stripe: (q) => ({
        'Stripe-Signature': Stripe.webhooks.generateTestHeaderString({
            payload: q.body.toString('utf8'), secret: q.secret, timestamp: q.time,
        }),
    }),
    standard: (q) => standard(q, 'webhook'),
    svix: (q) => standard(q, 'svix'),
    gitlab: (q) => (q.secret.startsWith('whsec_') ? standard(q, 'webhook') : { 'X-Gitlab-Token': q.secret }),
    twilio: twilioSign,
    gitea: (q) => ({ 'X-Gitea-Signature': hmac(q.secret, q.body, 'hex') }),
    forgejo: (q) => ({ 'X-Forgejo-Signature': hmac(q.secret, q.body, 'hex') }),
    linear: (q) => ({ 'Linear-Signature': hmac(q.secret, q.body, 'hex') }),
    pagerduty: (q) => ({ 'X-PagerDuty-Signature': `v1=${hmac(q.secret, q.body, 'hex')}` }),
    sentry: (q) => ({ 'Sentry-Hook-Signature': hmac(q.secret, q.body, 'hex') }),
    shopify: (q) => ({ 'X-Shopify-Hmac-Sha256': hmac(q.secret, q.body, 'base64') }),
    jira: (q) => ({ 'X-Hub-Signature': `sha256=${hmac(q.secret, q.body, 'hex')}` }),
    hermes: (q) => ({ 'X-Webhook-Signature': hmac(q.secret, q.body, 'hex') }),
    hector: (q) => ({ 'X-Webhook-Signature': `sha256=${hmac(q.secret, q.body, 'hex')}` }),
    slack: (q) => ({
        'X-Slack-Signature': `v0=${hmac(q.secret, Buffer.concat([Buffer.from(`v0:${seconds(q)}:`), q.body]), 'hex')}`,
        'X-Slack-Request-Timestamp': seconds(q),
    }),
    zendesk: (q) => {
        const at = new Date(q.time * 1000).toISOString().replace('.000Z', 'Z');
        return {
            'X-Zendesk-Webhook-Signature': hmac(q.secret, Buffer.concat([Buffer.from(at), q.body]), 'base64'),
            'X-Zendesk-Webhook-Signature-Timestamp': at,
        };
    },
    discord: (q) => ({
        'X-Signature-Ed25519': signBytes(null, Buffer.concat([Buffer.from(seconds(q)), q.body]), ed25519(q.secret)).toString('hex'),
        'X-Signature-Timestamp': seconds(q),
    }),
};

const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
        time: { type: 'string' }, id: { type: 'string', default: 'msg_test' }, list: { type: 'boolean' },
        url: { type: 'string', default: 'http://127.0.0.1/' }, public: { type: 'boolean' },
        type: { type: 'string', default: 'application/x-www-form-urlencoded' },
    },
});
const [provider, secret, file] = positionals;
if (values.list) {
    console.log(Object.keys(providers).join('\n'));
} else if (values.public) {
    console.log(createPublicKey(ed25519(secret)).export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex'));
} else if (!Object.hasOwn(providers, provider ?? '') || secret === undefined || file === undefined) {
    console.error('usage: signers.mjs PROVIDER SECRET BODYFILE|- [--time S] [--id ID] [--url URL] [--type MIME]');
    process.exit(2);
} else {
    const time = values.time === undefined ? Math.floor(Date.now() / 1000) : Number(values.time);
    const body = readFileSync(file === '-' ? 0 : file);
    console.log(JSON.stringify(await providers[provider]({ ...values, secret, body, time })));
}
