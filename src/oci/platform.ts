/** Which machines an image is for, and which of several images suits a machine (containerd's package platforms). */
import { DamselflyError } from "../core/error.ts";

/** The machine an image is for, such as `linux`, `amd64`. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** Such as `v7` of `arm`; left out, the usual one. */
  readonly variant?: string | undefined;
}

/** Other names of architectures, some of which say the variant too. */
const OTHER_NAMES: Readonly<Record<string, { readonly architecture: string; readonly variant?: string }>> = {
  i386: { architecture: "386" },
  x86_64: { architecture: "amd64" },
  "x86-64": { architecture: "amd64" },
  aarch64: { architecture: "arm64" },
  armhf: { architecture: "arm", variant: "v7" },
  armel: { architecture: "arm", variant: "v6" },
};
/** What a machine runs that says no variant. */
const USUAL_VARIANTS: Readonly<Record<string, string>> = { amd64: "v1", arm: "v7", arm64: "v8" };
/** Armv9.0 has all of Armv8.5, and so on. */
const ARM_V9_AHEAD_OF_V8 = 5;
/** Nobody counts further. */
const VERSION_MAX = 20;

/** Parses `os/architecture[/variant]`. Throws `invalid_argument`. */
export function parsePlatform(text: string): Platform {
  const [os = "", architecture = "", variant, ...rest] = text.split("/");
  if (os !== "" && architecture !== "" && variant !== "" && rest.length === 0) return { os, architecture, variant };
  throw new DamselflyError(
    "invalid_argument",
    `Cannot read platform "${text.slice(0, 100)}": expected os/architecture or os/architecture/variant`,
  );
}

/** `os/architecture[/variant]`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...variant === undefined || variant === "" ? [] : [variant]].join("/");
}

/**
 * How well an image for `offered` suits a machine: 0 is best, undefined not at all. A machine also runs what is made
 * for older variants of its own, and what is made for the 32-bit machines that it can be.
 */
export function platformRank(wanted: Platform, offered: Platform): number | undefined {
  if (normalOs(wanted.os) !== normalOs(offered.os)) return undefined;
  const made = normalKind(offered);
  const rank = runnable(normalKind(wanted)).findIndex((kind) => {
    return kind.architecture === made.architecture && kind.variant === made.variant;
  });
  return rank === -1 ? undefined : rank;
}

interface Kind {
  readonly architecture: string;
  readonly variant: string;
}

function normalOs(os: string): string {
  const lower = os.toLowerCase();
  return lower === "macos" ? "darwin" : lower;
}

function normalKind(platform: Platform): Kind {
  const name = platform.architecture.toLowerCase();
  const { architecture, variant: implied } = OTHER_NAMES[name] ?? { architecture: name };
  const said = platform.variant?.toLowerCase() || implied;
  const variant = said === undefined ? USUAL_VARIANTS[architecture] ?? "" : /^\d/.test(said) ? `v${said}` : said;
  return { architecture, variant: architecture === "arm64" ? variant.replace(/\.0$/, "") : variant };
}

/** What a machine runs, the best first. */
function runnable({ architecture, variant }: Kind): Kind[] {
  const of = (architecture: string, variants: readonly string[]) =>
    variants.map((variant) => ({ architecture, variant }));
  switch (architecture) {
    case "amd64":
      return [...of("amd64", downFrom(variant, 1)), { architecture: "386", variant: "" }];
    case "arm":
      return of("arm", downFrom(variant, 5));
    case "arm64":
      return [...of("arm64", armVersions(variant)), ...of("arm", downFrom("v8", 5))];
    default:
      return [{ architecture, variant }];
  }
}

/** `v7` and what is older, down to a first version; of a name that is no number only itself. */
function downFrom(variant: string, first: number): string[] {
  const newest = Number(/^v(\d+)$/.exec(variant)?.[1] ?? NaN);
  if (!(newest >= first && newest <= VERSION_MAX)) return [variant];
  return Array.from({ length: newest - first + 1 }, (_, n) => `v${newest - n}`);
}

/** `v9.1` and what is older of 64-bit Arm, where `v8` is `v8.0`. */
function armVersions(variant: string): string[] {
  const [, major = "", minorText = "0"] = /^v([89])(?:\.(\d+))?$/.exec(variant) ?? [];
  const minor = Number(minorText);
  if (major === "" || minor > VERSION_MAX) return [variant];
  const down = (major: string, minor: number) => {
    return Array.from({ length: minor + 1 }, (_, n) => n === minor ? `v${major}` : `v${major}.${minor - n}`);
  };
  return major === "8" ? down("8", minor) : [...down("9", minor), ...down("8", minor + ARM_V9_AHEAD_OF_V8)];
}
