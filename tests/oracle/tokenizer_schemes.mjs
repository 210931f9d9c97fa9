// tokenizer_schemes.mjs - small made-up tokenizers, one for each step that a tokenizer.json may name,
// with what the reference (Hugging Face's tokenizers in Rust) says of some strings.
// WordPiece with one token per character, "x" at the start of a word and "##x" within, shows exactly
// what normalising and cutting did. Called by tokenizers.mjs.
const strings = [
    "", " ", "  ", "a", " a", "a ", "  a  b ", "abc abc", "a-b--c", "-a-", "--", "12 345a6", "a1b22", "don't stop!", "(a, b).", "a.b...c", "a\tb\nc\r\nd",
    "A B É e\u0301 ñ Ü", "Ångström ÅNGSTRÖM", "x\u0323\u0307y", "漢字 a漢b", "ab▁c ▁", "a  b   c", "¿a? «b»", "a_b-c+d=e", "½ ² ٣", "\u00a0a\u2003b\u3000", "zz", "abzzab",
    "<s>a</s>", "a <m> b", "a<m>b", " <m> ", "a <r>  b", "<N> <n>", "X<N>x", "abab", "aab", "🙂a🙂🙂", "é🙂", "''", "hello world hello",
];
const letters = [...new Set([...strings.join(""), ..."abcdefghijklmnopqrstuvwxyzABEX▁éñüåö"].flatMap((c) => [...c.normalize("NFD"), ...c.normalize("NFC")]))]
    .filter((c) => c.trim() && c !== "🙂" && c !== "漢");

function wordpiece() {
    const vocab = {"[UNK]": 0};
    for (const c of letters) {
        vocab[c] = Object.keys(vocab).length;
        vocab[`##${c}`] = Object.keys(vocab).length;
    }
    return {type: "WordPiece", unk_token: "[UNK]", continuing_subword_prefix: "##", max_input_chars_per_word: 12, vocab};
}
const wordpieceDecoder = {type: "WordPiece", prefix: "##", cleanup: true};
const metaspaceDecoder = {type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true};
const fallbackDecoder = {type: "Sequence", decoders: [{type: "Replace", pattern: {String: "▁"}, content: " "}, {type: "ByteFallback"}, {type: "Fuse"}]};

// Added tokens are numbered behind the model's own.
const behind = Object.keys(wordpiece().vocab).length;
const added = (index, content, flags) => ({id: behind + index, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: false, ...flags});
const whole = (parts) => ({
    version: "1.0", truncation: null, padding: null, added_tokens: [], normalizer: null, pre_tokenizer: null, post_processor: null,
    decoder: wordpieceDecoder, model: wordpiece(), ...parts,
});
const split = (pattern, behavior, invert = false) => ({type: "Split", pattern, behavior, invert});
const metaspace = (prepend_scheme, split) => ({type: "Metaspace", replacement: "▁", prepend_scheme, split});
const sequence = (...pretokenizers) => ({type: "Sequence", pretokenizers});
const normalizers = (...list) => ({type: "Sequence", normalizers: list});
const bert = (flags) => ({type: "BertNormalizer", clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true, ...flags});
const behaviors = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"];

function bpe(flags) {
    const tokens = ["<unk>", "a", "b", "c", "▁", "ab", "abab", "▁a", "▁ab", "é", "bc", "abc"];
    const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
    if (flags.byte_fallback) {
        for (let byte = 0; byte < 256; byte++) vocab[`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`] = 100 + byte;
    }
    const merges = ["b c", "a b", "▁ a", "ab ab", "▁ ab", "▁a b", "ab c"];
    return {type: "BPE", dropout: null, unk_token: "<unk>", continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: false, byte_fallback: false,
        ignore_merges: false, vocab, merges, ...flags};
}

function unigram(byte_fallback) {
    const vocab = [["<unk>", 0], ["▁", -2.5], ["a", -3], ["b", -3.25], ["c", -3.5], ["ab", -4], ["▁a", -4.5], ["▁ab", -5.75], ["abab", -7.5], ["bc", -5], ["é", -6]];
    if (byte_fallback) for (let byte = 0; byte < 256; byte++) vocab.push([`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`, -20]);
    return {type: "Unigram", unk_id: 0, vocab, byte_fallback};
}

export const schemes = [
    ["Whitespace", whole({pre_tokenizer: {type: "Whitespace"}})],
    ["WhitespaceSplit", whole({pre_tokenizer: {type: "WhitespaceSplit"}})],
    ["BertPreTokenizer", whole({pre_tokenizer: {type: "BertPreTokenizer"}})],
    ...[true, false].map((individual_digits) => [`Digits ${individual_digits}`, whole({pre_tokenizer: sequence({type: "WhitespaceSplit"}, {type: "Digits", individual_digits})})]),
    ...behaviors.map((behavior) => [`Punctuation ${behavior}`, whole({pre_tokenizer: sequence({type: "WhitespaceSplit"}, {type: "Punctuation", behavior})})]),
    ...behaviors.flatMap((behavior) => [false, true].map((invert) => [`Split ${behavior} ${invert}`, whole({pre_tokenizer: split({Regex: "[0-9.-]|\\s"}, behavior, invert)})])),
    ...behaviors.map((behavior) => [`Split text ${behavior}`, whole({pre_tokenizer: split({String: "-"}, behavior)})]),
    ...["always", "first", "never"].flatMap((scheme) => [true, false].map((cut) => [`Metaspace ${scheme} ${cut}`,
        whole({pre_tokenizer: metaspace(scheme, cut), added_tokens: [added(0, "<m>", {})]})])),
    ["Metaspace behind WhitespaceSplit", whole({pre_tokenizer: sequence({type: "WhitespaceSplit"}, metaspace("always", true))})],
    ...["NFC", "NFD", "Lowercase"].map((type) => [type, whole({normalizer: {type}, pre_tokenizer: {type: "WhitespaceSplit"}})]),
    ["StripAccents", whole({normalizer: normalizers({type: "NFD"}, {type: "StripAccents"}), pre_tokenizer: {type: "WhitespaceSplit"}})],
    ...[[true, true], [true, false], [false, true]].map(([strip_left, strip_right]) => [`Strip ${strip_left} ${strip_right}`, whole({normalizer: {type: "Strip", strip_left, strip_right}})]),
    ["Prepend and Replace", whole({normalizer: normalizers({type: "Prepend", prepend: "▁"}, {type: "Replace", pattern: {String: " "}, content: "▁"})})],
    ["Replace by pattern", whole({normalizer: {type: "Replace", pattern: {Regex: "[ ]{2,}|[0-9]+"}, content: "x"}, pre_tokenizer: {type: "WhitespaceSplit"}})],
    ["BertNormalizer", whole({normalizer: bert({}), pre_tokenizer: {type: "BertPreTokenizer"}})],
    ["BertNormalizer cased", whole({normalizer: bert({lowercase: false}), pre_tokenizer: {type: "BertPreTokenizer"}})],
    ["BertNormalizer accents", whole({normalizer: bert({strip_accents: false}), pre_tokenizer: {type: "BertPreTokenizer"}})],
    ["BertNormalizer bare", whole({normalizer: bert({clean_text: false, handle_chinese_chars: false}), pre_tokenizer: {type: "BertPreTokenizer"}})],
    ["WordPiece without clean-up", whole({pre_tokenizer: {type: "BertPreTokenizer"}, decoder: {...wordpieceDecoder, cleanup: false}})],
    ["added tokens", whole({normalizer: {type: "Lowercase"}, pre_tokenizer: {type: "WhitespaceSplit"}, added_tokens: [
        added(0, "<m>", {lstrip: true}), added(1, "<r>", {rstrip: true}), added(2, "<n>", {normalized: true}), added(3, "<s>", {special: true}),
        added(4, "</s>", {special: true, lstrip: true, rstrip: true}), added(5, "ab", {}),
    ]})],
    ["template", whole({pre_tokenizer: {type: "Whitespace"}, added_tokens: [added(0, "<s>", {special: true}), added(1, "</s>", {special: true})], post_processor: {
        type: "TemplateProcessing", single: [{SpecialToken: {id: "<s>", type_id: 0}}, {Sequence: {id: "A", type_id: 0}}, {SpecialToken: {id: "</s>", type_id: 0}}], pair: [{Sequence: {id: "A", type_id: 0}}, {Sequence: {id: "B", type_id: 1}}],
        special_tokens: {"<s>": {id: "<s>", ids: [behind], tokens: ["<s>"]}, "</s>": {id: "</s>", ids: [behind + 1], tokens: ["</s>"]}},
    }})],
    ["RobertaProcessing", whole({pre_tokenizer: {type: "Whitespace"}, added_tokens: [added(0, "<s>", {special: true}), added(1, "</s>", {special: true})],
        post_processor: {type: "RobertaProcessing", sep: ["</s>", behind + 1], cls: ["<s>", behind], trim_offsets: true, add_prefix_space: false}})],
    ...[true, false].flatMap((fuse_unk) => [true, false].map((byte_fallback) => [`BPE fuse ${fuse_unk} bytes ${byte_fallback}`,
        whole({model: bpe({fuse_unk, byte_fallback}), decoder: fallbackDecoder, normalizer: {type: "Replace", pattern: {String: " "}, content: "▁"}})])),
    ["BPE whole words", whole({model: bpe({ignore_merges: true}), decoder: fallbackDecoder, pre_tokenizer: metaspace("always", true)})],
    ...[true, false].map((byte_fallback) => [`Unigram bytes ${byte_fallback}`, whole({model: unigram(byte_fallback), pre_tokenizer: metaspace("always", true), decoder: metaspaceDecoder})]),
];

// [{name, tokenizer, cases: [[string, ids, decoded without special tokens], ...]}, ...]
export async function describeSchemes(reference) {
    const described = [];
    for (const [name, tokenizer] of schemes) {
        const opened = reference.Tokenizer.fromString(JSON.stringify(tokenizer));
        const cases = [];
        for (const string of strings) {
            const ids = (await opened.encode(string, null, {addSpecialTokens: true})).getIds();
            cases.push([string, ids, await opened.decode(ids, true)]);
        }
        described.push({name, tokenizer, cases});
    }
    return described;
}
