import * as z from "zod";
import { DamselflyError } from "../core/error.ts";
import { type Cidr, parseCidr } from "../core/ip.ts";
import {
  formatHostPort,
  type GrpcAddress,
  type HostPort,
  parseGrpcAddress,
  parseHostPort,
  parseHttpUrl,
  parseIp,
  parseListenAddress,
} from "./addresses.ts";
import { formatDuration, parseDuration } from "./durations.ts";
import { formatSize, parseSize } from "./sizes.ts";

/** What a schema says about a key besides its type; kept with zod's `.meta()`, merged from the inside out. */
export interface FieldMeta {
  /** What may be written: the type column of the reference and the "expected" of an error. */
  readonly type?: string;
  /** One sentence, set with `.describe()`. */
  readonly description?: string;
  /** Why the key has no effect. Present: a value other than the default is accepted with a warning. */
  readonly ignored?: string;
  /** The key of today; this one is understood in files of old, and stands in no reference. */
  readonly replacedBy?: string;
  /** Other spellings that are read as this key, with a warning. */
  readonly aliases?: readonly string[];
  /** How the parsed value is written in YAML, for the default column. */
  readonly print?: (value: never) => string;
}

/** The marks of `schema`, where those of a wrapper (a default, an optional) win over those of what it wraps. */
export function metaOf(schema: z.core.$ZodType): FieldMeta {
  const inner = wrappedBy(schema);
  return { ...(inner === undefined ? {} : metaOf(inner)), ...(z.globalRegistry.get(schema) as FieldMeta | undefined) };
}

/** The schema inside a default, prefault or optional; undefined when `schema` is none of them. */
export function wrappedBy(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  return def.type === "default" || def.type === "prefault" || def.type === "optional" ? def.innerType : undefined;
}

/** A value that is written as text and parsed to something else; `parse` throws `invalid_argument`. */
export function parsed<T>(type: string, parse: (text: string) => T, print: (value: T) => string = String) {
  return z.unknown().transform((value, context): T => {
    try {
      if (typeof value === "string") return parse(value);
      context.issues.push({ code: "invalid_type", expected: "string", input: value, message: `expected ${type}` });
    } catch (error) {
      if (!(error instanceof DamselflyError)) throw error;
      context.issues.push({ code: "custom", input: value, message: error.message });
    }
    return z.NEVER;
  }).meta({ type, print });
}

/** A duration such as `30s`; milliseconds in code. */
export const duration = () => parsed("duration", parseDuration, formatDuration);

/** The shortest time between two rounds of something that is done for ever. */
const INTERVAL_MS_MIN = 10;

/** The duration between two rounds of something: not 0, which would leave time for nothing else. */
export function interval() {
  const least = formatDuration(INTERVAL_MS_MIN);
  return parsed(`duration from ${least}`, (text) => {
    const ms = parseDuration(text);
    if (ms >= INTERVAL_MS_MIN) return ms;
    throw new DamselflyError("invalid_argument", `Cannot repeat something every "${text}": expected ${least} or more`);
  }, formatDuration);
}

/** A size such as `64MiB`, or a whole number of bytes; bytes in code. */
export function size() {
  const text = parsed("size", parseSize, formatSize);
  return z.preprocess((value) => Number.isInteger(value) ? String(value) : value, text).meta({
    type: "size",
    print: formatSize,
  });
}

/** An IPv4 or IPv6 address. */
export const ip = () => parsed("IP address", parseIp);

/** A block of addresses, or one of them. */
export const cidr = () => parsed<Cidr>("network such as 10.0.0.0/8", parseCidr, ({ text }) => text);

/** `host:port`. */
export const hostPort = () => parsed<HostPort>("host:port", parseHostPort, formatHostPort);

/** The address of a listener, `:8080` for all interfaces. */
export const listenAddress = () => parsed<HostPort>("host:port or :port", parseListenAddress, formatHostPort);

/** The address of a gRPC server, `http://host:port`, `https://host:port` or `host:port`. */
export const grpcAddress = () => parsed<GrpcAddress>("http://host:port", parseGrpcAddress, formatHostPort);

/** An `http://` or `https://` URL, without a slash at the end. */
export const httpUrl = () => parsed("URL", parseHttpUrl);

/** Any text; what it holds is said by `type`. */
export const text = (type = "text") => z.string().min(1).meta({ type });

/** The path of a file or directory. */
export const path = () => text("path");

/** `true` or `false`. */
export const flag = () => z.boolean().meta({ type: "true or false" });

/** A whole number within bounds, both included. */
export function int(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  const type = max === Number.MAX_SAFE_INTEGER ? `integer from ${min}` : `integer from ${min} to ${max}`;
  return z.int().min(min).max(max).meta({ type });
}

/** A part of a whole. */
export const ratio = () => z.number().min(0).max(1).meta({ type: "number from 0 to 1" });

/** A TCP port; 0 lets the system choose. */
export const port = () => int(0, 65535);

/** One of a few words. */
export function choice<const T extends readonly [string, ...string[]]>(...words: T) {
  return z.enum(words).meta({ type: words.join(" or ") });
}

/** A list of values, of a bounded length. */
export function list<T extends z.ZodType>(element: T, lengthMax = 1000) {
  return z.array(element).max(lengthMax).meta({
    type: `list of up to ${lengthMax}: ${metaOf(element).type ?? "table"}`,
  });
}

/** Names with text values, such as headers. */
export const textMap = () => z.record(z.string().min(1), z.string()).meta({ type: "map of text" });

/** A table of keys, each with a default or optional. */
export function table<S extends z.core.$ZodLooseShape>(shape: S, description: string) {
  return z.strictObject(shape).describe(description);
}

/** A {@link table} that may be left out as a whole, which is as good as one without a key. */
export function section<S extends z.core.$ZodLooseShape>(shape: S, description: string) {
  // Its keys all have defaults, which the type system cannot see for an open shape; a test parses {} with each schema.
  const empty = {} as z.core.util.NoUndefined<z.input<z.ZodObject<S, z.core.$strict>>>;
  return table(shape, description).prefault(empty).describe(description);
}
