// The OpenID provider of the npm package oidc-provider: `node oidc_provider.mjs CONFIGURATION`
// It says its port on a line of its own, and its users are whoever signs in, with any password.
import { createServer } from "node:http";
import Provider from "oidc-provider";

const { clients } = JSON.parse(process.argv[2]);
let provider;
const server = createServer((request, response) => provider.callback()(request, response));

server.listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  provider = new Provider(`http://127.0.0.1:${port}`, {
    clients,
    claims: {
      openid: ["sub"],
      profile: ["name"],
      email: ["email", "email_verified"],
      groups: ["groups"],
    },
    scopes: ["openid", "offline_access", "groups"],
    pkce: { required: () => true },
    cookies: { keys: ["only for tests"] },
    clientAuthMethods: ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
    enabledJWA: {
      clientAuthSigningAlgValues: ["ES256", "PS256"],
      idTokenSigningAlgValues: ["RS256", "ES256", "HS256"],
    },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        name: `The user ${id}`,
        email: `${id}@example.com`,
        email_verified: true,
        groups: ["devs"],
      }),
    }),
  });
  console.log(`port ${port}`);
});
