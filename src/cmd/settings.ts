import { DamselflyError } from "../core/error.ts";

/** Values by key path, which win over those of the file. */
export type Overrides = Readonly<Record<string, unknown>>;

/** Adds `key=value` to those before it. Throws `invalid_argument`. */
export function withSetting(text: string, before: Overrides = {}): Overrides {
  const [, key, value = ""] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined) {
    throw new DamselflyError("invalid_argument", `Cannot set "${text}": expected a key and a value, key=value`);
  }
  return { ...before, [key]: settingOf(value) };
}

/** A number, true or false where YAML would have one; an address with colons stays a text. */
function settingOf(value: string): unknown {
  if (value === "true" || value === "false") return value === "true";
  return /^-?\d+$/.test(value) ? Number(value) : value;
}
