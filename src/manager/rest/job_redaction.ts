import type { JsonObject } from "../store/records.ts";

/** What stands where a secret was. */
export const REDACTED = "******";

/** Keys and names of headers and query parameters whose values open something. */
const SECRET_NAME = /pass(word)?|secret|token|credential|private|authorization|cookie|api[-_]?key|signature|^sig$/i;
const DEPTH_MAX = 16;

/** A job's arguments or result without its secrets, for whoever may read jobs: passwords, credentials, signed URLs. */
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
      return [key, redact(child, depth - 1)];
    }),
  );
}

/** Text around a URL stays as it is; in the URL the user and the values of signing parameters go. */
function redactUrl(text: string): string {
  return text
    .replace(/(\w:\/\/)[^\s/?#@]*@/g, `$1${REDACTED}@`)
    .replace(/([?&])([^=&#\s]+)=([^&#\s]+)/g, (whole, mark: string, name: string) => {
      return SECRET_NAME.test(name) ? `${mark}${name}=${REDACTED}` : whole;
    });
}
