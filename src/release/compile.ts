/** Native programs by `deno compile`: each is a runtime, a bundle, and the permissions that it has. */
import { open, rm } from "node:fs/promises";
import { DamselflyError, errorText } from "../core/error.ts";
import { bundleFlags } from "../install/unit.ts";
import type { ShippedProgram } from "./programs.ts";
import { runTool } from "./run_tool.ts";

/** The systems that programs are made for, and what Deno and the heads of their programs call them. */
export const PLATFORMS = {
  "linux-amd64": { triple: "x86_64-unknown-linux-gnu", elfMachine: 0x3e },
  "linux-arm64": { triple: "aarch64-unknown-linux-gnu", elfMachine: 0xb7 },
} as const;
export type Platform = keyof typeof PLATFORMS;
export const PLATFORM_NAMES = Object.keys(PLATFORMS) as Platform[];

/** The platform that this runs on; undefined where nothing is made for it. */
export function ownPlatform({ os, arch }: Pick<typeof Deno.build, "os" | "arch">): Platform | undefined {
  return PLATFORM_NAMES.find((name) => PLATFORMS[name].triple.startsWith(`${arch}-unknown-${os}`));
}

/**
 * The platform that images are for: the one that their Deno is for, and that must be what was asked for. Throws
 * `failed_precondition`.
 */
export function platformOfImages(asked: Platform | undefined, ofDeno: Platform | undefined): Platform {
  if (ofDeno !== undefined && (asked ?? ofDeno) === ofDeno) return ofDeno;
  const [has, wants] = [ofDeno ?? "another system", asked ?? PLATFORM_NAMES.join(" or ")];
  throw new DamselflyError(
    "failed_precondition",
    `Cannot make images for ${wants} with Deno for ${has}: name one for ${wants} with --deno`,
  );
}

/** What one program is compiled of. */
export interface Compilation {
  readonly program: ShippedProgram;
  readonly platform: Platform;
  /** What Deno lets it do: `--allow-net` and so on. */
  readonly permissions: readonly string[];
  /** The bundle. */
  readonly script: string;
  readonly output: string;
}

/** The arguments of `deno` that compile a program. */
export function compileArguments({ program, platform, permissions, script, output }: Compilation): string[] {
  const { triple } = PLATFORMS[platform];
  // What it does not hold it must not fetch: the flags that keep `deno run` from it do not last.
  const allowed = [...permissions, "--deny-import"];
  const flags = [...bundleFlags(program.name), ...allowed, "--target", triple, "--output", output];
  return ["compile", "--quiet", ...flags, script];
}

/**
 * Compiles a program. Throws `unavailable` when the runtime of compiled programs cannot be had, and `internal` with
 * what `deno compile` said when it fails otherwise.
 */
export async function compileProgram(compilation: Compilation, top: string): Promise<void> {
  try {
    await runTool(Deno.execPath(), compileArguments(compilation), top);
  } catch (error) {
    await rm(compilation.output, { force: true });
    if (!isWithoutRuntime(error)) throw error;
    const { triple } = PLATFORMS[compilation.platform];
    // What Deno says of it is a page about connections, and the only thing to know of it is in this sentence.
    throw new DamselflyError(
      "unavailable",
      `Cannot get denort, the runtime of compiled programs, for ${compilation.platform}: unpack ` +
        `denort-${triple}.zip of Deno ${Deno.version.deno}'s release and name its file in DENORT_BIN, or ship bundles ` +
        "(deno task release), which need no such runtime",
    );
  }
}

function isWithoutRuntime(error: unknown): boolean {
  return /\bdenort-|base binary/i.test(errorText(error));
}

/** Which platform a program file is for, by its ELF head. Throws `failed_precondition` when it is for none of ours. */
export async function platformOf(path: string): Promise<Platform> {
  const head = new Uint8Array(20);
  try {
    await using file = await open(path);
    await file.read(head, 0, head.length, 0);
  } catch (cause) {
    throw new DamselflyError("failed_precondition", `Cannot read ${path}: ${errorText(cause)}`, { cause });
  }
  const isElf = [0x7f, 0x45, 0x4c, 0x46].every((byte, at) => head[at] === byte);
  const machine = new DataView(head.buffer).getUint16(18, true);
  const platform = isElf ? PLATFORM_NAMES.find((name) => PLATFORMS[name].elfMachine === machine) : undefined;
  if (platform !== undefined) return platform;
  const known = PLATFORM_NAMES.join(" or ");
  throw new DamselflyError("failed_precondition", `Cannot use ${path}: it is no program for ${known}`);
}
