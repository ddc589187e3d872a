/**
 * `deno task bundle [--minify]`: makes one self-contained script per program, in dist/. They run without this checkout,
 * without npm and without a network for modules.
 */
const ENTRIES: Readonly<Record<string, string>> = {
  manager: "src/cmd/manager.ts",
  scheduler: "src/cmd/scheduler.ts",
  dfdaemon: "src/cmd/dfdaemon.ts",
  dfget: "src/cmd/dfget.ts",
  dfinit: "dfinit/main.ts",
  damselfly: "src/cmd/damselfly.ts",
};

async function bundle(name: string, entry: string, options: readonly string[]): Promise<boolean> {
  const output = `dist/${name}.js`;
  const command = new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", ...options, "--output", output, entry],
    stdin: "null",
  });
  const { success } = await command.output();
  if (!success) return false;
  const { size } = await Deno.stat(output);
  console.log(`${output}  ${(size / 1e6).toFixed(1)} MB`);
  return true;
}

if (import.meta.main) {
  const unknown = Deno.args.filter((arg) => arg !== "--minify");
  if (unknown.length > 0) {
    console.error(`bundle: unknown option ${unknown.join(" ")}; there is only --minify`);
    Deno.exit(2);
  }
  await Deno.mkdir("dist", { recursive: true });
  for (const [name, entry] of Object.entries(ENTRIES)) {
    if (!await bundle(name, entry, Deno.args)) {
      console.error(`bundle: cannot bundle ${entry}`);
      Deno.exit(1);
    }
  }
}
