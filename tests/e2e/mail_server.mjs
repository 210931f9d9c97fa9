// mail_server.mjs - a real SMTP server for end-to-end tests (tests/services/smtp.sh), and the settings
// with which `liminal serve` sends through it.
import {execFileSync} from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import {until} from "./server.mjs";

const script = path.join(path.dirname(new URL(import.meta.url).pathname), "..", "services", "smtp.sh");

export function startMailServer(...flags) {
  const line = execFileSync(script, ["start", ...flags], {encoding: "utf8"}).trim();
  const [port, folder] = line.split(" ");
  const mailServer = {
    port, folder,
    // The seed's names of the variables (R35).
    env: {SMTP_HOST: "127.0.0.1", SMTP_PORT: port, SMTP_USER: "liminal", SMTP_PASSWORD: "letters",
      FROM_EMAIL: "no-reply@liminal.example", LIMINAL_SMTP_CA: path.join(folder, "ca.pem")},
    mails() {
      const file = path.join(folder, "mails.jsonl");
      if (!fs.existsSync(file)) return [];
      const whole = fs.readFileSync(file, "utf8").split("\n").slice(0, -1);
      return whole.map((text) => JSON.parse(text));
    },
    // The newest mail to somebody, once there are `count`.
    async mailTo(address, count = 1) {
      let mails;
      await until(() => {
        mails = mailServer.mails().filter((mail) => mail.envelope.to.includes(address));
        return mails.length >= count;
      }, `mail ${count} to ${address}`, 60000);
      return mails.at(-1);
    },
    stop: () => execFileSync(script, ["stop", line]),
  };
  return mailServer;
}

// The link in a mail's plain text.
export const linkIn = (mail) => new URL(mail.text.match(/^https?:\S+$/m)[0]);
