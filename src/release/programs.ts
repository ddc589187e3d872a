/** A program that is shipped. */
export interface ShippedProgram {
  readonly name: string;
  /** Its main, from the top of the checkout. */
  readonly entry: string;
  /** The permission set of deno.json that it runs under; what runs all programs may do whatever its user may. */
  readonly permissions: string | "all";
  /** Whether it runs a manager, and so holds its console. */
  readonly hasConsole?: true;
  /** Whether releases have it as a command of its own. */
  readonly isCommand: boolean;
}

/** All programs that are shipped. */
export const SHIPPED: readonly ShippedProgram[] = [
  { name: "damselfly", entry: "src/cmd/damselfly.ts", permissions: "all", hasConsole: true, isCommand: true },
  { name: "manager", entry: "src/cmd/manager.ts", permissions: "manager", hasConsole: true, isCommand: true },
  ...["scheduler", "dfdaemon", "dfget", "dfcache", "dfctl"].map((name) => {
    return { name, entry: `src/cmd/${name}.ts`, permissions: name, isCommand: true };
  }),
  { name: "dfinit", entry: "dfinit/main.ts", permissions: "dfinit", isCommand: true },
  // Its name says too little among all the commands of a host; there it is `damselfly doctor`.
  { name: "doctor", entry: "src/cmd/doctor.ts", permissions: "doctor", isCommand: false },
];

/** Those that releases have as commands. */
export const COMMANDS: readonly ShippedProgram[] = SHIPPED.filter(({ isCommand }) => isCommand);
