// A provider of OpenID Connect for the tests: `node openid-provider.mjs PORT CALLBACK [ALGORITHM]`.
// Its keys are new at each start. Whoever comes to the login page says in its address who they are:
// `?sub=ann&email=ann@example.com&email_verified=true&name=Ann`, or `?deny=true`.

import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [port, callback, algorithm = "RS256"] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;

function signingKey() {
  const pair =
    algorithm === "RS256"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = pair.privateKey.export({ format: "jwk" });
  return { ...key, alg: algorithm, use: "sig", kid: randomUUID() };
}

/** Accounts by subject: what the login page was last told of them. */
const accounts = new Map();

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "millstream",
      // Both with characters that have to be escaped in a header.
      client_secret: "hunter2:at+the provider%",
      redirect_uris: [callback],
      id_token_signed_response_alg: algorithm,
    },
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  cookies: { keys: [randomUUID()] },
  features: { devInteractions: { enabled: false } },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ ...accounts.get(sub), sub }) }),
  interactions: { url: (_, interaction) => `/login/${interaction.uid}` },
  jwks: { keys: [signingKey()] },
  // Nobody is asked for consent.
  async loadExistingGrant({ oidc }) {
    const { clientId } = oidc.client;
    const { accountId } = oidc.session;
    const grant = new oidc.provider.Grant({ clientId, accountId });
    grant.addOIDCScope(oidc.params.scope);
    await grant.save();
    return grant;
  },
  pkce: { required: () => true },
});

async function login(request, response) {
  const said = new URL(request.url, issuer).searchParams;
  if (said.has("deny")) {
    return provider.interactionFinished(request, response, { error: "access_denied" });
  }
  const { sub, email_verified, ...claims } = Object.fromEntries(said);
  accounts.set(sub, { ...claims, email_verified: email_verified === "true" });
  return provider.interactionFinished(request, response, { login: { accountId: sub } });
}

const handle = provider.callback();
const server = createServer((request, response) => {
  const isLogin = request.url.startsWith("/login/");
  const handled = isLogin ? login(request, response) : handle(request, response);
  Promise.resolve(handled).catch((error) => response.writeHead(500).end(String(error)));
});
server.listen(Number(port), "127.0.0.1", () => console.log(JSON.stringify({ issuer })));
