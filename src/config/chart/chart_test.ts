import { deepEqual, equal, match, ok } from "node:assert/strict";
import { parse } from "yaml";
import { SchedulerConfig } from "../scheduler.ts";
import { parseConfig } from "../load.ts";
import { generateChart } from "./generate.ts";
import { ChartValues } from "./values.ts";

const files = generateChart();
const CHART = "charts/damselfly";

/** The schema at a path of values, where `definitions` are followed. */
// deno-lint-ignore no-explicit-any -- a JSON schema; a test says by its assertions what it expects
function schemaAt(...path: readonly string[]): any {
  const root = JSON.parse(files.get(`${CHART}/values.schema.json`) ?? "");
  return path.reduce((schema, key) => {
    const found = schema.properties[key];
    return found.$ref === undefined ? found : root.definitions[found.$ref.split("/").at(-1)];
  }, root);
}

for (const [path, text] of files) {
  Deno.test(`${path} is what the schemas say`, () => {
    equal(Deno.readTextFileSync(new URL(`../../../${path}`, import.meta.url)), text);
  });
}

Deno.test("the values of the chart are what its schema has by default", () => {
  const values = parse(files.get(`${CHART}/values.yaml`) ?? "");
  const { manager, ...others } = ChartValues.parse(values);
  equal(manager.service.type, "ClusterIP");
  equal(others.client.dfinit.enable, false);
  deepEqual(values.manager.config, { console: true });
});

Deno.test("what is commented out in the values is a file that its component takes, when a person uncomments it", () => {
  const text = files.get(`${CHART}/values.yaml`) ?? "";
  const [, block = ""] = /^scheduler:\n[^]*?^ {2}config:\n([^]*?)^ {2}# Name of a Secret/m.exec(text) ?? [];
  const lines = block.split("\n").map((line) => line.replace(/^ {4}(# )?/, ""));
  const yaml = lines.filter((line) => !/^The keys of|# /.test(line)).join("\n");
  ok(yaml.includes("pprofPort: -1") && yaml.includes("backToSourceCount:"));
  deepEqual(parseConfig(SchedulerConfig, yaml, "values").warnings, []);
});

Deno.test("an unknown key is refused by name, in the chart and in the files of components", () => {
  for (const path of [[], ["manager"], ["client", "config"], ["client", "config", "proxy", "server"]]) {
    equal(schemaAt(...path).additionalProperties, false, path.join("."));
  }
});

Deno.test("other spellings of a key are values too, and keys of older charts that templates translate", () => {
  const peer = schemaAt("client", "config");
  ok(Object.hasOwn(peer.properties.gc.properties.policy.properties, "distHighThresholdPercent"));
  deepEqual(peer.properties.pprofPort.type, "integer");
  equal(peer.properties.manager.properties.addrs.type, "array");
  ok(!Object.hasOwn(schemaAt("scheduler", "config", "manager").properties, "addrs"));
  deepEqual(schemaAt("manager", "image").type, ["object", "null", "string"]);
  ok(Object.hasOwn(schemaAt().properties, "dfdaemon"));
});

Deno.test("amounts are checked before anything is rendered", () => {
  const { pattern } = schemaAt("client", "config", "gc", "interval");
  for (const good of ["15m", "1h30m", ""]) match(good, new RegExp(pattern));
  ok(!new RegExp(pattern).test("15"));
  deepEqual(schemaAt("scheduler", "containerPort"), {
    ...{ description: "Port of the scheduler.", type: ["integer", "null"], minimum: 0, maximum: 65535 },
  });
  deepEqual(schemaAt("manager", "service", "type").enum, ["ClusterIP", "NodePort", "LoadBalancer", "", null]);
});

Deno.test("labels and annotations are texts, which Kubernetes would refuse otherwise when it is too late", () => {
  for (const key of ["podAnnotations", "podLabels", "nodeSelector", "daemonsetAnnotations"]) {
    deepEqual(schemaAt("client", key).additionalProperties, { type: "string" }, key);
  }
});

Deno.test("values of older charts stand in no reference", () => {
  for (const name of ["values.yaml", "README.md"]) {
    const text = files.get(`${CHART}/${name}`) ?? "";
    for (const old of ["seedPeer:", "containerRuntime:", "`dfdaemon`", "`manager.tag`"]) {
      ok(!text.split("\n").some((line) => line.startsWith(old) || line.startsWith(`| ${old}`)), `${name} ${old}`);
    }
  }
});
