/** `deno task images`: makes container images, in dist/images/. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, Option } from "commander";
import { VERSION } from "../core/version.ts";
import { ownPlatform, type Platform, PLATFORM_NAMES, platformOf, platformOfImages } from "../release/compile.ts";
import { baseTree, programTree, treeBelow } from "../release/image_tree.ts";
import { IMAGES, type ShippedImage } from "../release/images.ts";
import { imageArchive, layerOf, referenceOf } from "../release/oci_archive.ts";
import { originOf } from "../release/origin.ts";
import { SHIPPED } from "../release/programs.ts";
import { runTool } from "../release/run_tool.ts";
import { debianPackage, type OtherPackage } from "../release/sbom.ts";
import { layOut, type TreeEntry } from "../release/tree.ts";
import { parseArguments, withCommonOptions } from "../runtime/command_line.ts";
import { EXIT, runProgram } from "../runtime/main.ts";
import { realTerminal } from "../runtime/terminal.ts";
import { denoPackage, documents, programParts } from "./shipped_parts.ts";

const TOP = fileURLToPath(new URL("../..", import.meta.url));
const FOLDER = "dist/images";

const HELP = `
What it writes to dist/images: NAME-VERSION-PLATFORM.tar for each image, an OCI layout that "ctr -n k8s.io images import",
"docker load", "podman load" and "skopeo copy oci-archive:FILE ..." take. What is below the programs comes from packages
of Debian, which are fetched (docker/root.sh); the same packages and commit give the same bytes.

Exit codes:
  0  done
  1  failed
  2  wrong use
`;

interface Flags {
  readonly image?: string;
  readonly platform?: Platform;
  readonly deno?: string;
  readonly folder?: string;
  readonly repository: string;
}

/** The command line of images. */
export function imagesCommand(): Command {
  return new Command("images")
    .description("Makes container images, without an engine or a registry.")
    .addOption(new Option("--image <name>", "only this one").choices(IMAGES.map(({ name }) => name)))
    .addOption(
      new Option("--platform <name>", "for this one (default: what their Deno is for)").choices(PLATFORM_NAMES),
    )
    .option("--deno <file>", "program file of their Deno, for another platform (default: the one that runs this)")
    .option("--repository <name>", "what is before the names of images, a registry too", "damselfly")
    .option("--folder <dir>", "lay the files of one image out here, and make no archive")
    .addHelpText("after", HELP);
}

async function images(args: readonly string[]): Promise<number> {
  const terminal = realTerminal();
  const command = withCommonOptions(imagesCommand(), terminal);
  const ended = parseArguments(command, args);
  if (ended !== undefined) return ended;
  const flags = command.opts<Flags>();
  if (flags.folder !== undefined && flags.image === undefined) {
    terminal.printError("images: --folder is for one image: name it with --image\n");
    return EXIT.usage;
  }
  const say = (line: string) => terminal.print(`${line}\n`);
  const wanted = IMAGES.filter(({ name }) => flags.image === undefined || name === flags.image);
  for (const image of wanted) referenceOf(image, flags.repository);
  const { platform, base, treeOf, origin } = await ingredients(wanted, flags, say);
  if (flags.folder !== undefined) {
    for (const image of wanted) await layOut([...base, ...treeOf(image)], flags.folder);
    return EXIT.done;
  }
  await mkdir(join(TOP, FOLDER), { recursive: true });
  const below = await layerOf(base, origin.time);
  for (const image of wanted) {
    const layers = [below, await layerOf(treeOf(image), origin.time)];
    const place = { architecture: platform.replace("linux-", ""), repository: flags.repository, origin };
    const file = join(FOLDER, `${image.name}-${VERSION}-${platform}.tar`);
    await writeFile(join(TOP, file), await imageArchive(image, layers, place));
    const size = layers.reduce((sum, { bytes }) => sum + bytes.length, 0);
    say(`${file}  ${(size / 1e6).toFixed(1)} MB compressed`);
  }
  return EXIT.done;
}

/** What images are made of. Throws `failed_precondition` when Deno is not for the platform. */
async function ingredients(wanted: readonly ShippedImage[], flags: Flags, say: (line: string) => void) {
  const ofDeno = flags.deno === undefined ? ownPlatform(Deno.build) : await platformOf(flags.deno);
  const platform = platformOfImages(flags.platform, ofDeno);
  const programsOf = (images: readonly ShippedImage[]) => {
    return SHIPPED.filter(({ name }) => images.some(({ programs }) => programs.includes(name)));
  };
  const made = await programParts(programsOf(wanted), say);
  const { system, packages } = await debianSystem(platform.replace("linux-", ""));
  const origin = await originOf(TOP, (name) => Deno.env.get(name));
  const parts = { ...made, documents: await documents(origin, [denoPackage(), ...packages]) };
  const treeOf = (image: ShippedImage): TreeEntry[] => programTree(image, programsOf([image]), parts);
  const deno = await readFile(flags.deno ?? Deno.execPath());
  return { platform, origin, treeOf, base: baseTree(system, deno) };
}

/** The part that comes from Debian. */
async function debianSystem(
  architecture: string,
): Promise<{ readonly system: readonly TreeEntry[]; readonly packages: readonly OtherPackage[] }> {
  const work = await mkdtemp(join(tmpdir(), "damselfly-images-"));
  try {
    const root = join(work, "root");
    await runTool("sh", [join(TOP, "docker/root.sh"), architecture, root], TOP);
    const lines = (await readFile(`${root}.packages`, "utf8")).trim().split("\n");
    return { system: await treeBelow(root), packages: lines.map(debianPackage) };
  } finally {
    await rm(work, { recursive: true });
  }
}

if (import.meta.main) await runProgram("images", () => images(Deno.args));
