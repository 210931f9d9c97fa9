// oidc.mjs - a real OpenID Connect provider for tests (npm: oidc-provider), the browser of somebody
// who signs in there, and a stand-in for GitHub, which nobody can run. Prints its port.
//
// Clients of the provider (issuer http://127.0.0.1:PORT): "liminal" with the secret "s3cret:&%", whose ID
// tokens are RS256; "liminal-es", whose are ES256; both with PKCE only.
//
// For tests only:
//   GET /test/visit?url=&login=    the browser: signs in as `login` ("SUB,EMAIL,VERIFIED"), and answers what
//                                  it brings back to the callback: {state, code, iss} or {error}
//   GET /test/tamper?what=         the next ID token is signed anew, but: nonce, audience, issuer, expired,
//                                  none (no signature), hs256 (the public key as a shared secret), stranger
//                                  (another key under the same id), subject (of userinfo)
//   GET /test/rotate               from now on other keys under other ids
// The stand-in has the same routes as GitHub's own server below /github.
import { createHash, createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../oracle/package.json', import.meta.url));
const { Provider } = await import(require.resolve('oidc-provider'));
const jose = await import(require.resolve('jose'));

const CALLBACK = 'https://app.example.com/v1/auth/oauth';
const server = createServer((request, response) => serve(request, response));
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const { port } = server.address();
const issuer = `http://127.0.0.1:${port}`;
let keys = await makeKeys('1');
let tamper = '';

async function makeKeys(name) {
  const made = [];
  for (const alg of ['RS256', 'ES256']) {
    const { privateKey } = await jose.generateKeyPair(alg, { extractable: true });
    made.push({ ...(await jose.exportJWK(privateKey)), kid: `${alg}-${name}`, alg, use: 'sig' });
  }
  return made;
}

const publicPart = ({ kty, n, e, crv, x, y, kid, alg, use }) => ({ kty, n, e, crv, x, y, kid, alg, use });

// ---- the provider ----

const people = new Map(); // sub -> claims

const client = (id, alg, name) => ({
  client_id: id, client_secret: 's3cret:&%', redirect_uris: [`${CALLBACK}/${name}/callback`],
  id_token_signed_response_alg: alg,
});

const provider = new Provider(issuer, {
  clients: [client('liminal', 'RS256', 'test'), client('liminal-es', 'ES256', 'test-es')],
  jwks: { keys },
  cookies: { keys: ['of a test'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (ctx, sub) => ({ accountId: sub, claims: () => ({ sub, ...people.get(sub) }) }),
});
provider.on('server_error', (ctx, error) => console.error(error));

// Whoever comes is signed in as login_hint says, has that address from now on, and agrees to all.
async function interact(ctx) {
  const { prompt, params, session } = await provider.interactionDetails(ctx.req, ctx.res);
  const [sub, email, verified] = params.login_hint.split(',');
  people.set(sub, email ? { email, email_verified: verified === 'true' } : {});
  let result = { login: { accountId: sub } };
  if (prompt.name === 'consent') {
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope('openid email');
    result = { consent: { grantId: await grant.save() } };
  }
  ctx.respond = false;
  await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: true });
}

async function forge(token) {
  const what = tamper;
  const { alg } = jose.decodeProtectedHeader(token);
  const claims = { ...jose.decodeJwt(token), ...{
    nonce: { nonce: 'of another sign-in' },
    audience: { aud: 'another-client' },
    issuer: { iss: 'https://evil.example.com' },
    expired: { exp: 1000 },
  }[what] };
  if (what === 'none') return new jose.UnsecuredJWT(claims).encode();
  if (what === 'rotated') keys = await makeKeys('2');
  const jwk = keys.find((key) => key.alg === alg);
  if (what === 'hs256') {
    const head = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const signed = `${head({ alg: 'HS256', kid: jwk.kid })}.${head(claims)}`;
    return `${signed}.${createHmac('sha256', JSON.stringify(publicPart(jwk))).update(signed).digest('base64url')}`;
  }
  const key = what === 'stranger' ? (await jose.generateKeyPair(alg)).privateKey : await jose.importJWK(jwk, alg);
  return new jose.SignJWT(claims).setProtectedHeader({ alg, kid: jwk.kid }).sign(key);
}

provider.use(async (ctx, next) => {
  if (ctx.path.startsWith('/interaction/')) return interact(ctx);
  if (ctx.path === '/jwks') return void (ctx.body = { keys: keys.map(publicPart) });
  await next();
  if (ctx.path === '/me' && tamper === 'subject') ctx.body = { ...ctx.body, sub: 'somebody else' };
  if (ctx.path === '/token' && ctx.body?.id_token && tamper && tamper !== 'subject')
    ctx.body = { ...ctx.body, id_token: await forge(ctx.body.id_token) };
});

// ---- the browser ----

async function visit(url, login) {
  const cookies = new Map();
  let at = new URL(url);
  at.searchParams.set('login_hint', login);
  for (let hops = 0; hops < 20; hops++) {
    if (at.href.startsWith(CALLBACK)) return Object.fromEntries(at.searchParams);
    const answer = await fetch(at, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (value) cookies.set(name, value);
      else cookies.delete(name);
    }
    const location = answer.headers.get('location');
    if (!location) throw new Error(`${at.href} answers ${answer.status}: ${await answer.text()}`);
    at = new URL(location, at);
  }
  throw new Error('too many hops');
}

// ---- GitHub's stand-in ----

const codes = new Map(); // code -> what it was given for
let github = { user: { id: 583231, login: 'octocat' }, emails: [] };

function githubRoute(path, query, form, headers) {
  if (path === '/login/oauth/authorize') {
    const code = `code-${codes.size}`;
    codes.set(code, { challenge: query.get('code_challenge'), redirect: query.get('redirect_uri') });
    const [id, email, verified] = query.get('login_hint').split(',');
    github = {
      user: { id: Number(id), login: 'octocat', email: 'shown@example.com' },
      emails: [
        { email: 'other@example.com', primary: false, verified: true },
        { email, primary: true, verified: verified === 'true' },
      ],
    };
    return { redirect: `${query.get('redirect_uri')}?code=${code}&state=${query.get('state')}` };
  }
  if (path === '/login/oauth/access_token') {
    const given = codes.get(form.get('code'));
    codes.delete(form.get('code'));
    const right = given && form.get('client_id') === 'liminal' && form.get('client_secret') === 'gh-secret'
      && createHash('sha256').update(form.get('code_verifier')).digest('base64url') === given.challenge
      && form.get('redirect_uri') === given.redirect;
    return right ? { body: { access_token: 'gho_token', token_type: 'bearer' } }
      : { body: { error: 'bad_verification_code' } };
  }
  if (headers.authorization !== 'Bearer gho_token') return { code: 401, body: { message: 'Bad credentials' } };
  if (path === '/api/v3/user') return { body: github.user };
  if (path === '/api/v3/user/emails') return { body: github.emails };
  return { code: 404, body: { message: 'Not Found' } };
}

// ---- all of it ----

async function testRoute(path, query) {
  if (path === '/test/visit') return visit(query.get('url'), query.get('login'));
  if (path === '/test/tamper') return { tamper: (tamper = query.get('what')) };
  throw new Error(`no route ${path}`);
}

function reply(response, { code = 200, body, redirect }) {
  response.writeHead(redirect ? 302 : code, redirect ? { location: redirect } : { 'content-type': 'application/json' });
  response.end(JSON.stringify(body ?? {}));
}

const oidc = provider.callback();
async function serve(request, response) {
  const { pathname, searchParams } = new URL(request.url, issuer);
  if (!/^\/(test|github)\//.test(pathname)) return oidc(request, response);
  try {
    if (pathname.startsWith('/test/')) return reply(response, { body: await testRoute(pathname, searchParams) });
    let body = '';
    for await (const piece of request) body += piece;
    reply(response, githubRoute(pathname.slice('/github'.length), searchParams, new URLSearchParams(body), request.headers));
  } catch (error) {
    reply(response, { code: 500, body: { failed: String(error) } });
  }
}
console.log(port);
