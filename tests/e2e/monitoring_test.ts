/** What components serve to Prometheus, judged by Prometheus itself. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { reserveAddresses } from "./lib/addresses.ts";
import { type Place, REPOSITORY, startManager, startPeer, startScheduler } from "./lib/components.ts";
import { answers } from "./lib/http.ts";
import { startProcess } from "./lib/process.ts";
import { e2eTest, requireProgram, run } from "./lib/programs.ts";
import { Workspace } from "./lib/workspace.ts";

const NEEDS = { programs: ["prometheus", "promtool"] };
const FOLDER = join(REPOSITORY, "docs/monitoring");
const READY_TIMEOUT_MS = 60_000;

interface PrometheusYaml {
  readonly scrape_configs: readonly {
    readonly job_name: string;
    readonly static_configs: readonly { readonly labels?: unknown }[];
  }[];
}

interface QueryAnswer {
  readonly data: { readonly result: readonly { readonly metric: Readonly<Record<string, string>> }[] };
}

e2eTest(
  "the alerts are rules of Prometheus, and are raised by what they are for and by nothing else",
  NEEDS,
  async () => {
    const promtool = requireProgram("promtool");
    await run(promtool, ["check", "config", join(FOLDER, "prometheus.yaml")]);
    await run(promtool, ["test", "rules", "alerts_test.yaml"], { cwd: FOLDER });
  },
);

e2eTest(
  "Prometheus scrapes a cluster by our configuration, and promtool finds nothing wrong there",
  NEEDS,
  async () => {
    await using workspace = await Workspace.create();
    await using addresses = await reserveAddresses();
    const place = (name: string, index: number): Place => ({
      name,
      ip: addresses.ip(index),
      dir: join(workspace.dir, name),
    });
    const [managerAt, schedulerAt, peerAt] = [place("manager", 1), place("scheduler", 2), place("peer", 3)];
    await using manager = await startManager(managerAt);
    const metrics = { enable: true, addr: `${schedulerAt.ip}:8000` };
    await using _scheduler = await startScheduler(schedulerAt, manager.grpcUrl, 1, undefined, { metrics });
    await using _peer = await startPeer(peerAt, { managerUrl: manager.grpcUrl });
    const targets: Record<string, string> = {
      "damselfly-manager": `${managerAt.ip}:8080`,
      "damselfly-scheduler": `${schedulerAt.ip}:8000`,
      "damselfly-dfdaemon": `${peerAt.ip}:4002`,
    };
    for (const target of Object.values(targets)) {
      const file = join(workspace.dir, `${target}.txt`);
      await writeFile(file, await (await fetch(`http://${target}/metrics`)).text());
      const said = await run("sh", ["-c", `"$0" check metrics < "$1" 2>&1 || true`, requireProgram("promtool"), file]);
      assert.deepEqual(faultsOf(said), [], target);
    }

    const config = await prometheusConfig(workspace.dir, targets);
    const at = `${addresses.ip(4)}:9090`;
    await using prometheus = startProcess({
      ...{ name: "prometheus", command: requireProgram("prometheus"), logDir: workspace.dir },
      args: [
        ...[`--config.file=${config}`, `--storage.tsdb.path=${join(workspace.dir, "tsdb")}`],
        `--web.listen-address=${at}`,
      ],
    });
    await prometheus.ready("its API", READY_TIMEOUT_MS, (signal) => answers(`http://${at}/-/ready`, signal));
    const query = async (text: string, signal: AbortSignal) => {
      const answer = await fetch(`http://${at}/api/v1/query?query=${encodeURIComponent(text)}`, { signal });
      const { data } = await answer.json() as QueryAnswer;
      return data.result.map(({ metric }) => metric);
    };
    const up = await prometheus.ready("all targets", READY_TIMEOUT_MS, async (signal) => {
      const found = await query("up == 1", signal);
      return found.length === 3 ? found : undefined;
    });
    assert.deepEqual(up.map(({ job }) => job).sort(), Object.keys(targets).sort());
    const held = await query('dragonfly_scheduler_held{kind="hosts"}', new AbortController().signal);
    assert.deepEqual(held.map(({ cluster }) => cluster), ["cluster-1"]);
  },
);

/** Names in Dragonfly's words break conventions of Prometheus; those are not ours to choose. */
function faultsOf(said: string): string[] {
  return said.split("\n").filter((line) => line !== "" && !/^(dragonfly|grpc|manager|nodejs|process)_/.test(line));
}

/** Our configuration with other addresses. */
async function prometheusConfig(dir: string, targets: Readonly<Record<string, string>>): Promise<string> {
  const ours = parse(await readFile(join(FOLDER, "prometheus.yaml"), "utf8")) as PrometheusYaml;
  const scrapes = ours.scrape_configs.map((scrape) => ({
    ...scrape,
    static_configs: scrape.static_configs.map((each) => ({ ...each, targets: [targets[scrape.job_name]] })),
  }));
  const file = join(dir, "prometheus.yaml");
  const rules = { rule_files: [join(FOLDER, "alerts.yaml")], global: { scrape_interval: "1s" } };
  await writeFile(file, stringify({ ...ours, ...rules, scrape_configs: scrapes }));
  return file;
}
