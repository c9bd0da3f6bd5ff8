// An MCP client of the TypeScript SDK with a DPoP session. It prints the authorization URL, reads
// the answer's URL from its standard input, calls the tool `whoami`, refreshes, and calls it again.
import { createInterface } from "node:readline";
import {
  Client,
  DpopSession,
  StreamableHTTPClientTransport,
  UnauthorizedError,
  auth,
} from "@modelcontextprotocol/client";

const [mcpUrl, alg] = process.argv.slice(2);
const session = await DpopSession.create({ alg });
const kept = {};
const provider = {
  redirectUrl: "http://127.0.0.1:3999/callback",
  clientMetadata: {
    client_name: "Editor",
    redirect_uris: ["http://127.0.0.1:3999/callback"],
    grant_types: ["authorization_code", "refresh_token"],
    token_endpoint_auth_method: "none",
    dpop_bound_access_tokens: true,
  },
  state: () => "state-1",
  dpop: () => session,
  clientInformation: () => kept.client,
  saveClientInformation: (client) => void (kept.client = client),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => void (kept.tokens = tokens),
  codeVerifier: () => kept.verifier,
  saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
  discoveryState: () => kept.discovery,
  saveDiscoveryState: (state) => void (kept.discovery = state),
  redirectToAuthorization: (url) => console.log(JSON.stringify({ open: url.href })),
};

async function whoami() {
  const client = new Client({ name: "editor", version: "1" });
  const transport = new StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider: provider });
  try {
    await client.connect(transport);
    const result = await client.callTool({ name: "whoami", arguments: {} });
    await client.close();
    return result.content[0].text;
  } catch (error) {
    if (error instanceof UnauthorizedError && !kept.tokens) return transport;
    throw error;
  }
}

const waiting = await whoami();
for await (const line of createInterface({ input: process.stdin })) {
  await waiting.finishAuth(new URL(line).searchParams);
  break;
}
const first = { said: await whoami(), type: kept.tokens.token_type, jkt: session.thumbprint };
const before = kept.tokens;
await auth(provider, { serverUrl: new URL(mcpUrl) });
const second = { said: await whoami(), type: kept.tokens.token_type, jkt: session.thumbprint };
const renewed = before.access_token !== kept.tokens.access_token;
console.log(JSON.stringify({ first, second, renewed, token: kept.tokens.access_token }));
process.exit(0);
