import { createHash, createSign, generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const CLIENT = "millstream";
const SECRET = "hunter2:at+the provider%";

/** Somebody whom the provider knows. */
interface Known {
  sub: string;
  email: string;
  email_verified: boolean;
  name: string;
}

/** What was asked for with a code that was handed out, once. */
interface Asked {
  nonce: string;
  challenge: string;
  back: string;
  who: Known;
}

/**
 * A provider of OpenID Connect: discovery, keys, the code flow with PKCE, and a page on which people choose who they
 * are. What doesn't fit together is refused, as a real one would.
 */
export class Provider {
  /** Whom its page offers. */
  people: Known[] = [];
  private readonly codes = new Map<string, Asked>();
  private readonly key = generateKeyPairSync("rsa", { modulusLength: 2048 });

  private constructor(
    private readonly server: Server,
    readonly issuer: string,
  ) {}

  static async start(): Promise<Provider> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const provider = new Provider(server, `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`);
    server.on("request", (request, response) => void provider.answer(request, response));
    return provider;
  }

  /** The settings of a server that people reach at this address, and may sign in to here. */
  settings(url: string): Record<string, string> {
    const own = "MILLSTREAM_ACCESS__OPENID__ACME__";
    return {
      MILLSTREAM_CONTROL__PUBLIC_URL: url,
      [`${own}NAME`]: "Acme",
      [`${own}ISSUER`]: this.issuer,
      [`${own}CLIENT_ID`]: CLIENT,
      [`${own}CLIENT_SECRET`]: SECRET,
    };
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", this.issuer);
    const json = (status: number, body: object) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    switch (pathname) {
      case "/.well-known/openid-configuration":
        return void json(200, this.document());
      case "/keys":
        return void json(200, { keys: [{ ...this.key.publicKey.export({ format: "jwk" }), alg: "RS256", use: "sig", kid: "own" }] });
      case "/authorize":
        return void response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(this.choice(searchParams));
      case "/chosen":
        return void response.writeHead(303, { location: this.chosen(searchParams) }).end();
      case "/token": {
        const tokens = this.redeemed(request.headers.authorization, new URLSearchParams(await bodyOf(request)));
        return void json(tokens === null ? 400 : 200, tokens ?? { error: "invalid_grant" });
      }
      default:
        return void json(404, {});
    }
  }

  private document(): object {
    const { issuer } = this;
    return {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/keys`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
      scopes_supported: ["openid", "email", "profile"],
      token_endpoint_auth_methods_supported: ["client_secret_basic"],
      code_challenge_methods_supported: ["S256"],
    };
  }

  /** The page on which people say who they are. */
  private choice(asked: URLSearchParams): string {
    const fits = asked.get("client_id") === CLIENT && asked.get("response_type") === "code" && asked.get("code_challenge_method") === "S256";
    if (!fits) return "<!doctype html><title>Acme</title><h1>No such client</h1>";
    const way = (who: string, words: string) => {
      const to = new URLSearchParams(asked);
      to.set("who", who);
      return `<p><a href="/chosen?${to.toString().replaceAll("&", "&amp;")}">${words}</a></p>`;
    };
    const ways = this.people.map(({ sub, email }) => way(sub, `Go on as ${email}`)).join("");
    return `<!doctype html><html lang="en"><title>Acme</title><h1>Sign in at Acme</h1>${ways}${way("", "Don't sign in")}</html>`;
  }

  /** Where the browser is sent back to. */
  private chosen(asked: URLSearchParams): string {
    const back = new URL(asked.get("redirect_uri") ?? "");
    back.searchParams.set("state", asked.get("state") ?? "");
    const who = this.people.find(({ sub }) => sub === asked.get("who"));
    if (who === undefined) {
      back.searchParams.set("error", "access_denied");
      return back.href;
    }
    const code = randomUUID();
    this.codes.set(code, { nonce: asked.get("nonce") ?? "", challenge: asked.get("code_challenge") ?? "", back: asked.get("redirect_uri") ?? "", who });
    back.searchParams.set("code", code);
    return back.href;
  }

  /** The tokens for a code; null where anything is wrong. */
  private redeemed(authorization: string | undefined, body: URLSearchParams): object | null {
    const code = body.get("code") ?? "";
    const asked = this.codes.get(code);
    this.codes.delete(code);
    // As forms have them (RFC 6749, 2.3.1).
    const encoded = (text: string) => new URLSearchParams({ "": text }).toString().slice(1);
    const basic = Buffer.from(`${encoded(CLIENT)}:${encoded(SECRET)}`).toString("base64");
    const challenge = createHash("sha256").update(body.get("code_verifier") ?? "").digest("base64url");
    const fits = asked !== undefined && authorization === `Basic ${basic}` && challenge === asked.challenge && body.get("redirect_uri") === asked.back;
    if (!fits) return null;
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: this.issuer, aud: CLIENT, iat: now, exp: now + 300, auth_time: now, nonce: asked.nonce, ...asked.who };
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const signed = `${part({ alg: "RS256", kid: "own" })}.${part(claims)}`;
    const signature = createSign("RSA-SHA256").update(signed).sign(this.key.privateKey).toString("base64url");
    return { access_token: randomUUID(), token_type: "Bearer", expires_in: 300, id_token: `${signed}.${signature}` };
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  return body;
}
