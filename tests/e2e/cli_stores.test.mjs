// The verbs that work on a server's data: the schema, copies, backups.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { run, serve, world } from './cli_support.mjs';

const done = (env, args) => {
  const result = run(env, args);
  assert.equal(result.code, 0, `${args.join(' ')}: ${result.err}`);
  return result.out;
};

describe('migrate', () => {
  test('status, up, down, and up again', () => {
    const env = world();
    const all = done(env, ['migrate', 'status']).trim().split('\n');
    assert.ok(all.length >= 1);
    for (const line of all) assert.match(line, /^\d{3} \w+ +pending$/);
    const applied = done(env, ['migrate', 'up']).trim().split('\n');
    assert.equal(applied.length, all.length);
    assert.match(applied[0], /^applied 001 initial$/);
    assert.equal(done(env, ['migrate', 'up']), '');
    assert.ok(existsSync(join(env.LIMINAL_HOME, 'liminal.db')));
    for (const line of done(env, ['migrate', 'status']).trim().split('\n'))
      assert.match(line, /^\d{3} \w+ +applied \d{4}-\d\d-\d\dT/);
    assert.match(done(env, ['migrate', 'down']), /^took back \d{3} \w+\n$/);
    done(env, ['migrate', 'down', '0']);
    assert.deepEqual(done(env, ['migrate', 'status']).trim().split('\n'), all);
    assert.equal(done(env, ['migrate', 'up', '1']), 'applied 001 initial\n');
  });

  test('names another database, and refuses what it does not know', () => {
    const env = world();
    const file = join(env.HOME, 'other.db');
    done(env, ['migrate', 'up', '--database', `sqlite:${file}`]);
    assert.ok(existsSync(file));
    for (const [args, code, why] of [
      [['migrate'], 2, /up\|down\|status/], [['migrate', 'sideways'], 2, /up, down or status/],
      [['migrate', 'up', '999'], 2, /VERSION must be/], [['migrate', 'status', '1'], 2, /no VERSION/],
      [['migrate', 'up', '--database', 'mysql://x'], 2, /postgresql:/],
      [['migrate', 'up', '--database', 'postgresql://me:hidden@/x?host=/nowhere'], 6, /PostgreSQL can't be reached/],
    ]) {
      const { code: got, err } = run(env, args);
      assert.equal(got, code, `${args}: ${err}`);
      assert.match(err, why);
      assert.ok(!err.includes('hidden'));
    }
  });
});

// A private PostgreSQL, gone after the tests.
const postgres = () => {
  const service = (...args) => execFileSync('tests/services/postgres.sh', args).toString().trim().split('\n').pop();
  const url = service('start');
  after(() => service('stop', url));
  return url;
};

// Data that can be told again: rows through sqlite3, a file beside.
const fill = (env) => {
  done(env, ['migrate', 'up']);
  execFileSync('sqlite3', [join(env.LIMINAL_HOME, 'liminal.db'),
    `INSERT INTO tenant (id, name, created_at) VALUES (x'0193000000000000000000000000000a', 'Füße "und" 漢字', 1763640000123456)`]);
  mkdirSync(join(env.LIMINAL_HOME, 'user'));
  writeFileSync(join(env.LIMINAL_HOME, 'user/notes.txt'), 'remember', { mode: 0o600 });
};
const tenants = (env) => execFileSync('sqlite3', [join(env.LIMINAL_HOME, 'liminal.db'),
  'SELECT hex(id), name, created_at FROM tenant']).toString();

describe('db copy', () => {
  test('to PostgreSQL and back', () => {
    const env = world();
    const back = world();
    const url = postgres();
    fill(env);
    assert.match(done(env, ['db', 'copy', '--to', url]), /^1 rows of \d+ tables are there, and are equal\n$/);
    done(back, ['db', 'copy', '--from', url, '--to', `sqlite:${join(back.LIMINAL_HOME, 'liminal.db')}`]);
    assert.equal(tenants(back), tenants(env));
    const again = run(env, ['db', 'copy', '--to', url]);
    assert.equal(again.code, 5);
    assert.match(again.err, /not empty/);
    assert.equal(run(env, ['db', 'copy']).code, 2);
    assert.equal(run(env, ['db', 'dance', '--to', url]).code, 2);
  });
});

describe('backup and restore', () => {
  test('a backup is a tar archive that tar opens, and goes back', () => {
    const env = world();
    const other = world();
    fill(env);
    const file = join(env.HOME, 'backup.tar');
    assert.match(done(env, ['backup', file]), /backup\.tar: 1 rows of \d+ tables, 1 files, /);
    const names = execFileSync('tar', ['tf', file]).toString().trim().split('\n');
    assert.ok(names.includes('database/tenant/000001.jsonl'));
    assert.ok(names.includes('files/user/notes.txt'));
    assert.equal(names.at(-1), 'manifest.json');
    const folder = join(env.HOME, 'opened');
    mkdirSync(folder);
    execFileSync('tar', ['xf', file, '-C', folder]);
    const [columns, row] = readFileSync(join(folder, 'database/tenant/000001.jsonl'), 'utf8').trim().split('\n').map((l) => JSON.parse(l));
    assert.deepEqual(columns, { table: 'tenant', columns: [['id', 'uuid'], ['name', 'text'], ['created_at', 'time']] });
    assert.deepEqual(row, ['01930000-0000-0000-0000-00000000000a', 'Füße "und" 漢字', 1763640000123456]);
    assert.equal(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')).format, 1);

    assert.match(done(other, ['restore', file]), /^1 rows of \d+ tables and 1 files are there/);
    assert.equal(tenants(other), tenants(env));
    assert.equal(readFileSync(join(other.LIMINAL_HOME, 'user/notes.txt'), 'utf8'), 'remember');

    const refused = run(other, ['restore', file]);
    assert.equal(refused.code, 5);
    assert.match(refused.err, /--force/);
    const forced = run(other, ['restore', file, '--force']);
    assert.equal(forced.code, 0, forced.err);
    const [, aside] = /what was there before is in (\S+)/.exec(forced.err);
    assert.deepEqual(readdirSync(aside).sort(), ['liminal-backup.tar', 'user']);
    assert.equal(tenants(other), tenants(env));
  });

  test('beside a running server', async () => {
    const env = world();
    const other = world();
    const server = await serve(env);
    const file = join(env.HOME, 'backup.tar');
    done(env, ['backup', file]);
    await server.stop();
    done(other, ['restore', file]);
    const count = (where) => execFileSync('sqlite3', [join(where.LIMINAL_HOME, 'liminal.db'),
      'SELECT (SELECT count(*) FROM app_user), (SELECT count(*) FROM tenant)']).toString();
    assert.equal(count(other), count(env));
    const again = await serve(other); // the copy is a server's data like any other
    assert.equal((await again.stop()).code, 0);
  });

  test('into a folder, never over a file, and not without data', () => {
    const env = world();
    const empty = world();
    fill(env);
    mkdirSync(join(env.HOME, 'backups'));
    assert.match(done(env, ['backup', join(env.HOME, 'backups')]), /liminal-backup-\d{8}T\d{6}Z\.tar: /);
    writeFileSync(join(env.HOME, 'taken'), 'mine');
    assert.equal(run(env, ['backup', join(env.HOME, 'taken')]).code, 5);
    assert.equal(readFileSync(join(env.HOME, 'taken'), 'utf8'), 'mine');
    assert.equal(run(env, ['restore', join(env.HOME, 'taken'), '--force']).code, 8);
    assert.equal(run(env, ['restore', join(env.HOME, 'none')]).code, 3);
    assert.equal(run(empty, ['backup', join(env.HOME, 'new')]).code, 3);
    assert.equal(existsSync(join(empty.LIMINAL_HOME, 'liminal.db')), false);
  });
});
