import { CROSS_ORIGIN } from "../../http/redirect.ts";
import type { JsonObject } from "../store/records.ts";

/** What stands where a secret was. */
export const REDACTED = "******";

/** Keys and names of query parameters whose values open something. */
const SECRET_NAME =
  /pass(word)?|secret|token|credential|private|auth|cookie|api[-_]?key|signature|hmac|^(key|sig|sign)$/i;
/** Whose values are sent as headers: registries and stores have more names for credentials there than anybody can list. */
const HEADERS = "headers";
const DEPTH_MAX = 16;

/** A job's arguments or result without its secrets, for whoever may read jobs: passwords, headers, signed URLs. */
export function withoutSecrets(json: JsonObject): JsonObject {
  return redact(json, DEPTH_MAX) as JsonObject;
}

/** A text without the secrets of URLs in it. */
export function textWithoutSecrets(text: string): string {
  return /:\/\//.test(text) ? redactUrl(text) : text;
}

function redact(value: unknown, depth: number): unknown {
  if (typeof value === "string") return textWithoutSecrets(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth === 0) return REDACTED;
  if (Array.isArray(value)) return value.map((item) => redact(item, depth - 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => {
      if (SECRET_NAME.test(key) && child !== null && child !== "") return [key, REDACTED];
      return [key, key === HEADERS && isObject(child) ? redactHeaders(child) : redact(child, depth - 1)];
    }),
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Headers with the values of those that any server may see. */
function redactHeaders(headers: object): JsonObject {
  const shown = Object.entries(headers).map(([name, value]) => {
    return [name, value === "" || CROSS_ORIGIN.has(name.toLowerCase()) ? value : REDACTED];
  });
  return Object.fromEntries(shown);
}

/** Text around a URL stays as it is; in the URL the user and the values of signing parameters go. */
function redactUrl(text: string): string {
  return text
    .replace(/(\w:\/\/)[^\s/?#@]*@/g, `$1${REDACTED}@`)
    .replace(/([?&])([^=&#\s]+)=([^&#\s]+)/g, (whole, mark: string, name: string) => {
      return SECRET_NAME.test(name) ? `${mark}${name}=${REDACTED}` : whole;
    });
}
