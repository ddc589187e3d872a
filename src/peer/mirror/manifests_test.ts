import assert from "node:assert/strict";
import { startHttpServer } from "../../http/serve.ts";
import { realNet } from "../../runtime/real_net.ts";
import { realClock } from "../../runtime/clock.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { Exchanger } from "../source/exchange.ts";
import { ContentEndpoint } from "./content.ts";
import { Manifests } from "./manifests.ts";
import { testDestinations } from "../../testing/destinations.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

/** Asks for a tag as the mirror does, of a registry that answers as it is told. */
function setup(answer: (request: Request) => Promise<Response> | Response) {
  const clock = realClock();
  const runtime = testRuntime({ clock });
  const seen: Request[] = [];
  const handler = (request: Request) => {
    seen.push(request);
    return answer(request);
  };
  const server = startHttpServer({
    ...{ listen: { hostname: "127.0.0.1", port: 0 }, handler, clock, net: realNet(), onError() {} },
  });
  const registry = new URL(`http://127.0.0.1:${server.port}`);
  const exchanger = new Exchanger({ ...runtime, destinations: testDestinations(() => true) });
  const granted: string[] = [];
  const contents = { grant: ({ url }: { url: string }) => void granted.push(url) } as unknown as ContentEndpoint;
  const manifests = new Manifests({ ...runtime, contents, exchanger, tagLeaseMs: 60_000 });
  return {
    seen,
    granted,
    runtime,
    ask: (init: RequestInit = {}, query = "") => {
      const url = new URL(`http://127.0.0.1:4001/v2/team/app/manifests/v1?ns=reg.example${query}`);
      const path = { kind: "manifest", repository: "team/app", reference: "v1" } as const;
      const signal = new AbortController().signal;
      return manifests.byTag({
        ...{ request: new Request(url, init), registry, repository: "team/app", remoteIp: "127.0.0.1", signal },
        ...{ wishes: {} as never, disableBackToSource: false, blobIdByDigest: true },
        asked: { registry, url, path, rule: undefined },
        info: { remote: { hostname: "127.0.0.1", port: 1 }, signal },
      });
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

Deno.test("a registry that is too busy is told of without the length of a body that nobody has", async () => {
  await using it = setup(() => {
    return new Response(null, { status: 429, headers: { "retry-after": "7", "content-length": "8" } });
  });
  const answer = await it.ask();
  assert.deepEqual([answer.status, answer.headers.get("retry-after")], [429, "7"]);
  assert.equal(answer.headers.get("content-length"), null);
});

Deno.test("what one requester asks besides, and is given for himself, is not for all who ask for the tag with him", async () => {
  await using it = setup(({ headers }) => {
    const answered = { "docker-content-digest": DIGEST, "set-cookie": "session=his" };
    return new Response(null, { status: headers.has("if-none-match") ? 304 : 200, headers: answered });
  });
  const own = { method: "HEAD", headers: { "if-none-match": `"${DIGEST}"`, "range": "bytes=0-1" } };
  const answers = await Promise.all([it.ask(own), it.ask({ method: "HEAD" })]);
  assert.equal(it.seen.length, 1);
  for (const { status, headers } of answers) {
    assert.equal(status, 200);
    assert.equal(headers.get("docker-content-digest"), DIGEST);
    assert.deepEqual(headers.getSetCookie(), []);
  }
});

Deno.test("who gets a tag by his query has proved nothing for those without it", async () => {
  await using it = setup(({ url }) => {
    const isHis = new URL(url).searchParams.get("key") === "secret";
    return new Response(null, isHis ? { headers: { "docker-content-digest": DIGEST } } : { status: 401 });
  });
  const answers = await Promise.all([it.ask({ method: "HEAD" }, "&key=secret"), it.ask({ method: "HEAD" })]);
  assert.deepEqual(answers.map(({ status }) => status), [200, 401]);
  assert.deepEqual(it.granted, []);
});

Deno.test("while a registry is in trouble its tags are one warning a minute, each counted, and told as a later one may be", async () => {
  let status = 200;
  await using it = setup(() => {
    const known = { "docker-content-digest": DIGEST, "content-length": "7", "etag": '"e"' };
    return new Response(null, { status, headers: status === 200 ? { ...known, "x-request-id": "1" } : {} });
  });
  const fresh = await it.ask({ method: "HEAD" });
  assert.deepEqual([fresh.status, fresh.headers.get("warning")], [200, null]);
  status = 503;
  for (let n = 0; n < 3; n++) {
    const { status, headers } = await it.ask({ method: "HEAD" });
    const told = ["docker-content-digest", "content-length", "etag", "x-request-id"].map((name) => headers.get(name));
    assert.deepEqual([status, ...told], [200, DIGEST, "7", '"e"', null]);
    assert.match(headers.get("warning") ?? "", /^110 /);
  }
  assert.equal(it.runtime.log.lines.filter(({ message }) => /as their registry said before/.test(message)).length, 1);
  const registry = new URL(it.seen[0]?.url ?? "").host;
  assert.equal(it.runtime.metrics.value("damselfly_client_stale_tag_total", { registry }), 3);
});

Deno.test("what a registry says of a tag at too great length is not remembered", async () => {
  let status = 200;
  await using it = setup(() => {
    return new Response(null, {
      status,
      headers: { "docker-content-digest": DIGEST, "etag": `"${"e".repeat(8_192)}"` },
    });
  });
  assert.equal((await it.ask({ method: "HEAD" })).status, 200);
  status = 503;
  assert.equal((await it.ask({ method: "HEAD" })).status, 503);
});
