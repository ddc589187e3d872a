/** Swarms and pulls in the console: real components and a real pull, and swarms as large as a picture has to be. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { pullImage } from "../../src/oci/image_pull.ts";
import { parseImageReference } from "../../src/oci/image_reference.ts";
import { makeNoiseImage, type SampleImage } from "../../src/oci/sample_image.ts";
import { startSampleRegistry } from "../../src/oci/sample_registry.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { reserveAddresses } from "./lib/addresses.ts";
import { BROWSER_PROGRAM, openWindow, startBrowser, type Window } from "./lib/browser.ts";
import { type Peer, startManager, startPeer, startScheduler } from "./lib/components.ts";
import { startHandSwarm } from "./lib/hand_swarm.ts";
import { e2eTest } from "./lib/programs.ts";
import { story } from "./lib/story.ts";
import { waitFor } from "./lib/wait.ts";
import { Workspace } from "./lib/workspace.ts";

const PASSWORD = "pond and reed 7";
const MIB = 1024 * 1024;
const WIDTHS = [390, 1280];
const READY_TIMEOUT_MS = 60_000;
/** The registry takes so long for the layer that is to be found slow. */
const SLOW_MS = 2_500;
/** Peers that are shown one by one, and of which some are only counted. */
const SMALL = { id: "5a".repeat(32), peers: 8 };
const MIDDLE = { id: "3d".repeat(32), peers: 500 };
const LARGE = { id: "1a".repeat(32), peers: 620 };

e2eTest("the console shows who feeds whom, replays it, and explains a pull", {
  programs: [BROWSER_PROGRAM],
}, async (t) => {
  await using stack = new AsyncDisposableStack();
  const workspace = stack.use(await Workspace.create());
  const addresses = stack.use(await reserveAddresses());
  const image = makeNoiseImage([8 * MIB, 3 * MIB], "console");
  const slow = image.layers[0]?.digest ?? "";
  const registry = stack.use(startSampleRegistry({
    ...{ clock: realClock(), hostname: addresses.ip(1), images: [{ repository: "team/app", tag: "v1", image }] },
    faultOf: ({ path }) => path.endsWith(slow) ? { kind: "delay", ms: SLOW_MS } : undefined,
  }));
  const place = (name: string, host: number) => ({ name, ip: addresses.ip(host), dir: join(workspace.dir, name) });
  const manager = stack.use(await startManager(place("manager", 2)));
  const scheduler = stack.use(await startScheduler(place("scheduler", 3), manager.grpcUrl, 1));
  const upstreams = [{ namespace: registry.namespace, addr: `http://${registry.namespace}` }];
  const [seed, peer] = await Promise.all([
    startPeer(place("seed", 4), { managerUrl: manager.grpcUrl, upstreams, isSeed: true, idc: "fra" }),
    startPeer(place("node-7", 5), { managerUrl: manager.grpcUrl, upstreams, idc: "fra" }),
  ]);
  for (const one of [seed, peer]) stack.use(one);
  const known = async () => (await scheduler.hostIds()).length === 2 || undefined;
  await waitFor("both hosts at the scheduler", READY_TIMEOUT_MS, known);
  const hands = [SMALL, MIDDLE, LARGE].map(({ id, peers }) => startHandSwarm(`${addresses.ip(3)}:8002`, id, peers));
  for (const swarm of await Promise.all(hands)) stack.use(swarm);
  await pull(peer, registry.namespace);
  const browser = stack.use(await startBrowser(workspace.dir));
  const window = await openWindow(browser, manager.restUrl);
  const step = story(t, workspace);

  await step("tasks that move and tasks that stopped are listed, and lead to their swarms", () => list(window));
  await step("8 peers are drawn one by one, and told in a table; one of them is looked at", () => small(window));
  await step("500 peers are in one picture, and a larger swarm is shown by place", () => large(window));
  await step("a swarm that has stopped is replayed", () => replay(window, image));
  await step(
    "a pull is explained, with the slow part named, as dfctl says it",
    () => explain(window, registry.namespace),
  );
  for (const language of ["en", "zh"] as const) {
    for (const width of WIDTHS) {
      await step(
        `in ${language}, ${width} pixels wide, no page has a serious fault`,
        () => look(window, pages(registry.namespace), { language, width }),
      );
    }
  }
  await step("no script failed, and the page's policy refused nothing", () => {
    assert.deepEqual(window.complaints.lines, []);
    return Promise.resolve();
  });
});

async function pull({ mirrorUrl }: Peer, namespace: string): Promise<void> {
  const image = parseImageReference(`${namespace}/team/app:v1`);
  const platform = { os: "linux", architecture: "amd64" };
  const effects = { fetch, clock: realClock() };
  await pullImage({ image, endpoint: mirrorUrl, platform }, effects, new AbortController().signal);
}

async function list(window: Window): Promise<void> {
  await window.open("/swarms");
  for (const [field, text] of [["Account", "root"], ["Password", "dragonfly"]] as const) await window.fill(field, text);
  await window.click("button", "Sign in");
  await window.sees("Moves since");
  await window.sees(SMALL.id.slice(0, 12));
  await window.open("/profile");
  await window.fill("Old password", "dragonfly");
  await window.fill("New password", PASSWORD);
  await window.fill("Password again", PASSWORD);
  await window.click("button", "Change the password");
  await window.page.waitForFunction("!document.body.innerText.includes('everybody knows')");
  await window.open("/swarms");
  await window.click("link", SMALL.id.slice(0, 12));
  await window.sees("Who gets it from whom");
  await window.open("/swarms?state=stopped");
  await window.sees("team/app/blobs");
}

async function small(window: Window): Promise<void> {
  await window.open(`/swarms/1/${SMALL.id}`);
  await window.sees("eu|rack3");
  assert.equal(await count(window, ".swarm-peer"), SMALL.peers);
  await window.click("button", "5a5a-003");
  await window.sees("gets from");
  assert.ok(await count(window, '.swarm-edge[data-chosen="true"]') > 0);
}

async function large(window: Window): Promise<void> {
  await window.open(`/swarms/1/${MIDDLE.id}`);
  await window.sees("Who gets it from whom");
  assert.equal(await count(window, ".swarm-peer"), MIDDLE.peers);
  await window.open(`/swarms/1/${LARGE.id}`);
  await window.sees("Pieces from other places");
  assert.equal(await count(window, ".swarm-peer"), 12, "a circle for each place");
}

/** The layer that the peer pulled from the seed. */
async function replay(window: Window, { layers: [, layer] }: SampleImage): Promise<void> {
  const task = layer?.digest.replace("sha256:", "");
  await window.open(`/swarms/1/${task}`);
  await window.sees("Stopped at");
  assert.equal(await count(window, '.swarm-peer[data-stage="done"]'), 2);
  await window.page.focus('[role="slider"]');
  await window.page.keyboard.press("Home");
  assert.equal(await count(window, '.swarm-peer[data-stage="done"]'), 0, "at the beginning nobody had it");
  await window.click("button", "To the end");
  assert.equal(await count(window, '.swarm-peer[data-stage="done"]'), 2);
  await window.click("button", "Replay");
  await window.sees("Pause");
}

async function explain(window: Window, namespace: string): Promise<void> {
  await window.open("/pulls");
  await window.fill("Host", "node-7");
  await window.fill("Image or digest", `${namespace}/team/app:v1`);
  await window.click("button", "Explain");
  await window.sees("Slow part");
  const shown = String(await window.page.evaluate("document.querySelector('[role=status]').innerText"));
  // The seed was slow to begin, for the registry was: so the peer sees it.
  assert.match(shown, /^Content \d waited \d\.\d s/);
  await window.click("link", "Swarm of this content");
  await window.sees("Who gets it from whom");
}

async function count(window: Window, selector: string): Promise<number> {
  await window.page.waitForSelector(selector.replace(/\[.*$/, ""));
  return await window.page.evaluate(`document.querySelectorAll(${JSON.stringify(selector)}).length`) as number;
}

type PageOf = readonly [path: string, en: string, zh: string];

function pages(namespace: string): readonly PageOf[] {
  const image = encodeURIComponent(`${namespace}/team/app:v1`);
  return [
    ["/swarms", "Moves since", "开始时间"],
    [`/swarms/1/${SMALL.id}`, "Moves since", "开始时间"],
    [`/swarms/1/${MIDDLE.id}`, "Moves since", "开始时间"],
    [`/swarms/1/${LARGE.id}`, "Pieces from other places", "来自其他位置的分片"],
    ["/pulls?host=node-7", "The last pulls of node-7", "node-7 最近的拉取"],
    [`/pulls?host=node-7&name=${image}`, "Slow part", "慢的部分"],
  ];
}

/** Looks at every page as it is in a language and a width. */
async function look(
  window: Window,
  all: readonly PageOf[],
  { language, width }: { readonly language: "en" | "zh"; readonly width: number },
): Promise<void> {
  await window.page.setViewport({ width, height: 900 });
  await window.page.evaluate(`localStorage.setItem("damselfly-language", "${language}")`);
  const faults: string[] = [];
  for (const [at, [path, en, zh]] of all.entries()) {
    await window.open(path);
    await window.sees(language === "en" ? en : zh);
    await window.picture(`swarm-${at}-${language}-${width}`);
    faults.push(...(await window.faults()).map((fault) => `${path}: ${fault}`));
    const overflow = await window.page.evaluate("document.documentElement.scrollWidth - innerWidth") as number;
    if (overflow > 0) faults.push(`${path}: ${overflow} pixels are out of sight on the right`);
  }
  assert.deepEqual(faults, []);
}
