// smtp.mjs - a real SMTP server for tests (npm: smtp-server), whose mails are read by an independent
// parser (npm: mailparser). It keeps each mail as one line of JSON: FOLDER/mails.jsonl.
//
//   node tests/services/smtp.mjs FOLDER [PORT] [--no-tls | --tls] [--open] [--silent] [--elsewhere]
//
// Wants STARTTLS, then AUTH as liminal with the password letters. --no-tls: neither offers nor wants
// TLS; --tls: from the first byte; --open: no password; --silent: takes connections and says nothing;
// --elsewhere: at 127.0.0.2, which its certificate does not name.
// FOLDER holds its certificate (key.pem, cert.pem). Prints the port.
//
// What becomes of a mail is written in its recipient: refused@ 550; busy@ 450, always; grey@ 451, once;
// hang@ no answer to RCPT; hang-at-end@ no answer once it has the letter; all others 250.
import { appendFileSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const require = createRequire(new URL('../oracle/package.json', import.meta.url));
const { SMTPServer } = require('smtp-server');
const { simpleParser } = require('mailparser');

const USER = 'liminal', PASSWORD = 'letters';

const refusal = (code, words) => Object.assign(new Error(words), { responseCode: code });

async function read(bytes, session) {
  const mail = await simpleParser(bytes, { skipTextToHtml: true, skipHtmlToText: true, skipTextLinks: true });
  return {
    envelope: { from: session.envelope.mailFrom.address, to: session.envelope.rcptTo.map((to) => to.address) },
    secure: session.secure,
    user: session.user ?? null,
    greeting: session.hostNameAppearsAs,
    from: mail.from?.value[0],
    to: mail.to?.value.map((to) => to.address),
    subject: mail.subject ?? '',
    date: mail.date?.toISOString(),
    messageId: mail.messageId,
    autoSubmitted: mail.headers.get('auto-submitted'),
    type: mail.headers.get('content-type')?.value,
    text: mail.text ?? '',
    html: mail.html || '',
    longestLine: Math.max(...bytes.toString('latin1').split('\r\n').map((line) => line.length)),
    raw: bytes.toString('latin1'),
  };
}

function options(folder, flags) {
  const seen = new Set();
  return {
    logger: false,
    secure: flags.includes('--tls'),
    key: readFileSync(`${folder}/key.pem`),
    cert: readFileSync(`${folder}/cert.pem`),
    hideSTARTTLS: flags.includes('--no-tls'),
    allowInsecureAuth: flags.includes('--no-tls'),
    authOptional: flags.includes('--open'),
    disableReverseLookup: true,
    onAuth(auth, session, done) {
      const right = auth.username === USER && auth.password === PASSWORD;
      done(right ? null : refusal(535, 'authentication failed'), { user: USER });
    },
    onRcptTo({ address }, session, done) {
      const [who] = address.split('@');
      if (who === 'hang') return;
      if (who === 'refused') return done(refusal(550, 'no such mailbox here'));
      if (who === 'busy') return done(refusal(450, 'mailbox busy'));
      if (who === 'grey' && !seen.has(address)) {
        seen.add(address);
        return done(refusal(451, 'greylisted, come again'));
      }
      done();
    },
    onData(stream, session, done) {
      const pieces = [];
      stream.on('data', (piece) => pieces.push(piece));
      stream.on('end', async () => {
        try {
          appendFileSync(`${folder}/mails.jsonl`, `${JSON.stringify(await read(Buffer.concat(pieces), session))}\n`);
          if (!session.envelope.rcptTo.some((to) => to.address.startsWith('hang-at-end@'))) done();
        } catch (error) {
          done(error);
        }
      });
    },
  };
}

// Below the ports that the kernel gives to others, so that the port is free again after a restart.
const anyPort = () => 20000 + Math.floor(Math.random() * 12000);

async function listen(server, address, port) {
  for (let attempts = port ? 1 : 50; ; attempts--) {
    const candidate = port || anyPort();
    try {
      await new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(candidate, address, () => { server.removeListener('error', reject); resolve(); });
      });
      return candidate;
    } catch (error) {
      if (error.code !== 'EADDRINUSE' || attempts <= 1) throw error;
    }
  }
}

// For tests in Node. `folder` holds key.pem and cert.pem; flags as above.
export async function startSmtp(folder, flags = [], port = 0) {
  const server = flags.includes('--silent') ? createServer(() => {}) : new SMTPServer(options(folder, flags)).server;
  server.on('error', () => {}); // of single connections, which clients break off
  const listening = await listen(server, flags.includes('--elsewhere') ? '127.0.0.2' : '127.0.0.1', port);
  return {
    port: listening,
    user: USER,
    password: PASSWORD,
    mails() {
      try {
        return readFileSync(`${folder}/mails.jsonl`, 'utf8').trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));
      } catch (error) {
        if (error.code === 'ENOENT') return [];
        throw error;
      }
    },
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const words = process.argv.slice(2).filter((word) => word && !word.startsWith('--'));
  const flags = process.argv.slice(2).filter((word) => word.startsWith('--'));
  const { port } = await startSmtp(words[0], flags, Number(words[1] ?? 0));
  console.log(port);
}
