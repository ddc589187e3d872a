/**
 * Generates `src/rpc/gen` from `proto/`: TypeScript types, their protobuf encoding, and the service definitions that
 * {@link service} and `createRpcClient` take. `deno task gen` runs it together with the other generators.
 */

const PROTO_DIRECTORY = "proto";
const OUTPUT_DIRECTORY = "src/rpc/gen";
const BUF = "npm:@bufbuild/buf@1.74.0/buf";
const TS_PROTO = "npm:ts-proto@2.18.0/protoc-gen-ts_proto";

/** What ts-proto shall write; the reasons stand beside the options that are not a matter of taste. */
const TS_PROTO_OPTIONS = [
  "outputServices=grpc-js",
  "outputClientImpl=false",
  "esModuleInterop=true",
  "env=node",
  "importSuffix=.ts",
  "exportCommonSymbols=false",
  "outputJsonMethods=false",
  "useExactTypes=false",
  "oneof=unions-value",
  "forceLong=number",
  "useDate=false", // a Date loses the nanoseconds of a Timestamp
  "unknownFields=true", // a scheduler forwards a Download, with the fields of a newer version
];

/** ts-proto's reader of 64-bit integers fails on large values, as an "unlimited" memory limit of a control group is. */
const LONG_TO_NUMBER = /function longToNumber\(int64: \{ toString\(\): string \}\): number \{[^]*?\n\}\n/;

/** Reads such a value as the nearest number that can be written again as a signed 64-bit integer. */
const SATURATING_LONG_TO_NUMBER = `function longToNumber(int64: { toString(): string }): number {
  const largest = 2 ** 63 - 1024;
  return globalThis.Math.min(globalThis.Number(int64.toString()), largest);
}
`;

/**
 * Generates every file of `src/rpc/gen`, as a map from its path in the repository to its text. Runs buf and ts-proto
 * from npm; fails when one of them does, with what it said.
 */
export async function generateRpc(): Promise<Map<string, string>> {
  const directory = await Deno.makeTempDir({ prefix: "damselfly_gen_" });
  try {
    await runBuf(directory);
    const files = new Map<string, string>();
    for (const path of await filesBelow(directory)) {
      const text = await Deno.readTextFile(`${directory}/${path}`);
      files.set(`${OUTPUT_DIRECTORY}/${path}`, withSaturatingIntegers(text, path));
    }
    return files;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function runBuf(outputDirectory: string): Promise<void> {
  const template = {
    version: "v2",
    inputs: [{ directory: PROTO_DIRECTORY }],
    plugins: [{
      local: [Deno.execPath(), "run", "-A", "--quiet", TS_PROTO],
      out: outputDirectory,
      strategy: "all",
      include_imports: true,
      include_wkt: true,
      opt: TS_PROTO_OPTIONS,
    }],
  };
  const buf = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", BUF, "generate", "--template", JSON.stringify(template)],
    stdout: "piped",
    stderr: "piped",
  });
  const { success, stdout, stderr } = await buf.output();
  if (success) return;
  const text = new TextDecoder();
  throw new Error(`Cannot generate ${OUTPUT_DIRECTORY}: buf failed\n${text.decode(stdout)}${text.decode(stderr)}`);
}

async function filesBelow(directory: string, prefix = ""): Promise<string[]> {
  const paths: string[] = [];
  for await (const entry of Deno.readDir(`${directory}/${prefix}`)) {
    const path = `${prefix}${entry.name}`;
    if (entry.isDirectory) paths.push(...await filesBelow(directory, `${path}/`));
    else paths.push(path);
  }
  return paths.sort();
}

function withSaturatingIntegers(text: string, path: string): string {
  if (!text.includes("longToNumber(")) return text;
  if (!LONG_TO_NUMBER.test(text)) {
    throw new Error(`Cannot generate ${path}: ts-proto reads integers in another way now`);
  }
  return text.replace(LONG_TO_NUMBER, SATURATING_LONG_TO_NUMBER);
}
