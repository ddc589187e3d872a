import { parse as parseYaml } from "yaml";
import { parseToml } from "./toml_edit.ts";

/** Keys whose values are credentials, in the files of container runtimes and in headers of `hosts.toml`. */
const SECRET_KEY = /^auth|auth$|authorization|password|token|secret|cookie/i;

const MASK = "***";

/** `shown`, which is made of `texts` of the file at `path`, without the credentials in them. */
export function withoutSecrets(shown: string, path: string, texts: readonly string[]): string {
  const secrets = texts.flatMap((text) => secretsIn(valuesOf(path, text), false));
  const longestFirst = [...new Set(secrets)].sort((a, b) => b.length - a.length);
  return longestFirst.reduce((text, secret) => text.replaceAll(secret, MASK), shown)
    .replaceAll(/^([ +-][ \t]*#.*(?:auth|password|token|secret|cookie)\w*"?[ \t]*[=:]).*$/gim, `$1 ${MASK}`)
    .replaceAll(/(https?:\/\/)[^\s"'/@]+@/gi, `$1${MASK}@`);
}

/** What a file that was planned holds; its format goes by its name. */
function valuesOf(path: string, text: string): unknown {
  if (path.endsWith(".json")) return text.trim() === "" ? {} : JSON.parse(text.replace(/^\ufeff/, ""));
  if (path.endsWith(".yaml")) return parseYaml(text);
  return path.includes("/systemd/") ? {} : parseToml(text).values;
}

function secretsIn(value: unknown, isSecret: boolean): string[] {
  if (typeof value === "string") return isSecret && value !== "" ? [value] : [];
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((item) => secretsIn(item, isSecret));
  return Object.entries(value).flatMap(([key, inner]) => secretsIn(inner, isSecret || SECRET_KEY.test(key)));
}
