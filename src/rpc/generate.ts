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
  "env=both",
  "importSuffix=.ts",
  "exportCommonSymbols=false",
  "outputJsonMethods=false",
  "useExactTypes=false",
  "oneof=unions-value",
  "forceLong=number",
  "useDate=false", // a Date loses the nanoseconds of a Timestamp
  "unknownFields=true", // a scheduler forwards a Download, with the fields of a newer version
];

/** A change to what ts-proto writes. */
interface Patch {
  readonly find: RegExp;
  readonly replacement: string;
}

/**
 * Reads a 64-bit integer that no number can hold as the nearest one that can be written again. ts-proto fails
 * instead, and the "unlimited" memory of a control group is such a value.
 */
const SATURATE_INTEGERS: Patch = {
  find: /(function longToNumber\(int64: \{ toString\(\): string \}\): number \{\n)[^]*?\n\}\n/g,
  replacement: `$1  return globalThis.Math.min(globalThis.Number(int64.toString()), 2 ** 63 - 1024);\n}\n`,
};

/** Makes the object of the unknown fields when there are any, not with each message. */
const LAZY_UNKNOWN_FIELDS: readonly Patch[] = [
  { find: /,?\s_unknownFields: \{\},?/g, replacement: "" },
  { find: /message\._unknownFields!\[tag\] = /g, replacement: "(message._unknownFields ??= {})[tag] = " },
  { find: /message\._unknownFields!\[tag\]/g, replacement: "message._unknownFields?.[tag]" },
];

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
      files.set(`${OUTPUT_DIRECTORY}/${path}`, patched(text, path));
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

function patched(text: string, path: string): string {
  const patches = [
    ...(text.includes("_unknownFields") ? LAZY_UNKNOWN_FIELDS : []),
    ...(text.includes("longToNumber(") ? [SATURATE_INTEGERS] : []),
  ];
  return patches.reduce((result, { find, replacement }) => {
    const next = result.replace(find, replacement);
    if (next === result) throw new Error(`Cannot generate ${path}: ts-proto no longer writes ${find}`);
    return next;
  }, text);
}
