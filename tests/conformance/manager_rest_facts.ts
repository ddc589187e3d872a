/** What a stock manager answers to the requests of scripts, Harbor and the console. */
import assert from "node:assert/strict";

/** One request, and what a stock manager 2.5.1 answered to it in the same order of requests. */
interface Fact {
  readonly request: readonly [method: string, path: string, body?: unknown];
  readonly as?: "root" | "token" | "guest" | "nobody";
  readonly status: number;
  /** The keys of the body, or of the rows of a list; a text is the body itself. */
  readonly body: readonly string[] | string;
}

const ROW = ["created_at", "id", "is_del", "updated_at"];
const CLUSTER = [
  ...["bio", "created_at", "id", "is_default", "name", "peer_cluster_config", "scheduler_cluster_config"],
  ...["scheduler_cluster_id", "scopes", "seed_peer_cluster_config", "seed_peer_cluster_id", "updated_at"],
];
const SCHEDULER = [
  ...[...ROW, "config", "features", "host_name", "idc", "ip", "last_keep_alive_at", "location", "port"],
  ...["scheduler_cluster", "scheduler_cluster_id", "state"],
];
const SEED_PEER = [
  ...[...ROW, "download_port", "host_name", "idc", "ip", "location", "object_storage_port", "port"],
  ...["seed_peer_cluster", "seed_peer_cluster_id", "state", "type"],
];
const PEER = [
  ...[...ROW, "build_platform", "download_port", "git_commit", "git_version", "host_name", "idc", "ip"],
  ...["kernel_version", "location", "object_storage_port", "os", "platform", "platform_family"],
  ...["platform_version", "port", "proxy_port", "scheduler_cluster", "scheduler_cluster_id", "state", "type"],
];
const APPLICATION = [...ROW, "bio", "name", "priority", "url", "user", "user_id"];
const CONFIG = [...ROW, "bio", "name", "user", "user_id", "value"];
const TOKEN = [...ROW, "bio", "expired_at", "name", "scopes", "state", "token", "user", "user_id"];
const USER = [...ROW, "avatar", "bio", "configs", "email", "location", "name", "phone", "state"];
const OAUTH = [...ROW, "bio", "client_id", "name", "redirect_url"];
const SCHEDULER_CLUSTER = [
  ...[...ROW, "bio", "client_config", "config", "is_default", "jobs", "name", "peers", "schedulers", "scopes"],
  ...["seed_client_config", "seed_peer_clusters"],
];
const SEED_PEER_CLUSTER = [...ROW, "bio", "config", "jobs", "name", "scheduler_clusters", "seed_peer"];

const HOST = { host_name: "h", ip: "10.0.0.1", port: 4000, download_port: 4001 };
const VISITOR = { name: "visitor", password: "my-own-pass", email: "v@example.com" };
const PASSWORDS = { old_password: "my-own-pass", new_password: "another-pass" };
const CONFIGS = { scheduler_cluster_config: {}, seed_peer_cluster_config: {}, peer_cluster_config: {} };
const V1 = "/api/v1";

const FACTS: readonly Fact[] = [
  { request: ["GET", "/healthy"], as: "nobody", status: 200, body: '"OK"' },
  { request: ["GET", `${V1}/clusters`], as: "nobody", status: 401, body: '{"message":"Unauthorized"}' },
  { request: ["GET", `${V1}/clusters`], status: 200, body: CLUSTER },
  { request: ["GET", `${V1}/clusters/99`], status: 404, body: ["message"] },
  { request: ["GET", `${V1}/clusters/x`], status: 422, body: ["errors"] },
  { request: ["POST", `${V1}/clusters`, { name: "b", ...CONFIGS }], status: 200, body: CLUSTER },
  { request: ["POST", `${V1}/clusters`, { name: "b", ...CONFIGS }], status: 409, body: ["message"] },
  { request: ["POST", `${V1}/clusters`, { name: "" }], status: 422, body: ["errors"] },
  { request: ["PATCH", `${V1}/clusters/2`, { bio: "new" }], status: 200, body: CLUSTER },
  { request: ["GET", `${V1}/scheduler-clusters/2`], status: 200, body: SCHEDULER_CLUSTER },
  { request: ["GET", `${V1}/seed-peer-clusters/1`], status: 200, body: SEED_PEER_CLUSTER },
  { request: ["POST", `${V1}/schedulers`, { ...HOST, scheduler_cluster_id: 1 }], status: 200, body: SCHEDULER },
  { request: ["GET", `${V1}/schedulers?state=inactive`], status: 200, body: SCHEDULER },
  { request: ["PATCH", `${V1}/schedulers/1`, { features: ["schedule"] }], status: 200, body: SCHEDULER },
  { request: ["GET", `${V1}/scheduler-features`], status: 200, body: '["schedule","preheat"]' },
  {
    request: ["POST", `${V1}/seed-peers`, { ...HOST, type: "super", seed_peer_cluster_id: 1 }],
    status: 200,
    body: SEED_PEER,
  },
  {
    request: ["POST", `${V1}/peers`, { ...HOST, type: "normal", proxy_port: 4002, scheduler_cluster_id: 1 }],
    ...{ status: 200, body: PEER },
  },
  { request: ["GET", `${V1}/peers`], status: 200, body: PEER },
  {
    request: ["POST", `${V1}/applications`, { name: "a", url: "https://a", user_id: 1, priority: { value: 3 } }],
    ...{ status: 200, body: APPLICATION },
  },
  { request: ["GET", `${V1}/configs`], status: 200, body: CONFIG },
  { request: ["GET", `${V1}/personal-access-tokens`], status: 200, body: TOKEN },
  { request: ["GET", "/oapi/v1/clusters/1"], as: "token", status: 200, body: CLUSTER },
  {
    ...{ request: ["GET", "/oapi/v1/jobs"], as: "token", status: 403 },
    body: `{"message":"Token doesn't have permission to access this resource. Required permission: job"}`,
  },
  { request: ["GET", "/oapi/v1/jobs"], as: "nobody", status: 401, body: '{"message":"Unauthorized"}' },
  { request: ["GET", `${V1}/jobs`], status: 200, body: "[]" },
  { request: ["POST", `${V1}/jobs`, { type: "nothing", args: {} }], status: 422, body: '{"errors":"Unknow type"}' },
  { request: ["GET", `${V1}/roles/none`], status: 200, body: "[]" },
  {
    request: ["POST", `${V1}/roles`, { role: "r", permissions: [{ object: "jobs", action: "read" }] }],
    ...{ status: 200, body: "" },
  },
  { request: ["POST", `${V1}/roles/r/permissions`, { object: "jobs", action: "read" }], status: 409, body: "" },
  { request: ["DELETE", `${V1}/roles/r/permissions`, { object: "jobs", action: "read" }], status: 200, body: "" },
  { request: ["POST", `${V1}/users/signup`, VISITOR], as: "nobody", status: 200, body: USER },
  { request: ["GET", `${V1}/users/2/roles`], status: 200, body: '["guest"]' },
  { request: ["PUT", `${V1}/users/2/roles/root`], status: 200, body: "" },
  { request: ["PUT", `${V1}/users/2/roles/root`], status: 409, body: "" },
  { request: ["DELETE", `${V1}/users/2/roles/root`], status: 200, body: "" },
  { request: ["DELETE", `${V1}/users/2/roles/root`], status: 404, body: "" },
  {
    request: ["POST", `${V1}/clusters`, { name: "z" }],
    as: "guest",
    status: 401,
    body: '{"message":"permission deny"}',
  },
  { request: ["GET", `${V1}/clusters/1`], as: "guest", status: 200, body: CLUSTER },
  { request: ["POST", `${V1}/users/refresh_token`], as: "guest", status: 200, body: ["expire", "token"] },
  { request: ["POST", `${V1}/users/2/reset_password`, PASSWORDS], as: "nobody", status: 200, body: "" },
  {
    request: ["POST", `${V1}/users/2/reset_password`, PASSWORDS],
    ...{ as: "nobody", status: 401, body: '{"message":"Unauthorized"}' },
  },
  {
    request: ["POST", `${V1}/oauth`, { name: "github", client_id: "i", client_secret: "s" }],
    status: 200,
    body: OAUTH,
  },
  { request: ["DELETE", `${V1}/oauth/1`], status: 200, body: "" },
  { request: ["GET", `${V1}/users/signin/github`], as: "nobody", status: 404, body: ["message"] },
  { request: ["GET", `${V1}/persistent-cache-tasks?scheduler_cluster_id=1`], status: 200, body: "[]" },
  { request: ["POST", `${V1}/users/signout`], status: 200, body: "" },
];

function seen(text: string): string[] | string {
  if (text === "") return text;
  const json = JSON.parse(text);
  const [row] = Array.isArray(json) ? json : [json];
  return typeof row === "object" && row !== null ? Object.keys(row).sort() : text;
}

/** Compares the answers of the manager whose REST API is at `url` with those of a stock one; its database is new. */
export async function checkRestFacts(url: string): Promise<void> {
  const ask = async (method: string, path: string, body?: unknown, token?: string) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const response = await fetch(`${url}${path}`, init);
    return { status: response.status, text: await response.text() };
  };
  const sessionOf = async (name: string, password: string) => {
    return JSON.parse((await ask("POST", `${V1}/users/signin`, { name, password })).text).token;
  };
  const root = await sessionOf("root", "dragonfly");
  const token = { name: "t", expired_at: "2030-01-01T00:00:00Z", user_id: 1, scopes: ["cluster"] };
  const made = JSON.parse((await ask("POST", `${V1}/personal-access-tokens`, token, root)).text);
  const tokens: Record<string, string | undefined> = { root, token: made.token };
  for (const { request: [method, path, body], as = "root", status, body: expected } of FACTS) {
    if (as === "guest") tokens["guest"] ??= await sessionOf(VISITOR.name, VISITOR.password);
    const answer = await ask(method, path, body, tokens[as]);
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
    if (typeof expected === "string") assert.equal(answer.text, expected, `${method} ${path}`);
    else assert.deepEqual(seen(answer.text), [...expected].sort(), `${method} ${path}`);
  }
}
