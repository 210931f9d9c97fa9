// The interactive chat, as a person at a terminal meets it.
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Terminal, world } from './cli_support.mjs';

const CTRL_C = '\x03';
const CTRL_D = '\x04';
const UP = '\x1b[A';

// stories15M knows no chat: a template of our own makes it go on with what is said.
function chat(env, ...args) {
  const template = join(env.HOME, 'plain.jinja');
  writeFileSync(template, '{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}');
  return new Terminal(env, ['run', 'stories15m', '--chat-template', template, '--temp', '0', ...args]);
}

async function begin(...args) {
  const env = world('stories15m');
  const terminal = chat(env, ...args);
  const at = await terminal.sees('>>> ');
  return { env, terminal, at };
}

describe('chat in a terminal', () => {
  test('answers, remembers, forgets, leaves', async () => {
    const { env, terminal, at } = await begin('--max-tokens', '12');
    assert.match(terminal.text, /stories15m is listening.*\/help/);
    terminal.type('Once upon a time\r');
    let seen = await terminal.sees(/there was a little girl/, at);
    seen = await terminal.sees('cut here', seen);
    seen = await terminal.sees('>>> ', seen);
    terminal.type('/show\r');
    seen = await terminal.sees('said so far 2 messages', seen);
    terminal.type('/clear\r');
    seen = await terminal.sees('Forgotten', seen);
    terminal.type('/show\r');
    seen = await terminal.sees('said so far 0 messages', seen);
    terminal.type('/bye\r');
    assert.equal(await terminal.ended, 0);
    const history = join(env.LIMINAL_HOME, 'history');
    assert.match(readFileSync(history, 'utf8'), /Once\\040upon/);
    assert.equal(statSync(history).mode & 0o777, 0o600);
  });

  test('Ctrl-C stops the answer and not the program, Ctrl-D leaves', async () => {
    const { terminal, at } = await begin('--threads', '1');
    terminal.type('Once upon a time\r');
    let seen = await terminal.sees('there was', at);
    terminal.type(CTRL_C);
    seen = await terminal.sees('[stopped]', seen);
    assert.equal(terminal.text.includes('^C'), false, 'keys are not echoed into an answer');
    seen = await terminal.sees('>>> ', seen);
    terminal.type('half a line');
    await terminal.sees('half a line', seen);
    terminal.type(CTRL_C);
    seen = await terminal.sees('^C', seen);
    terminal.type(CTRL_C);
    seen = await terminal.sees('Ctrl-D or /bye to leave', seen);
    terminal.type('/show\r');
    seen = await terminal.sees('said so far 2 messages', seen);
    terminal.type(CTRL_D);
    assert.equal(await terminal.ended, 0);
  });

  test('several lines between """', async () => {
    const { terminal, at } = await begin('--max-tokens', '3');
    terminal.type('"""One day\r');
    let seen = await terminal.sees('... ', at);
    terminal.type('Lily and Tom\r');
    seen = await terminal.sees('... ', seen);
    terminal.type('went"""\r');
    seen = await terminal.sees('cut here', seen);
    seen = await terminal.sees('>>> ', seen);
    terminal.type(UP);
    seen = await terminal.sees('Lily and Tom', seen);
    terminal.type(CTRL_C);
    await terminal.sees('^C', seen);
    terminal.type(CTRL_D);
    assert.equal(await terminal.ended, 0);
  });

  test('/set takes what the command line takes, and refuses what it refuses', async () => {
    const { terminal, at } = await begin();
    terminal.type('/set\r');
    let seen = at;
    for (const line of [/temp +0\r\n/, /top-p +1\r\n/, /top-k +0\r\n/, /seed +\(a new one each time\)\r\n/,
      /repeat-penalty +1\r\n/, /max-tokens +\(as long as the context leaves\)\r\n/, /stop +\(none\)\r\n/, /system +\(none\)\r\n/])
      seen = await terminal.sees(line, seen);
    terminal.type('/set max-tokens 2\r');
    seen = await terminal.sees('>>> ', await terminal.sees('max-tokens 2', seen));
    terminal.type('/set system Be brief, please.\r');
    seen = await terminal.sees('>>> ', seen);
    terminal.type('/set\r');
    seen = await terminal.sees(/max-tokens +2/, seen);
    seen = await terminal.sees(/system +Be brief, please\./, seen);
    for (const [line, answer] of [
      ['/set temp 9', 'temp must be between 0 and 2, not "9"'],
      ['/set tmep 1', 'did you mean temp'],
      ['/set threads 2', 'nothing named "threads"'],
      ['/set temp', 'temp must be a number'],
      ['/hlep', 'did you mean /help'],
      ['/help', 'stops an answer'],
    ]) {
      terminal.type(`${line}\r`);
      seen = await terminal.sees(answer, seen);
      seen = await terminal.sees('>>> ', seen);
    }
    terminal.type('Once\r');
    seen = await terminal.sees('cut here', seen);
    terminal.type('/bye\r');
    assert.equal(await terminal.ended, 0);
  });

  test('a conversation that is too long says so and can be begun anew', async () => {
    const { terminal, at } = await begin('--max-tokens', '2');
    terminal.type('Once upon a time\r');
    let seen = await terminal.sees('cut here', at);
    terminal.type(`${'word '.repeat(600)}\r`);
    seen = await terminal.sees(/256[^]*\/clear starts a new conversation/, seen);
    terminal.type('/clear\r');
    seen = await terminal.sees('Forgotten', seen);
    terminal.type('Once upon a time\r');
    seen = await terminal.sees('there', seen);
    terminal.type('/bye\r');
    assert.equal(await terminal.ended, 0);
  });

  test('letters of all scripts can be typed and deleted', async () => {
    const { env, terminal, at } = await begin('--max-tokens', '2');
    terminal.type('Grüße 日本x\x7f!\r');
    await terminal.sees('cut here', at);
    terminal.type('/bye\r');
    assert.equal(await terminal.ended, 0);
    assert.match(readFileSync(join(env.LIMINAL_HOME, 'history'), 'utf8'), /Grüße\\040日本!/);
  });

  test('history is there the next time', async () => {
    const env = world('stories15m');
    const first = chat(env, '--max-tokens', '2');
    await first.sees('>>> ');
    first.type('Tell me of the sea\r');
    await first.sees('cut here');
    first.type(CTRL_D);
    await first.ended;
    const second = chat(env, '--max-tokens', '2');
    const at = await second.sees('>>> ');
    second.type(UP);
    await second.sees('Tell me of the sea', at);
    second.type(CTRL_C + CTRL_D);
    assert.equal(await second.ended, 0);
  });

  test('one answer in a terminal does not ask for more', async () => {
    const env = world('stories15m');
    const terminal = new Terminal(env, ['run', 'stories15m', '--raw', 'Once upon a time', '--temp', '0', '--max-tokens', '60']);
    assert.equal(await terminal.ended, 0);
    assert.match(terminal.text, /there was a little girl/);
    assert.equal(terminal.text.includes('>>>'), false);
  });
});
