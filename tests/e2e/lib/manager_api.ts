/** The manager's REST API, as an administrator's script uses it (manager-rest.md §1). */

const FIRST_PASSWORD = "dragonfly";

/** A session of the user root. */
export interface ManagerSession {
  /** Sends a request below the REST API's address, and gives the JSON of the answer, if there is any; all but a 200 throw. */
  // deno-lint-ignore no-explicit-any -- a test says by its assertions what it expects
  send(method: string, path: string, body?: unknown): Promise<any>;
  /** Names of the clusters. */
  clusters(): Promise<string[]>;
  /** Creates a cluster for the hosts of its scopes; returns its id, which is the one its schedulers are given. */
  createCluster(name: string, scopes: ClusterScopes): Promise<number>;
  /** Changes what `patch` holds of a cluster (manager-rest.md §1.2). */
  changeCluster(id: number, patch: Readonly<Record<string, unknown>>): Promise<void>;
}

/** What hosts a cluster is for (manager-rest.md §1.2). */
export interface ClusterScopes {
  readonly idc?: string;
  readonly location?: string;
  readonly cidrs?: readonly string[];
  readonly hostnames?: readonly string[];
}

/** Signs in as root, with the first start's password unless there is another. */
export async function signIn(restUrl: string, password = FIRST_PASSWORD): Promise<ManagerSession> {
  const root = { name: "root", password };
  const { token } = await managerRequest(`${restUrl}/api/v1/users/signin`, "POST", undefined, root) as {
    token: string;
  };
  const clusters = `${restUrl}/api/v1/clusters`;
  return {
    send: (method, path, body) => managerRequest(`${restUrl}${path}`, method, token, body),
    async clusters() {
      return (await managerRequest(clusters, "GET", token) as { name: string }[]).map(({ name }) => name);
    },
    async createCluster(name, scopes) {
      const created = await managerRequest(clusters, "POST", token, {
        name,
        scopes,
        scheduler_cluster_config: { candidate_parent_limit: 4, filter_parent_limit: 40, job_rate_limit: 10 },
        seed_peer_cluster_config: { load_limit: 300 },
        peer_cluster_config: { load_limit: 50 },
        is_default: false,
      });
      return (created as { id: number }).id;
    },
    async changeCluster(id, patch) {
      await managerRequest(`${clusters}/${id}`, "PATCH", token, patch);
    },
  };
}

/** Sends a request with a session or a token, as {@link ManagerSession.send} does. */
async function managerRequest(
  url: string,
  method: string,
  token: string | undefined,
  body?: unknown,
): Promise<unknown> {
  const answer = await fetch(url, {
    method,
    headers: {
      "content-type": "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`Cannot ${method} ${url}: HTTP ${answer.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}
