/** What the clusters of one test share: addresses, a registry, databases, the stock programs. */
import { join } from "node:path";
import { type AddressBlock, reserveAddresses } from "../../e2e/lib/addresses.ts";
import { type Registry, REGISTRY_PROGRAM, startRegistry } from "../../e2e/lib/registry.ts";
import { Workspace } from "../../e2e/lib/workspace.ts";
import { DATABASE_PROGRAMS, type Databases, startDatabases } from "./databases.ts";
import { evidenceOf } from "./evidence.ts";
import { type HoldingRegistry, startHoldingRegistry } from "./holding_registry.ts";
import { Images } from "./images.ts";
import { type FreeStep, freeSteps } from "./steps.ts";
import { interopTest, stockDir, StockPrograms } from "./stock_programs.ts";

const REGISTRY_HOST = 1;
const DATABASES_HOST = 2;
/** Hosts of a cluster: 10 to 49, 50 to 89 and so on. */
const FIRST_CLUSTER_HOST = 10;
const HOSTS_PER_CLUSTER = 40;

/** Shared by the clusters of a test; disposing it ends what it started. */
export class Lab implements AsyncDisposable {
  readonly workspace: Workspace;
  readonly addresses: AddressBlock;
  readonly stock: StockPrograms;
  /** The registry itself, whose log is the witness. */
  readonly registry: Registry;
  /** The way to it that peers are told, which can stand still. */
  readonly tap: HoldingRegistry;
  readonly images: Images;
  readonly #stack: AsyncDisposableStack;
  #databases: Promise<Databases> | undefined;
  #clusters = 0;

  private constructor(stack: AsyncDisposableStack, workspace: Workspace, addresses: AddressBlock, registry: Registry) {
    this.#stack = stack;
    this.workspace = workspace;
    this.addresses = addresses;
    this.registry = registry;
    this.tap = stack.use(startHoldingRegistry(addresses.ip(REGISTRY_HOST), registry.url));
    this.stock = new StockPrograms(stockDir(), join(workspace.dir, "stock"));
    this.images = new Images(registry, this.tap.namespace, (digest) => evidenceOf(digest, this));
  }

  static async open(): Promise<Lab> {
    await using stack = new AsyncDisposableStack();
    const workspace = stack.use(await Workspace.create());
    const addresses = stack.use(await reserveAddresses());
    const registry = stack.use(await startRegistry({ ip: addresses.ip(REGISTRY_HOST), dir: workspace.dir }));
    return new Lab(stack.move(), workspace, addresses, registry);
  }

  /** The database servers, started when the first stock manager needs them. */
  databases(): Promise<Databases> {
    return this.#databases ??= startDatabases(this.addresses.ip(DATABASES_HOST), join(this.workspace.dir, "databases"))
      .then((databases) => this.#stack.use(databases));
  }

  /** Number of the first address of the next cluster. */
  nextClusterHost(): number {
    return FIRST_CLUSTER_HOST + HOSTS_PER_CLUSTER * this.#clusters++;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }
}

/**
 * Registers a test in a lab of its own, which also needs `programs` of the machine. What fails leaves its files and
 * shows its logs.
 */
export function labTest(
  title: string,
  run: (lab: Lab, step: FreeStep) => Promise<void>,
  programs: readonly string[] = [],
): void {
  const needs = { programs: [...DATABASE_PROGRAMS, REGISTRY_PROGRAM, ...programs], root: true };
  interopTest(title, needs, async (t) => {
    await using lab = await Lab.open();
    try {
      await run(lab, freeSteps(t, lab.workspace));
    } catch (error) {
      await lab.workspace.keep();
      throw error;
    }
  });
}
