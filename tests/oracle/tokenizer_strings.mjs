// tokenizer_strings.mjs - the strings that all tokenizers are compared on: hand-written hard cases,
// sentences of many scripts, and mixtures of both from a seeded generator. Always the same list.

const sentences = [
    // Article 1 of the Universal Declaration of Human Rights, or a piece of it, in many languages.
    "All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience and should act towards one another in a spirit of brotherhood.",
    "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Straße, Öl, Äpfel, Übung, Maß.",
    "Tous les êtres humains naissent libres et égaux en dignité et en droits. L'été, où, garçon, cœur, Noël.",
    "Todos los seres humanos nacen libres e iguales en dignidad y derechos. ¿Qué tal, señor? ¡Olé!",
    "Todos os seres humanos nascem livres e iguais em dignidade e em direitos. Coração, não, três.",
    "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti. Perché, città, è così.",
    "Alle mennesker er født frie og med samme menneskeverd. Blåbærgrøt på Ærø.",
    "Alla människor är födda fria och lika i värde och rättigheter. Åsnan äter öringar.",
    "Kaikki ihmiset syntyvät vapaina ja tasavertaisina arvoltaan ja oikeuksiltaan. Yöpöytä.",
    "Kõik inimesed sünnivad vabadena ja võrdsetena oma väärikuselt ja õigustelt.",
    "Minden emberi lény szabadon születik és egyenlő méltósága és joga van. Őrült, űrhajó.",
    "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Zażółć gęślą jaźń.",
    "Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv. Příliš žluťoučký kůň.",
    "Toate ființele umane se nasc libere și egale în demnitate și în drepturi. Ăsta, între.",
    "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. İstanbul'da ılık ığdır.",
    "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền. Phở, Nguyễn, Đà Nẵng.",
    "Semua orang dilahirkan merdeka dan mempunyai martabat dan hak-hak yang sama.",
    "Watu wote wamezaliwa huru, hadhi na haki zao ni sawa. Hakuna matata.",
    "Gbogbo ènìyàn ni a bí ní òmìnira; iyì àti ẹ̀tọ́ kọ̀ọ̀kan sì dọ́gba.",
    "Все люди рождаются свободными и равными в своём достоинстве и правах. Съешь ещё этих мягких французских булок.",
    "Всі люди народжуються вільними і рівними у своїй гідності та правах. Їжак, ґанок, є.",
    "Всички хора се раждат свободни и равни по достойнство и права. Ъгъл.",
    "Сва људска бића рађају се слободна и једнака у достојанству и правима. Џеп, ђак, љубав.",
    "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα. ΟΔΥΣΣΕΥΣ Σίσυφος.",
    "Բոլոր մարդիկ ծնվում են ազատ ու հավասար՝ իրենց արժանապատվությամբ ու իրավունքներով։",
    "ყველა ადამიანი იბადება თავისუფალი და თანასწორი თავისი ღირსებითა და უფლებებით.",
    "כל בני אדם נולדו בני חורין ושווים בערכם ובזכויותיהם. שָׁלוֹם עֲלֵיכֶם",
    "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق. السَّلَامُ عَلَيْكُمْ ٣٫١٤",
    "تمام افراد بشر آزاد به دنیا می‌آیند و از لحاظ حیثیت و حقوق با هم برابرند. ۱۲۳۴",
    "تمام انسان آزاد اور حقوق و عزت کے اعتبار سے برابر پیدا ہوئے ہیں۔",
    "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है। क़िला १२३",
    "সমস্ত মানুষ স্বাধীনভাবে সমান মর্যাদা এবং অধিকার নিয়ে জন্মগ্রহণ করে। ১২৩",
    "ਸਾਰਾ ਮਨੁੱਖੀ ਪਰਿਵਾਰ ਆਪਣੀ ਮਹਿਮਾ, ਸ਼ਾਨ ਅਤੇ ਹੱਕਾਂ ਦੇ ਪੱਖੋਂ ਜਨਮ ਤੋਂ ਹੀ ਆਜ਼ਾਦ ਹੈ।",
    "પ્રતિષ્ઠા અને અધિકારોની દૃષ્ટિએ સર્વ માનવો જન્મથી સ્વતંત્ર અને સમાન હોય છે.",
    "ସବୁ ମନୁଷ୍ୟ ଜନ୍ମକାଳରୁ ସ୍ୱାଧୀନ ଏବଂ ମର୍ଯ୍ୟାଦା ଓ ଅଧିକାରରେ ସମାନ।",
    "மனிதப் பிறவியினர் சகலரும் சுதந்திரமாகவே பிறக்கின்றனர்; அவர்கள் மதிப்பிலும் உரிமைகளிலும் சமமானவர்கள்.",
    "ప్రతిపత్తిస్వత్వముల విషయమున మానవులెల్లరును జన్మతః స్వతంత్రులును సమానులును నగుదురు.",
    "ಎಲ್ಲಾ ಮಾನವರೂ ಸ್ವತಂತ್ರರಾಗಿಯೇ ಜನಿಸಿದ್ದಾರೆ ಹಾಗೂ ಘನತೆ ಮತ್ತು ಹಕ್ಕುಗಳಲ್ಲಿ ಸಮಾನರಾಗಿದ್ದಾರೆ.",
    "മനുഷ്യരെല്ലാവരും തുല്യാവകാശങ്ങളോടും അന്തസ്സോടും സ്വാതന്ത്ര്യത്തോടുംകൂടി ജനിച്ചവരാണ്.",
    "සියලු මනුෂ්‍යයෝ නිදහස්ව උපත ලබා ඇත. ගරුත්වයෙන් හා අයිතිවාසිකම්වලින් සමාන වෙති.",
    "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ ๑๒๓ น้ำ",
    "ມະນຸດທຸກຄົນເກີດມາມີກຽດສັກສີ, ສິດທິ, ເສລີພາບແລະຄວາມສະເໝີພາບເທົ່າທຽມກັນ.",
    "လူတိုင်းသည် တူညီ လွတ်လပ်သော ဂုဏ်သိက္ခာဖြင့် လည်းကောင်း၊ မွေးဖွားလာသူများ ဖြစ်သည်။",
    "មនុស្សទាំងអស់កើតមកមានសេរីភាពនិងភាពស្មើៗគ្នាក្នុងសេចក្ដីថ្លៃថ្នូរនិងសិទ្ធិ។",
    "འགྲོ་བ་མིའི་རིགས་རྒྱུད་ཡོངས་ལ་སྐྱེས་ཙམ་ཉིད་ནས་ཆེ་མཐོངས་དང་ཐོབ་ཐངགི་རང་དབང་འདྲ་མཉམ་དུ་ཡོད་ལ།",
    "ሁሉም ሰዎች ነጻ ሆነው ይወለዳሉ። በክብርና በመብትም እኩል ናቸው። ፩፪፫",
    "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。",
    "人人生而自由，在尊嚴和權利上一律平等。龘𠮷𪚥㐀",
    "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。ｶﾞｷﾞｸﾞ ガギグ ㍿",
    "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 뷁 ㅋㅋㅋ",
    "Хүн бүр төрж мэндлэхэд эрх чөлөөтэй, адилхан нэр төртэй, ижил эрхтэй байдаг. ᠮᠣᠩᠭᠣᠯ",
    "ᎠᏂᏴᏫ ᏂᎦᏓ ᎨᏥᏳᏓᎴᏓ ᎠᎴ ᎤᏂᎶᏱ", "ᐃᓄᓕᒫᑦ ᐊᓂᖅᑎᕆᔪᓕᒫᑦ", "𐌰𐌻𐌻𐌰𐌹 𐌼𐌰𐌽𐌽𐌰", "𓀀𓁐𓂀 𒀀𒁀", "ⵉⵎⴷⴰⵏⴻⵏ ⴰⴽⴽⵏ", "ߊߘߊߡߊߘߋߣ ߠߎ߬",
];

const emoji = [
    "😀", "🙂", "🤗", "❤️", "❤", "☺️", "✌🏽", "👍🏿", "👩‍👩‍👧‍👦", "👨🏻‍🚀", "🏳️‍🌈", "🏴‍☠️", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇩🇪", "🇺🇳🇯🇵", "🇦", "1️⃣", "#️⃣",
    "🫠", "🧑‍💻", "👁️‍🗨️", "🤷‍♀️", "💩💩💩", "🎉🎊✨", "🀄", "♟️", "⚡️", "🫶🏼",
];

const code = [
    "int main(void) { return 0; }", "for (size_t i = 0; i < n; ++i) {\n\tsum += a[i] * b[i];\n}",
    "def f(x: int) -> str:\n    \"\"\"Doc.\"\"\"\n    return f\"{x!r:>{10}}\"\n", "#include <stdio.h>\n#define MAX(a,b) ((a)>(b)?(a):(b))\n",
    "const x = {a: 1, ...y, [`k${i}`]: null ?? undefined};", "SELECT * FROM t WHERE a >= 10 AND b != 'x''y' -- note\n;",
    "<div class=\"a b\" data-x='1'>&nbsp;&#x1F600;</div><!-- c -->", "fn main() { println!(\"{:?}\", vec![1u8; 3]); }",
    "\\begin{align} \\frac{\\partial f}{\\partial x} &= \\sum_{i=0}^{\\infty} x_i^2 \\end{align}",
    "import numpy as np; a = np.arange(12).reshape(3, -1)[:, ::2] @ b.T", "ls -la | grep -v '^d' > /dev/null 2>&1 && echo $?",
    "{\"key\": [1, 2.5e-10, true, null, \"\\u00e9\\n\"]}", "https://example.org:8080/p/a?q=1&r=%20x#frag", "user.name+tag@example.co.uk",
    "if(x==null||y!==0&&!z){x<<=2;y>>>=1;}", "a->b::c.d()?e:f;/* x */ // y", "0xDEADBEEF 0b1010 1_000_000 1e10 .5 5. -3", "C:\\Users\\x\\file.txt",
    "snake_case camelCase PascalCase SCREAMING_SNAKE kebab-case", "@decorator\nclass A(B, metaclass=C): pass", "\t\tif x:\r\n\t\t\treturn\r\n",
];

const spaces = [
    "", " ", "  ", "   ", "    ", "        ", "                ", "\t", "\t\t", "\n", "\n\n", "\n\n\n", "\r\n", "\r\n\r\n", "\r", " \n", "\n ", " \t \n ",
    "\u00a0", "\u00a0\u00a0", "\u2003", "\u2009x", "\u3000", "\u200b", "\u200d", "\u2028", "\u2029", "\u0085", "\ufeff", "\u180e", "\u1680", "\v", "\f", "\u202f",
    "\u205f", "\n \n", " \r\n \t", "\n\t\n\t", " ".repeat(31), "\n".repeat(17), "\t".repeat(9),
];

const marks = [
    "e\u0301", "é", "A\u030a", "Å", "\u212b", "o\u0302\u0323", "o\u0323\u0302", "ộ", "q\u0307\u0323", "\u0344", "\u1112\u1161\u11ab", "한", "\uac00\u11a8",
    "\u0958", "\u0915\u093c", "\u2126", "\u1e9b\u0323", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞", "\u0301", "\u0301a", "ﬁ", "①②③", "½", "x²", "Ⅳ", "ﷺ",
    "\u09c7\u09be", "\u0b47\u0b56", "\u1025\u102e", "i\u0307", "İ", "ı", "ſ", "ẞß", "ǅ", "\u0f71\u0f72", "ｆｕｌｌ", "ﾊﾟ", "\u{1d15e}", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "𝟘𝟙𝟚",
];

const numbers = [
    "0", "7", "42", "123", "1234", "12345", "123456", "1234567", "1234567890", "3.14159", "1,000,000.00", "1.000.000,00", "-17", "+49 (0)30 1234-5678",
    "2024-02-29T12:34:56Z", "١٢٣٤٥٦", "१२३४५", "๑๒๓๔", "１２３４", "Ⅷ", "½¾", "x1y22z333", "1st 2nd 3rd 4th", "10^100", "1e-9", "99.99%", "$5.00", "€1.234,56", "₹१००",
];

const words = [
    "the", "The", "THE", "and", "I'm", "you're", "he's", "she'd", "we've", "they'll", "don't", "DON'T", "it'S", "'tis", "rock'n'roll", "’s", "O'Neill's",
    "hello", "world", "tokenizer", "antidisestablishmentarianism", "Donaudampfschifffahrtsgesellschaft", "a", "I", "ok", "yes", "no", "internationalization",
    "ChatGPT", "iPhone", "GPT-4", "e.g.", "U.S.A.", "etc...", "(parenthesis)", "[bracket]", "{brace}", "\"quoted\"", "'single'", "“curly”", "—dash—", "…",
    "!!!", "???", "?!", "...", "--", "***", "###", "~~~", "<<>>", "|||", "\\\\", "//", "$$", "%%", "&&", "@@", "^^", "__init__", "===", "->", "=>", "::", ";;",
];

const special = [
    "<s>", "</s>", "<unk>", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>",
    "<|eot_id|>", "<bos>", "<eos>", "<pad>", "<start_of_turn>", "<end_of_turn>", "<tool_call>", "</tool_call>", "<think>", "</think>", "[CLS]", "[SEP]", "[MASK]",
    "[UNK]", "[PAD]", "<mask>", "[INST]", "[/INST]", "<<SYS>>", "<0x0A>", "<0xFF>", "<unused7>", "<|fim_prefix|>", "<|vision_start|>", "<2mass>", "[multimodal]",
    "<|im_start", "im_end|>", "< s >", "<|endoftext|><|endoftext|>",
];

const cases = [
    "", "▁", "▁▁", "a▁b", " ▁ ", "Ġ", "ĠHello", "ĊĊ", "â", "##ing", "un##aff##able", "unaffable", "Hello, world!", " Hello", "Hello ", "  Hello  ", "Hello\n", "\nHello",
    "Hello  world", "Hello\tworld", "a b c d e f g", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "ab".repeat(60), "=".repeat(100), "-".repeat(77),
    "x" + " ".repeat(50) + "y", "\n".repeat(40) + "end", "a\u0000b", "\u0000", "\u0001\u0002\u001f", "\u007f\u0080\u009f", "\ufffd", "\ufffe", "\uffff", "\u{10ffff}",
    "\u00ad", "soft\u00adhyphen", "zero\u200bwidth", "bom\ufeffinside", "\u202eright-to-left\u202c", "A\u{e0001}B", "\ue000private", "\u{f0000}", "tab\there", "nl\nhere", "crlf\r\nhere",
    "'s", "'S", "'ſ", "'re 'RE 'rE", "can't've", "''''", "'", "''s", "x's's", "123abc", "abc123", "1a2b3c", "1 2 3", "12 345 6789", "3.14", "...word", "word...", " ...", ".", " .", ". ",
    "hello.world", "hello,world", "(a)", "( a )", "a_b", "_a_", "a-b", "a - b", "a/b", "#tag", "@user", "100%", "$1", "1$", "£€¥", "™®©", "→←↑↓", "∀x∈ℝ: x²≥0", "≤≥≠≈",
    "日本語テキスト", "日本語 と English の mixed", "中文，标点。", "한국어 텍스트", "ไทยไม่มีช่องว่าง", "العربية", "עברית", "हिन्दी", "Ελληνικά", "кириллица",
    "ÀÉÎÕÜ", "àéîõü", "ŒœÆæØøÅå", "ĲĳŁłŒœ", "ǄǅǆǇǈǉ", "DŽ Dž dž", "ﬀﬁﬂﬃﬄ", "ꜰᴜʟʟ", "ᵗⁿᵈ", "ⓤⓝⓘ", "𝒜𝓁𝓅𝒽𝒶", "🅰🅱", "µ Ω Å K", "ΑΣ ΑΣ. ΑΣΑ σς", "İIıi", "STRASSE straße STRAẞE",
    "user: hi\nassistant: hello\n", "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>",
    "<start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n", "<s>[INST] Hi [/INST] Hello</s>", "[CLS] hi [SEP] there [SEP]", "a<s>b</s>c", "<s> <s>  <s>", "</s>\n\n</s>",
];

// A generator of its own (mulberry32), so that the list never changes with a library.
function generator(seed) {
    return () => {
        seed = (seed + 0x6d2b79f5) | 0;
        let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
}

// Blocks whose characters have long been assigned, so that no library's Unicode is too old.
const blocks = [
    [0x20, 0x7e], [0xa0, 0x17f], [0x180, 0x24f], [0x250, 0x2ad], [0x300, 0x36f], [0x391, 0x3a1], [0x3b1, 0x3ce], [0x400, 0x481], [0x531, 0x556], [0x5d0, 0x5ea],
    [0x621, 0x652], [0x905, 0x939], [0x93e, 0x94d], [0xe01, 0xe3a], [0x10d0, 0x10f0], [0x1100, 0x1159], [0x13a0, 0x13f4], [0x1e00, 0x1e95], [0x1f00, 0x1f15],
    [0x2010, 0x2027], [0x2030, 0x205e], [0x2070, 0x2071], [0x20a0, 0x20b5], [0x2100, 0x214d], [0x2190, 0x23e7], [0x2500, 0x26a0], [0x3041, 0x3094], [0x30a1, 0x30fa],
    [0x4e00, 0x9fa5], [0xac00, 0xd7a3], [0xf900, 0xfa2d], [0xff01, 0xff5e], [0x1d400, 0x1d454], [0x1f300, 0x1f320], [0x1f600, 0x1f640], [0x20000, 0x2a6d6],
];

export function makeStrings(count) {
    const random = generator(20240229);
    const pick = (list) => list[Math.floor(random() * list.length)];
    const character = () => {
        const [first, last] = pick(blocks);
        return String.fromCodePoint(first + Math.floor(random() * (last - first + 1)));
    };
    const slice = () => {
        const letters = [...pick(sentences)];
        const from = Math.floor(random() * letters.length);
        return letters.slice(from, from + 1 + Math.floor(random() * 24)).join("");
    };
    const noise = () => Array.from({length: 1 + Math.floor(random() * 10)}, character).join("");
    const atoms = [
        () => pick(words), () => pick(words), () => pick(words), slice, slice, slice, () => pick(emoji), () => pick(code).slice(0, 40), () => pick(spaces),
        () => pick(spaces), () => pick(marks), () => pick(numbers), () => String(Math.floor(random() * 1e9)), () => pick(special), noise, () => pick(cases),
    ];
    const strings = [...cases, ...sentences, ...emoji, ...code, ...spaces, ...marks, ...numbers, ...words, ...special];
    for (const list of [emoji, spaces, marks, numbers, special]) {
        for (const item of list) strings.push(`a${item}b`, `word ${item} word`);
    }
    while (strings.length < count) {
        const parts = Array.from({length: 1 + Math.floor(random() * 6)}, () => pick(atoms)());
        strings.push(parts.join(pick(["", "", " ", " ", "\n"])));
    }
    return [...new Set(strings)];
}
