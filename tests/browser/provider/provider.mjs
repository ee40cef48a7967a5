// A certified OpenID provider (https://github.com/panva/node-oidc-provider) with one client, and a sign-in form of one field:
// whoever types `ann` is ann@example.org. Started with PORT, CLIENT_ID, CLIENT_SECRET and REDIRECT_URIS (a JSON list).
import { generateKeyPairSync, randomBytes } from "node:crypto";
import * as oidc from "oidc-provider";

const { PORT, CLIENT_ID, CLIENT_SECRET, REDIRECT_URIS } = process.env;
const issuer = `http://127.0.0.1:${PORT}`;
const SCOPES = "openid email profile";

const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
const provider = new oidc.Provider(issuer, {
  clients: [{ client_id: CLIENT_ID, client_secret: CLIENT_SECRET, redirect_uris: JSON.parse(REDIRECT_URIS) }],
  jwks: { keys: [{ ...key, use: "sig", alg: "RS256", kid: "one" }] },
  cookies: { keys: [randomBytes(32).toString("hex")] },
  claims: { email: ["email", "email_verified"], profile: ["name", "given_name"] },
  features: { devInteractions: { enabled: false } },
  pkce: { required: () => true },
  interactions: { url: (_, interaction) => `/sign-in/${interaction.uid}` },
  ttl: { AccessToken: 600, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id, email: `${id}@example.org`, email_verified: true, given_name: id, name: `${id} of Acme`,
    }),
  }),
  async loadExistingGrant({ oidc: { client, session } }) {
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope(SCOPES);
    await grant.save();
    return grant;
  },
});

const page = (uid) => `<!doctype html><html lang="en"><title>Acme</title><link rel="icon" href="data:,">
<main><h1>Acme</h1><form method="post" action="/sign-in/${uid}">
<label>Who are you? <input name="login" autofocus></label>
<button name="do" value="sign-in">Go on</button> <button name="do" value="cancel">Cancel</button>
</form></main></html>`;

async function read(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

provider.use(async (ctx, next) => {
  const uid = /^\/sign-in\/([\w-]+)$/.exec(ctx.path)?.[1];
  if (!uid) return next();
  if (ctx.method === "GET") {
    ctx.type = "html";
    ctx.body = page(uid);
    return undefined;
  }
  const form = await read(ctx.req);
  const said = form.get("do") === "cancel"
    ? { error: "access_denied", error_description: "changed their mind" }
    : { login: { accountId: form.get("login") } };
  ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, said));
  return undefined;
});

provider.listen(Number(PORT), "127.0.0.1", () => console.log("ready"));
