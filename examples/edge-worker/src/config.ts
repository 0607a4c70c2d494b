// What the Worker is deployed with, checked before anything is answered.

import { type Signer, readSigner } from "./signing.js";

/** The bindings, as `wrangler.jsonc` names them. Nothing in them is believed before {@link readConfig}. */
export interface Env {
  readonly POLICIES: KVNamespace;
  readonly UPSTREAM: Fetcher;
  readonly RESOURCE: unknown;
  readonly ORIGIN: unknown;
  readonly AUTHORIZATION_SERVERS: unknown;
  readonly REFRESH_SECONDS: unknown;
  readonly MAX_STALE_SECONDS: unknown;
  readonly TOKEN_SECONDS: unknown;
  readonly SIGNING_KEY: unknown;
}

/** The settings, each of them sound. */
export interface Config {
  /** The audience of tokens, and the `resource` of the metadata. */
  readonly resource: string;
  /** Where clients reach the API: scheme and host, without a slash at the end. */
  readonly origin: string;
  readonly authorizationServers: readonly string[];
  readonly refreshSeconds: number;
  readonly maxStaleSeconds: number;
  readonly tokenSeconds: number;
  readonly signer: Signer;
}

/** Settings that are missing or unsound: their names and what they should be, never what they are. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** @throws {ConfigError} It names every setting that is wrong. */
export async function readConfig(env: Env): Promise<Config> {
  const wrong: string[] = [];
  const expect = <T>(name: keyof Env, value: T | undefined, what: string): T => {
    if (value === undefined) wrong.push(`${name} must be ${what}`);
    return value as T;
  };
  const seconds = (name: keyof Env, most: number) =>
    expect(name, wholeNumber(env[name], most), `a whole number of seconds from 1 to ${most}`);

  if (typeof env.POLICIES?.get !== "function") wrong.push("POLICIES must be a KV namespace");
  if (typeof env.UPSTREAM?.fetch !== "function") wrong.push("UPSTREAM must be a service");
  const config: Config = {
    resource: expect("RESOURCE", origin(env.RESOURCE), "an https origin without a slash at the end"),
    origin: expect("ORIGIN", origin(env.ORIGIN), "an https origin without a slash at the end"),
    authorizationServers: expect("AUTHORIZATION_SERVERS", issuers(env.AUTHORIZATION_SERVERS), "a list of https URLs"),
    refreshSeconds: seconds("REFRESH_SECONDS", 3_600),
    maxStaleSeconds: seconds("MAX_STALE_SECONDS", 86_400),
    tokenSeconds: seconds("TOKEN_SECONDS", 3_600),
    signer: expect("SIGNING_KEY", await readSigner(env.SIGNING_KEY), "a private JWK with `kid`, and `alg` EdDSA or ES256"),
  };
  if (config.maxStaleSeconds < config.refreshSeconds) wrong.push("MAX_STALE_SECONDS must be at least REFRESH_SECONDS");
  if (wrong.length > 0) throw new ConfigError(wrong.join("; "));
  return config;
}

function wholeNumber(value: unknown, most: number): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= most ? value : undefined;
}

/** Only a machine itself is reached without TLS. */
function url(value: unknown): URL | undefined {
  if (typeof value !== "string" || !URL.canParse(value)) return undefined;
  const parsed = new URL(value);
  const local = parsed.hostname === "localhost" || parsed.hostname === "127.0.0.1";
  return parsed.protocol === "https:" || (parsed.protocol === "http:" && local) ? parsed : undefined;
}

function origin(value: unknown): string | undefined {
  const parsed = url(value);
  return parsed !== undefined && parsed.origin === value ? parsed.origin : undefined;
}

function issuers(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  return value.every((issuer) => url(issuer) !== undefined) ? (value as string[]) : undefined;
}
