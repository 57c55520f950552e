// A real OpenID Connect provider for the tests: npm's oidc-provider, releasing claims as the
// Helmholtz AAI does (from userinfo only). Started by tests/oidc/node.py with the modules' folder,
// the desk's address and a port; says "ready ISSUER" when it listens on 127.0.0.1.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [modules, desk, port] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')).href);

const issuer = `http://127.0.0.1:${port}`;
const group = (path) => `urn:geant:helmholtz.de:group:${path}#login.helmholtz.de`;
const somebody = (sub, name, domain, more) => ({
  sub,
  name,
  given_name: name.split(' ')[0],
  family_name: name.split(' ')[1],
  preferred_username: sub.slice(0, 8),
  email: `${name.toLowerCase().replace(' ', '.')}@${domain}`,
  email_verified: true,
  org_domain: domain,
  voperson_id: `${sub.replaceAll('-', '')}@login.helmholtz.de`,
  voperson_external_affiliation: [`employee@${domain}`, `member@${domain}`],
  eduperson_scoped_affiliation: ['member@login.helmholtz.de'],
  eduperson_assurance: [
    'https://refeds.org/assurance',
    'https://refeds.org/assurance/ID/unique',
    'https://refeds.org/assurance/IAP/medium',
    'https://refeds.org/assurance/profile/cappuccino',
  ],
  eduperson_entitlement: [group(domain), 'urn:mace:dir:entitlement:common-lib-terms'],
  ...more,
});
const people = {
  elif: somebody('6f1c2f4e-7c1f-4c57-9d1b-2f7d1d0f3c55', 'Elif Demir', 'awi.de', {
    entitlements: [group('Helmholtz member')],
  }),
  cyra: somebody('0b0a4d9e-5d0c-4f9b-8b0f-7a5b1c9d2e11', 'Cyra Weber', 'hzdr.de', {
    entitlements: [group('Helmholtz member'), group('Helmholtz AI:consultants:role=matter')],
  }),
  olga: somebody('9a8b7c6d-5e4f-4a3b-8c2d-1e0f9a8b7c6d', 'Olga Brandt', 'helmholtz-munich.de', {
    entitlements: [group('Helmholtz AI:office')],
  }),
  guest: somebody('11111111-2222-4333-8444-555555555555', 'Gil Gast', 'mail.example', {
    voperson_external_affiliation: ['member@mail.example'],
    eduperson_assurance: ['https://aarc-project.eu/policy/authn-assurance/assam'],
    eduperson_entitlement: [],
    entitlements: [],
  }),
};

const mfa = 'https://refeds.org/profile/mfa';
const page = (body) => `<!doctype html><html lang="en"><title>Provider</title><link rel="icon" href="data:,"><body>${body}</body>`;
const released = {
  entitlements: ['entitlements'],
  eduperson_entitlement: ['eduperson_entitlement'],
  eduperson_assurance: ['eduperson_assurance'],
  voperson_external_affiliation: ['voperson_external_affiliation'],
  org_domain: ['org_domain'],
  profile: ['name', 'given_name', 'family_name', 'preferred_username'],
  email: ['email', 'email_verified'],
};

const provider = new Provider(issuer, {
  clients: [{
    client_id: 'evidesk',
    client_secret: 'known-to-desk-and-provider',
    redirect_uris: [`${desk}/sign-in/done/`],
    post_logout_redirect_uris: [`${desk}/`],
    response_types: ['code'],
    grant_types: ['authorization_code'],
  }],
  scopes: ['openid', ...Object.keys(released)],
  claims: { openid: ['sub'], ...released },
  conformIdTokenClaims: true,
  acrValues: [mfa], // told in the ID token, to those who ask for it
  pkce: { required: () => true },
  cookies: { keys: ['only for tests'] },
  ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Session: 600, Grant: 600 },
  features: {
    devInteractions: { enabled: false },
    revocation: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => {
        ctx.body = page(`<h1>Sign out here?</h1>${form}
          <button type="submit" form="op.logoutForm" name="logout" value="yes">Yes</button>`);
      },
    },
  },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => Object.values(people).find((one) => one.sub === id) }),
  async loadExistingGrant(ctx) {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope(['openid', ...Object.keys(released)].join(' '));
    await grant.save();
    return grant;
  },
});

const answer = provider.callback();
createServer(async (request, response) => {
  const [, first, uid, who] = new URL(request.url, issuer).pathname.split('/');
  if (first !== 'interaction') return answer(request, response);
  if (people[who]) {
    return provider.interactionFinished(request, response, { login: { accountId: people[who].sub, acr: who === 'olga' ? mfa : undefined } });
  }
  const links = Object.entries(people).map(([key, one]) => `<li><a href="/interaction/${uid}/${key}">${one.name}</a></li>`);
  response.setHeader('Content-Type', 'text/html; charset=utf-8');
  return response.end(page(`<h1>Who are you?</h1><ul>${links.join('')}</ul>`));
}).listen(Number(port), '127.0.0.1', () => console.log(`ready ${issuer}`));
