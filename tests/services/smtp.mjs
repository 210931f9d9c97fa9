// smtp.mjs - a real SMTP server for tests (npm: smtp-server), whose mails are read by an independent
// parser (npm: mailparser). It keeps each mail as one line of JSON in FOLDER/mails.jsonl.
//
//   NODE_PATH=... node tests/services/smtp.mjs FOLDER PORT [--no-tls | --tls] [--open] [--silent] [--elsewhere]
//
// PORT 0 is any; it is printed. FOLDER holds the certificate (key.pem, cert.pem). It wants STARTTLS,
// then AUTH as liminal with the password letters. --no-tls: neither offers nor wants TLS; --tls: from
// the first byte; --open: no password; --silent: takes connections and says nothing; --elsewhere: at
// 127.0.0.2, which its certificate does not name.
//
// What becomes of a mail is written in its recipient: refused@ 550; busy@ 450, always; grey@ 451,
// once; hang@ no answer to RCPT; hang-at-end@ no answer once it has the letter; all others 250.
import {appendFileSync, readFileSync} from "node:fs";
import {createRequire} from "node:module";
import {createServer} from "node:net";

const require = createRequire(import.meta.url); // from NODE_PATH
const {SMTPServer} = require("smtp-server");
const {simpleParser} = require("mailparser");

const USER = "liminal", PASSWORD = "letters";
const words = process.argv.slice(2);
const flags = new Set(words.filter((word) => word.startsWith("--")));
const [folder, wantedPort] = words.filter((word) => !word.startsWith("--"));

const refusal = (code, sentence) => Object.assign(new Error(sentence), {responseCode: code});

const greylisted = new Set();
function answerRecipient(address) {
  const [who] = address.split("@");
  if (who === "refused") return refusal(550, "no such mailbox here");
  if (who === "busy") return refusal(450, "mailbox busy");
  if (who !== "grey" || greylisted.has(address)) return null;
  greylisted.add(address);
  return refusal(451, "greylisted, come again");
}

async function read(bytes, session) {
  const mail = await simpleParser(bytes, {skipTextToHtml: true, skipHtmlToText: true, skipTextLinks: true});
  const raw = bytes.toString("latin1");
  return {
    envelope: {
      from: session.envelope.mailFrom.address,
      to: session.envelope.rcptTo.map((to) => to.address),
    },
    secure: session.secure,
    user: session.user ?? null,
    greeting: session.hostNameAppearsAs,
    from: mail.from?.value[0],
    to: mail.to?.value.map((to) => to.address),
    subject: mail.subject ?? "",
    date: mail.date?.toISOString(),
    messageId: mail.messageId,
    autoSubmitted: mail.headers.get("auto-submitted"),
    type: mail.headers.get("content-type")?.value,
    text: mail.text ?? "",
    html: mail.html || "",
    longestLine: Math.max(...raw.split("\r\n").map((line) => line.length)),
    raw,
  };
}

const options = () => ({
  logger: false,
  secure: flags.has("--tls"),
  key: readFileSync(`${folder}/key.pem`),
  cert: readFileSync(`${folder}/cert.pem`),
  hideSTARTTLS: flags.has("--no-tls"),
  allowInsecureAuth: flags.has("--no-tls"),
  authOptional: flags.has("--open"),
  disableReverseLookup: true,
  onAuth(auth, session, done) {
    const right = auth.username === USER && auth.password === PASSWORD;
    done(right ? null : refusal(535, "authentication failed"), {user: USER});
  },
  onRcptTo({address}, session, done) {
    if (!address.startsWith("hang@")) done(answerRecipient(address));
  },
  onData(stream, session, done) {
    const pieces = [];
    stream.on("data", (piece) => pieces.push(piece));
    stream.on("end", async () => {
      try {
        const mail = await read(Buffer.concat(pieces), session);
        appendFileSync(`${folder}/mails.jsonl`, `${JSON.stringify(mail)}\n`);
        if (!mail.envelope.to[0].startsWith("hang-at-end@")) done();
      } catch (error) {
        done(error);
      }
    });
  },
});

// Below the ports that the kernel gives to others, so that the port is free again after a restart.
const anyPort = () => 20000 + Math.floor(Math.random() * 12000);

async function listen(server) {
  const address = flags.has("--elsewhere") ? "127.0.0.2" : "127.0.0.1";
  for (let left = 50; ; left--) {
    const port = Number(wantedPort) || anyPort();
    try {
      return await new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, address, () => {
          server.removeListener("error", reject);
          resolve(port);
        });
      });
    } catch (error) {
      if (error.code !== "EADDRINUSE" || Number(wantedPort) || left === 0) throw error;
    }
  }
}

const server = flags.has("--silent") ? createServer(() => {}) : new SMTPServer(options()).server;
console.log(await listen(server));
server.on("error", () => {}); // of connections that clients break off
