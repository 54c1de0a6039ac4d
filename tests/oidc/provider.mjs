// A certified OpenID Connect provider on loopback, for the tests.
// node provider.mjs SETTINGS, a JSON file: port, certificate, key, callback, secret, accounts (a JSON file).
// Accounts are read anew for every answer, so a test changes a person by writing that file.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import Provider from 'oidc-provider';

const read = (file) => JSON.parse(readFileSync(file, 'utf8'));
const settings = read(process.argv[2]);

const provider = new Provider(`https://127.0.0.1:${settings.port}`, {
  clients: [{
    client_id: 'campus',
    client_secret: settings.secret,
    redirect_uris: [settings.callback],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'client_secret_post',
  }],
  claims: { openid: ['sub'], profile: ['preferred_username'], email: ['email'], groups: ['groups'] },
  // Campus has to bring its proof: without one the provider answers no code.
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true } },
  cookies: { keys: ['for tests only'] },
  issueRefreshToken: () => true,
  // Short, so that a test sees a token expire and be renewed.
  ttl: { AccessToken: 2, RefreshToken: 3600, Session: 3600, Grant: 3600, Interaction: 600, IdToken: 600 },
  findAccount: (_, id) => {
    const claims = read(settings.accounts)[id];
    return claims && { accountId: id, claims: () => ({ sub: id, ...claims }) };
  },
});

const tls = { cert: readFileSync(settings.certificate), key: readFileSync(settings.key) };
createServer(tls, provider.callback()).listen(settings.port, '127.0.0.1');
