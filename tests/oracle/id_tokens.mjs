// id_tokens.mjs - ID tokens made by an independent implementation (npm: jose), right and wrong ones, for
// src/accounts/id_token_test.c. Writes tests/vectors/accounts/id_tokens.json:
//   {"now", "issuer", "client_id", "nonce", "jwks", "cases": [{"name", "verdict", "words"?, "token"}]}
// The verdict is "ok", "no key", or "refused" (with words of the reason).
import { createHmac } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import * as jose from 'jose';

const now = 1795000000, issuer = 'https://issuer.example.com', clientId = 'liminal', nonce = 'n-0S6_WzA2Mj';
const folder = new URL('../vectors/accounts/', import.meta.url);
const generate = (alg, options) => jose.generateKeyPair(alg, { extractable: true, ...options });

const rsa = await generate('RS256'), ec = await generate('ES256'), stranger = await generate('RS256');
const weak = await generate('RS256', { modulusLength: 2048 }); // made too weak below
const jwk = async (pair, members) => ({ ...(await jose.exportJWK(pair.publicKey)), ...members });
const rsaJwk = await jwk(rsa, { kid: 'rsa', alg: 'RS256', use: 'sig' });
const jwks = {
  keys: [
    await jwk(stranger, { kid: 'for encryption', use: 'enc' }),
    { ...(await jwk(weak, { kid: 'weak' })), n: Buffer.alloc(128, 0xff).toString('base64url') },
    { kty: 'EC', kid: 'no point', crv: 'P-256', x: Buffer.alloc(32, 1).toString('base64url'), y: Buffer.alloc(32, 1).toString('base64url') },
    { kty: 'oct', kid: 'secret', k: 'c2VjcmV0' },
    rsaJwk,
    await jwk(ec, { kid: 'ec' }),
  ],
};

const good = { iss: issuer, aud: clientId, sub: 'ada', nonce, iat: now - 10, exp: now + 300, email: 'ada@example.com', email_verified: true };
const sign = (claims, { pair = rsa, alg = 'RS256', kid = 'rsa', header = {} } = {}) =>
  new jose.SignJWT(claims).setProtectedHeader({ alg, ...(kid && { kid }), ...header }).sign(pair.privateKey);
const base64url = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const cases = [];
const add = (name, verdict, token, words) => cases.push({ name, verdict, ...(words && { words }), token });

add('RS256', 'ok', await sign(good));
add('ES256', 'ok', await sign(good, { pair: ec, alg: 'ES256', kid: 'ec' }));
add('no key id', 'ok', await sign(good, { pair: ec, alg: 'ES256', kid: '' }));
add('several audiences, given to us', 'ok', await sign({ ...good, aud: ['other', clientId], azp: clientId }));
add('one audience in a list', 'ok', await sign({ ...good, aud: [clientId] }));
add('a minute over', 'ok', await sign({ ...good, exp: now - 59 }));
add('a clock that is fast', 'ok', await sign({ ...good, iat: now + 60, nbf: now + 60 }));

const refused = async (name, words, claims, options) => add(name, 'refused', await sign(claims, options), words);
await refused('over', 'expired', { ...good, exp: now - 60 });
await refused('no expiry', 'expired', { ...good, exp: undefined });
await refused('expiry is a text', 'expired', { ...good, exp: `${now + 300}` });
await refused('issued in the future', 'future', { ...good, iat: now + 61 });
await refused('not issued', 'future', { ...good, iat: undefined });
await refused('begins in the future', 'future', { ...good, nbf: now + 61 });
await refused('another issuer', 'issuer', { ...good, iss: `${issuer}/` });
await refused('no issuer', 'issuer', { ...good, iss: undefined });
await refused('another audience', 'somebody else', { ...good, aud: 'other' });
await refused('no audience', 'somebody else', { ...good, aud: undefined });
await refused('several audiences, given to nobody', 'somebody else', { ...good, aud: ['other', clientId] });
await refused('given to another', 'somebody else', { ...good, azp: 'other' });
await refused('another nonce', 'another sign-in', { ...good, nonce: 'other' });
await refused('no nonce', 'another sign-in', { ...good, nonce: undefined });
await refused('no subject', 'who it is', { ...good, sub: undefined });
await refused('an empty subject', 'who it is', { ...good, sub: '' });
await refused('a long subject', 'who it is', { ...good, sub: 'x'.repeat(256) });
await refused('subject is a number', 'who it is', { ...good, sub: 7 });
await refused('another key', 'signature is wrong', good, { pair: stranger });
await refused('RS512', 'RS256 or ES256', good, { alg: 'RS512', pair: await generate('RS512') });
await refused('PS256', 'RS256 or ES256', good, { alg: 'PS256', pair: await generate('PS256') });

add('another key id', 'no key', await sign(good, { kid: 'unknown' }));
add('a key for encryption', 'no key', await sign(good, { pair: stranger, kid: 'for encryption' }));
add('a weak key', 'no key', await sign(good, { kid: 'weak' }));
add('no point of the curve', 'no key', await sign(good, { pair: ec, alg: 'ES256', kid: 'no point' }));
add('a key of another kind', 'no key', await sign(good, { kid: 'ec' }));

const [header, payload, signature] = cases[0].token.split('.');
add('none', 'refused', `${base64url({ alg: 'none' })}.${payload}.`, 'RS256 or ES256');
add('None', 'refused', `${base64url({ alg: 'None' })}.${payload}.`, 'RS256 or ES256');
add('no signature', 'refused', `${header}.${payload}.`, 'signature');
const hs256 = `${base64url({ alg: 'HS256', kid: 'rsa' })}.${payload}`;
add('the public key as a secret', 'refused',
  `${hs256}.${createHmac('sha256', JSON.stringify(rsaJwk)).update(hs256).digest('base64url')}`, 'RS256 or ES256');
add('critical extensions', 'refused',
  `${base64url({ alg: 'RS256', kid: 'rsa', crit: ['x'], x: 1 })}.${payload}.${signature}`, 'critical');
add('another payload', 'refused', `${header}.${base64url({ ...good, sub: 'eve' })}.${signature}`, 'signature is wrong');
const [esHeader, esPayload, esSignature] = cases[1].token.split('.');
add('half of a signature', 'refused', `${esHeader}.${esPayload}.${esSignature.slice(0, 43)}`, 'signature');
add('zeros for a signature', 'refused', `${esHeader}.${esPayload}.${base64url('\0'.repeat(64))}`, 'signature is wrong');
add('two parts', 'refused', `${header}.${payload}`, 'signed JSON');
add('four parts', 'refused', `${cases[0].token}.x`, 'signature');
add('padding', 'refused', `${header}=.${payload}.${signature}`, 'signed JSON');
add('header is no JSON', 'refused', `${base64url('{')}.${payload}.${signature}`, 'signed JSON');
add('header is a list', 'refused', `${base64url('[]')}.${payload}.${signature}`, 'signed JSON');
add('a key twice', 'refused', `${base64url('{"alg":"none","alg":"RS256"}')}.${payload}.${signature}`, 'signed JSON');
add('empty', 'refused', '', 'signed JSON');
add('dots', 'refused', '..', 'signed JSON');

mkdirSync(folder, { recursive: true });
writeFileSync(new URL('id_tokens.json', folder), `${JSON.stringify({ now, issuer, client_id: clientId, nonce, jwks, cases }, null, 1)}\n`);
console.log(`${cases.length} ID tokens`);
