/** What docs/monitoring asks Prometheus for is what the components serve. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { parse } from "yaml";
import type { MetricShape } from "../src/cmd/compatibility/recording_metrics.ts";
import { RunningCluster } from "../src/cmd/compatibility/running_cluster.ts";
import { realMetrics } from "../src/runtime/metrics.ts";
import { parseMetrics } from "../src/runtime/metrics_text.ts";

const FOLDER = `${dirname(import.meta.dirname ?? "")}/docs/monitoring`;
const DASHBOARDS = ["fleet", "cluster", "peer"];
/** What Prometheus adds to all that it scrapes, by itself and as prometheus.yaml says. */
const TARGET_LABELS = ["job", "instance", "cluster"];
const WORDS = new Set(["and", "or", "unless"]);

interface Question {
  readonly where: string;
  readonly text: string;
}

interface Dashboard {
  readonly title: string;
  readonly templating: { readonly list: readonly { readonly query: string | { readonly query: string } }[] };
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}

async function questionsOfDashboards(): Promise<Question[]> {
  const questions: Question[] = [];
  for (const name of DASHBOARDS) {
    const { templating, panels } = JSON.parse(await readFile(`${FOLDER}/${name}.json`, "utf8")) as Dashboard;
    for (const { query } of templating.list) {
      const asked = /^label_values\((.*), (\w+)\)$/.exec(typeof query === "string" ? "" : query.query);
      if (asked !== null) {
        questions.push({ where: `${name}: a variable`, text: `count by (${asked[2]}) (${asked[1]})` });
      }
    }
    for (const { title, targets } of panels) {
      questions.push(...targets.map(({ expr }) => ({ where: `${name}: ${title}`, text: expr })));
    }
  }
  return questions;
}

async function questionsOfAlerts(): Promise<Question[]> {
  const { groups } = parse(await readFile(`${FOLDER}/alerts.yaml`, "utf8")) as {
    groups: { rules: { alert: string; expr: string }[] }[];
  };
  return groups.flatMap(({ rules }) => rules).map(({ alert, expr }) => ({ where: `alerts: ${alert}`, text: expr }));
}

/** The metrics that a query names, each with the labels that it is selected by; and labels that results are told apart by. */
function namesIn(text: string) {
  const groupedBy = [...text.matchAll(/\b(?:by|on|without) \(([^)]*)\)/g)].flatMap(([, list = ""]) =>
    list.split(/, ?/)
  );
  const rest = text.replaceAll(/\b(?:by|on|without) \([^)]*\)/g, " ").replaceAll(/\[[^\]]*\]/g, " ");
  const metrics = [...rest.matchAll(/\b([a-zA-Z_]\w*)(\{[^}]*\})?(\s*\()?/g)]
    .filter(([, name = "", , isCalled]) => isCalled === undefined && !WORDS.has(name))
    .map(([, name = "", selector = ""]) => ({
      name,
      labels: [...selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label = ""]) => label),
    }));
  return { groupedBy, metrics };
}

/** Metrics by name as Prometheus stores them, with their labels. */
async function servedSeries(): Promise<Map<string, readonly string[]>> {
  await using running = await RunningCluster.start(new AbortController().signal);
  const series = new Map<string, readonly string[]>([["up", []], ["damselfly_redis_up", ["place"]]]);
  for (const component of ["manager", "scheduler", "dfdaemon"]) {
    for (const [name, shape] of running.metricsOf(component)) {
      for (const each of storedAs(name, shape)) series.set(...each);
    }
  }
  const ofProcess = parseMetrics(await realMetrics({ processMetrics: true }).expose());
  for (const { name, labels } of ofProcess) series.set(name, Object.keys(labels));
  return series;
}

function storedAs(name: string, { kind, labelNames }: MetricShape): [string, readonly string[]][] {
  if (kind !== "histogram") return [[name, labelNames]];
  return [[`${name}_bucket`, [...labelNames, "le"]], [`${name}_sum`, labelNames], [`${name}_count`, labelNames]];
}

function faultsOf({ where, text }: Question, series: ReadonlyMap<string, readonly string[]>): string[] {
  const { groupedBy, metrics } = namesIn(text);
  const known = new Set([...TARGET_LABELS, ...metrics.flatMap(({ name }) => series.get(name) ?? [])]);
  return [
    ...metrics.filter(({ name }) => !series.has(name)).map(({ name }) => `${where}: nobody serves ${name}`),
    ...metrics.flatMap(({ name, labels }) =>
      labels.filter((label) => ![...TARGET_LABELS, ...series.get(name) ?? []].includes(label))
        .map((label) => `${where}: ${name} has no label ${label}`)
    ),
    ...groupedBy.filter((label) => !known.has(label)).map((label) => `${where}: no metric has the label ${label}`),
  ];
}

Deno.test("dashboards and alerts ask for metrics and labels that components serve", async () => {
  const series = await servedSeries();
  const questions = [...await questionsOfDashboards(), ...await questionsOfAlerts()];
  assert.ok(questions.length >= 60, `${questions.length} questions`);
  assert.deepEqual(questions.flatMap((question) => faultsOf(question, series)), []);
  for (const question of questions) assert.ok(namesIn(question.text).metrics.length > 0, question.where);
});

Deno.test("a query for what nobody serves is noticed", () => {
  const series = new Map([["pulls_total", ["type"]]]);
  const faults = (text: string) => faultsOf({ where: "q", text }, series);
  assert.deepEqual(faults('sum by (type) (rate(pulls_total{type=~"a|b", cluster="$cluster"}[5m])) > 1e6'), []);
  assert.deepEqual(faults("rate(pull_total[5m])"), ["q: nobody serves pull_total"]);
  assert.deepEqual(faults('pulls_total{kind="a"} / 2'), ["q: pulls_total has no label kind"]);
  assert.deepEqual(faults("sum by (kind) (pulls_total)"), ["q: no metric has the label kind"]);
});
