// gguf_edit.mjs - a GGUF file with some entries set and some F32 vectors added.
//   edited(bytes, {set: {"llama.rope.scaling.factor": ["f32", 4]}, add: {"rope_freqs.weight": [1, 2]}})
const sizes = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8]; // by kind; 8: string, 9: array
const STRING = 8, ARRAY = 9, ALIGNMENT = 32;
const kinds = {u32: 4, f32: 6, string: STRING};

const u32 = (x) => { const b = Buffer.alloc(4); b.writeUInt32LE(x); return b; };
const u64 = (x) => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(x)); return b; };
const f32 = (x) => { const b = Buffer.alloc(4); b.writeFloatLE(x); return b; };
const string = (s) => Buffer.concat([u64(Buffer.byteLength(s)), Buffer.from(s)]);
const padding = (length) => Buffer.alloc((ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT);

function valueEnd(bytes, at, kind) {
    if (kind === STRING) return at + 8 + Number(bytes.readBigUInt64LE(at));
    if (kind !== ARRAY) return at + sizes[kind];
    const element = bytes.readUInt32LE(at), count = Number(bytes.readBigUInt64LE(at + 4));
    at += 12;
    if (element !== STRING) return at + count * sizes[element];
    for (let i = 0; i < count; i++) at = valueEnd(bytes, at, STRING);
    return at;
}

function readString(bytes, at) {
    const end = valueEnd(bytes, at, STRING);
    return [bytes.toString("utf8", at + 8, end), end];
}

export function edited(bytes, {set = {}, add = {}}) {
    const tensorCount = Number(bytes.readBigUInt64LE(8)), entryCount = Number(bytes.readBigUInt64LE(16));
    const entries = [], infos = [];
    let at = 24;
    for (let i = 0; i < entryCount; i++) {
        const start = at, [key, afterKey] = readString(bytes, at);
        at = valueEnd(bytes, afterKey + 4, bytes.readUInt32LE(afterKey));
        if (!(key in set)) entries.push(bytes.subarray(start, at));
    }
    for (let i = 0; i < tensorCount; i++) {
        const start = at, [, afterName] = readString(bytes, at);
        at = afterName + 4 + 8 * bytes.readUInt32LE(afterName) + 4 + 8;
        infos.push(bytes.subarray(start, at));
    }
    const data = bytes.subarray(at + padding(at).length);
    for (const [key, [kind, value]] of Object.entries(set)) {
        const encoded = {u32, f32, string}[kind](value);
        entries.push(Buffer.concat([string(key), u32(kinds[kind]), encoded]));
    }
    const added = [data, padding(data.length)];
    for (const [name, values] of Object.entries(add)) {
        const offset = added.reduce((sum, part) => sum + part.length, 0);
        infos.push(Buffer.concat([string(name), u32(1), u64(values.length), u32(0), u64(offset)]));
        const vector = Buffer.concat(values.map(f32));
        added.push(vector, padding(vector.length));
    }
    const head = Buffer.concat([bytes.subarray(0, 8), u64(infos.length), u64(entries.length), ...entries, ...infos]);
    return Buffer.concat([head, padding(head.length), ...added]);
}
