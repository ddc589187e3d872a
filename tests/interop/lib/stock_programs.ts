/** Dragonfly's own programs: the folder that DRAGONFLY_BIN_DIR names has them, packed (`*.zst`) or not. */
import { resolve } from "node:path";
import { isPacked, programFile, unpacked } from "../../e2e/lib/packed.ts";
import { e2eTest, type Needs } from "../../e2e/lib/programs.ts";

/** Where to look. */
export const BIN_DIR_VARIABLE = "DRAGONFLY_BIN_DIR";

/** The programs, and the names of their files. */
const FILES = {
  manager: ["df-manager", "manager"],
  scheduler: ["df-scheduler", "scheduler"],
  dfdaemon: ["dfdaemon"],
  dfget: ["dfget"],
  dfcache: ["dfcache"],
} as const;

/** A program of Dragonfly. */
export type StockProgram = keyof typeof FILES;

const ALL = Object.keys(FILES) as StockProgram[];

/** Stock programs that can be started. */
export class StockPrograms {
  readonly #dir: string;
  readonly #unpackedDir: string;
  readonly #paths = new Map<StockProgram, Promise<string>>();

  /** `unpackedDir` gets what has to be unpacked, on its first use. */
  constructor(dir: string, unpackedDir: string) {
    this.#dir = dir;
    this.#unpackedDir = unpackedDir;
  }

  /** The path of a program that can be started. Throws when the folder does not have it. */
  path(program: StockProgram): Promise<string> {
    const known = this.#paths.get(program) ?? this.#prepare(program);
    this.#paths.set(program, known);
    return known;
  }

  async #prepare(program: StockProgram): Promise<string> {
    const file = fileOf(this.#dir, program);
    if (file === undefined) throw new Error(`Cannot find Dragonfly's ${program} in ${this.#dir}`);
    return await unpacked(file, this.#unpackedDir);
  }
}

/** The folder that DRAGONFLY_BIN_DIR names. Throws when it names none. */
export function stockDir(): string {
  const dir = Deno.env.get(BIN_DIR_VARIABLE);
  if (dir === undefined || dir === "") {
    throw new Error(`Cannot find Dragonfly's programs: ${BIN_DIR_VARIABLE} is not set`);
  }
  return resolve(dir);
}

/** What of Dragonfly's programs cannot be found, in words; empty when all are there. */
export function missingStock(dir: string | undefined, programs: readonly StockProgram[] = ALL): string[] {
  if (dir === undefined || dir === "") return [`Dragonfly's own programs: set ${BIN_DIR_VARIABLE} to their folder`];
  return programs.filter((program) => fileOf(dir, program) === undefined)
    .map((program) => `Dragonfly's ${program} in ${dir}`);
}

/** Registers a test that needs all of Dragonfly's programs; without them it is skipped, and with CI=true it fails. */
export function interopTest(title: string, needs: Needs, run: (t: Deno.TestContext) => Promise<void>): void {
  const dir = Deno.env.get(BIN_DIR_VARIABLE);
  const files = dir === undefined ? [] : ALL.map((program) => fileOf(dir, program));
  const needsZstd = files.some((file) => file !== undefined && isPacked(file));
  const programs = [...needs.programs, ...(needsZstd ? ["zstd"] : [])];
  e2eTest(title, { ...needs, programs, missing: [...needs.missing ?? [], ...missingStock(dir)] }, run);
}

function fileOf(dir: string, program: StockProgram): string | undefined {
  return programFile(dir, FILES[program]);
}
