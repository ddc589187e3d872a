import assert from "node:assert/strict";
import { boundSeconds, type Burst, directBoundSeconds } from "./bound.ts";
import { figuresOf, medianOf } from "./figures.ts";
import type { BurstOutcome } from "./measure.ts";
import { missingHere, parseOptions } from "./options.ts";
import { bytesFrom, receivedSince } from "./received.ts";
import { figuresJson, figuresTable, nodesTable } from "./report.ts";
import { busyShare, parseTicks } from "./usage.ts";

const MB = 1e6;
/** 100 MB to 4 nodes at 10 MB/s. */
const BURST: Burst = {
  ...{ bytes: 100 * MB, nodes: 4, seeds: 1, down: 10 * MB, up: 10 * MB, registryUp: 20 * MB },
  ...{ isWarm: false, staggerSeconds: 0 },
};

/** Two nodes that pulled, one that failed and one that was killed. */
const OUTCOME: BurstOutcome = {
  pulls: new Map([
    ["peer-1", { firstByteMs: 100, ms: 12_500 }],
    ["peer-2", { firstByteMs: 400, ms: 20_000 }],
    ["peer-3", { failure: "no such blob" }],
    ["peer-4", { failure: "gone" }],
  ]),
  received: new Map([
    ["seed-1", new Map([["registry", 100 * MB], ["peer-1", 3 * MB]])],
    ["peer-1", new Map([["seed-1", 79.5 * MB], ["peer-2", 20 * MB]])],
    ["peer-2", new Map([["seed-1", 70 * MB], ["peer-1", 30 * MB], ["seed-2", MB / 2]])],
  ]),
  usage: new Map([
    ["manager", { cpuSeconds: 0.5, peakRssMib: 900 }],
    ["seed-1", { cpuSeconds: 2, peakRssMib: 150 }],
    ["peer-1", { cpuSeconds: 1, peakRssMib: 170 }],
  ]),
  ...{ busySeconds: 5, seconds: 20 },
};

Deno.test("no swarm is faster than a node's own link", () => {
  assert.equal(boundSeconds(BURST, 0), 10);
  assert.equal(boundSeconds({ ...BURST, down: 5 * MB }, 0), 20);
});

Deno.test("a slow registry bounds the nodes, those less that begin later", () => {
  const slow = { ...BURST, registryUp: 2 * MB, staggerSeconds: 10 };
  assert.deepEqual([0, 1, 3, 5].map((node) => boundSeconds(slow, node)), [50, 40, 20, 10]);
});

Deno.test("seeds that have the image bound the nodes in the place of the registry", () => {
  const warm = { ...BURST, isWarm: true, registryUp: MB, up: 5 * MB };
  assert.equal(boundSeconds({ ...warm, nodes: 1 }, 0), 20);
  assert.equal(boundSeconds({ ...warm, nodes: 1, seeds: 2 }, 0), 10);
});

Deno.test("what all get at once somebody has sent", () => {
  const upload = { ...BURST, up: MB, registryUp: 15 * MB };
  assert.equal(boundSeconds(upload, 0), 20);
  assert.equal(boundSeconds({ ...upload, staggerSeconds: 1 }, 0), 10);
});

Deno.test("without peers the registry sends everything to everybody", () => {
  assert.equal(directBoundSeconds(BURST), 20);
  assert.equal(directBoundSeconds({ ...BURST, nodes: 1 }), 10);
  assert.equal(directBoundSeconds({ ...BURST, staggerSeconds: 9 }), 10);
});

Deno.test("the figures are those of the nodes that were not killed", () => {
  const figures = figuresOf("ours", BURST, OUTCOME, { bytes: 110 * MB, requests: 7 }, new Set(["peer-4"]));
  assert.deepEqual(figures, {
    ...{ kind: "ours", nodes: 4, mbit: 80, first_byte_ms: 400, p50_s: 20, last_s: 20, bound_s: 10, efficiency: 0.5 },
    ...{ seed_copies: 1.5, origin_copies: 1.1, origin_requests: 7, cpu_s: 3.5, peak_rss_mib: 170, cpu_bound: 0.25 },
    failed: 1,
  });
  const direct = figuresOf("direct", BURST, OUTCOME, { bytes: 400 * MB, requests: 12 }, new Set());
  assert.deepEqual([direct.bound_s, direct.efficiency, direct.failed], [20, 1, 2]);
});

Deno.test("the efficiency is that of the node which came farthest from its own bound", () => {
  const slow = { ...BURST, registryUp: 2 * MB, staggerSeconds: 10 };
  const pulls = new Map([["peer-1", { firstByteMs: 1, ms: 55_000 }], ["peer-2", { firstByteMs: 1, ms: 50_000 }]]);
  const { bound_s, efficiency, last_s } = figuresOf(
    "ours",
    slow,
    { ...OUTCOME, pulls },
    { bytes: 0, requests: 0 },
    new Set(),
  );
  assert.deepEqual([bound_s, efficiency, last_s], [40, 0.8, 55]);
});

Deno.test("of several rounds each figure is the median", () => {
  const figures = figuresOf("ours", BURST, OUTCOME, { bytes: 110 * MB, requests: 7 }, new Set());
  const rounds = [3, 1, 2].map((last_s) => ({ ...figures, last_s, seed_copies: last_s * 2 }));
  assert.deepEqual(medianOf(rounds), { ...figures, last_s: 2, seed_copies: 4 });
  assert.throws(() => medianOf([]), /no rounds/);
});

Deno.test("the object has the figures of ours, and the others below their names", () => {
  const ours = figuresOf("ours", BURST, OUTCOME, { bytes: 0, requests: 0 }, new Set());
  const [stock, direct] = [{ ...ours, kind: "stock" as const, last_s: 9 }, { ...ours, kind: "direct" as const }];
  assert.deepEqual(JSON.parse(figuresJson([direct, ours, stock])), { ...ours, direct, stock });
  assert.deepEqual(JSON.parse(figuresJson([direct, stock])), { ...stock, direct });
});

Deno.test("the tables tell who fed whom, and leave out trifles", () => {
  const nodes = nodesTable(OUTCOME).split("\n").map((line) => line.split("|").map((cell) => cell.trim()).slice(1, -1));
  assert.deepEqual(nodes.find(([name]) => name === "peer-2"), ["peer-2", "20.0", "", "", "seed-1 70, peer-1 30"]);
  assert.deepEqual(nodes.find(([name]) => name === "peer-3"), ["peer-3", "failed", "", "", ""]);
  assert.deepEqual(nodes.find(([name]) => name === "seed-1"), ["seed-1", "", "2.0", "150", "registry 100, peer-1 3"]);
  const figures = figuresOf("ours", BURST, OUTCOME, { bytes: 110 * MB, requests: 7 }, new Set(["peer-4"]));
  assert.match(
    figuresTable([figures]),
    /\| ours +\| 4, 80 +\| 400 .*\| 20\.0 +\| 10\.0 +\| 0\.50 .*\| 1\.100 .*\| 25 % +\| 1 /,
  );
});

Deno.test("bytes are counted by the rules of a namespace, from one look to the next", () => {
  const saved =
    "*filter\n:INPUT ACCEPT [9:999]\n[3:1500] -A INPUT -s 198.18.0.7/32\n[0:0] -A INPUT -s 198.18.0.8/32\nCOMMIT\n";
  const received = bytesFrom(saved);
  assert.deepEqual([...received], [["198.18.0.7", 1500], ["198.18.0.8", 0]]);
  assert.deepEqual([...receivedSince(new Map([["a", 2]]), new Map([["a", 5], ["b", 7]]))], [["a", 3], ["b", 7]]);
});

Deno.test("what runs with a low priority leaves the processors to who is measured", () => {
  const before = parseTicks("cpu  100 50 100 1000 20 5 5 0 0 0\ncpu0 1 2 3\n");
  assert.deepEqual(before, { busy: 210, all: 1280 });
  assert.equal(busyShare(before, parseTicks("cpu  130 80 110 1030 20 5 5 0 0 0\n")), 0.4);
  assert.equal(busyShare(before, before), 0);
});

Deno.test("a command line says what is measured", () => {
  const options = parseOptions([]);
  assert.deepEqual(options.contenders, ["direct", "ours"]);
  assert.deepEqual([options.nodes, options.seeds, options.upMbit, options.registryMbit], [4, 1, 200, 400]);
  assert.equal(options.layerBytes.reduce((all, bytes) => all + bytes, 0), 269 * MB);
  const words =
    "--nodes 8 --seeds 2 --rate 100 --up 50 --registry-rate 10 --image 1,2.5 --warm --stagger 3 --no-direct";
  const other = parseOptions([...words.split(" "), "--kind", "both", "--kill", "seed-2@5", "--kill", "scheduler@0.5"]);
  assert.deepEqual(other, {
    ...{ contenders: ["ours", "stock"], nodes: 8, seeds: 2, layerBytes: [MB, 2.5 * MB] },
    ...{ downMbit: 100, upMbit: 50, registryMbit: 10, isWarm: true, staggerSeconds: 3, rounds: 1 },
    kills: [{ name: "seed-2", atSeconds: 5 }, { name: "scheduler", atSeconds: 0.5 }],
    ...{ checkout: undefined, isJson: false },
  });
});

Deno.test("what a command line cannot mean is refused with the option", () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ["--nodes 0", /--nodes 0/],
    ["--nodes 201", /--nodes 201: it takes numbers from 1 to 200/],
    ["--image 10,,3", /--image/],
    ["--rate fast", /--rate fast/],
    ["--kind theirs", /--kind theirs/],
    ["--kill seed-2@3", /there is no seed-2/],
    ["--kill peer-5@3", /there is no peer-5/],
    ["--kill peer-0@3", /there is no peer-0/],
    ["--kill registry@3", /there is no registry/],
    ["--kill seed-1", /--kill/],
    ["--warm --seeds 0", /--warm without seeds/],
    ["--fast", /--fast/],
  ];
  for (const [words, why] of refused) assert.throws(() => parseOptions(words.split(" ")), why, words);
});

Deno.test("what the machine lacks is named", () => {
  const options = parseOptions(["--kind", "stock"]);
  const machine = { os: "linux", uid: 0, stockDir: undefined };
  const hasAll = () => true;
  assert.match(missingHere(options, machine, hasAll).join(), /DRAGONFLY_BIN_DIR/);
  assert.deepEqual(missingHere(parseOptions([]), machine, hasAll), []);
  assert.deepEqual(missingHere(parseOptions([]), { ...machine, uid: 1 }, (name) => name !== "tc"), [
    "root, for network namespaces",
    "the program tc",
  ]);
  assert.deepEqual(missingHere(parseOptions([]), { ...machine, os: "darwin" }, hasAll), [
    "Linux, for network namespaces",
  ]);
});
