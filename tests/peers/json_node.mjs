// An independent judge of tests/rows/json.rows: what does Node's JSON.parse say to each text?
// `node json_node.mjs json.rows` compares and exits 1 on a difference that is not declared there.
// `node json_node.mjs --judge texts` prints rows for a file of escaped texts, one a line.
// Bytes reach JSON.parse through a strict UTF-8 decoder, as the rule for bodies is (RFC 8259, 8.1);
// the decoder drops one leading BOM, as keryx does. A row `accept!` or `reject!` is where keryx
// means to differ: Node must then say the opposite.
import { readFileSync } from 'node:fs';

const strict = new TextDecoder('utf-8', { fatal: true });

function bytesOf(text) {
    const bytes = [];
    for (let i = 0; i < text.length; i++) {
        if (text[i] !== '\\') {
            bytes.push(text.charCodeAt(i));
        } else if (text[i + 1] === 'x') {
            bytes.push(parseInt(text.slice(i + 2, i + 4), 16));
            i += 3;
        } else {
            bytes.push(0x5c);
            i++;
        }
    }
    return Uint8Array.from(bytes);
}

function verdict(text) {
    try {
        JSON.parse(strict.decode(bytesOf(text)));
        return 'accept';
    } catch {
        return 'reject';
    }
}

const judging = process.argv[2] === '--judge';
const lines = readFileSync(process.argv[judging ? 3 : 2], 'latin1').split('\n');
lines.pop();
let wrong = 0, rows = 0;
for (const line of lines) {
    if (judging) {
        console.log(`${verdict(line)}\t${line}`);
        continue;
    }
    if (line.startsWith('#'))
        continue;
    const [said, text] = line.split('\t');
    const ours = said.replace('!', '');
    const node = verdict(text);
    rows++;
    if (said.endsWith('!') === (ours === node)) {
        console.log(`${line}: node says ${node}`);
        wrong++;
    }
}
if (!judging)
    console.log(`${rows} rows, ${wrong} wrong`);
process.exit(wrong ? 1 : 0);
