import assert from "node:assert/strict";
import { forwardedHeaders, returnedHeaders } from "./forwarded_headers.ts";

Deno.test("forwardedHeaders() keeps the requester's rights and wishes, and nothing of the connection or of ours", () => {
  const headers = {
    ...{ "Authorization": "Bearer x", "Accept": "a/b", "X-Meta-Source-Client": "app" },
    ...{ "Connection": "close", "Host": "mirror", "Range": "bytes=0-", "Accept-Encoding": "gzip", "TE": "trailers" },
    ...{ "X-Dragonfly-Registry": "https://r", "Proxy-Authorization": "Basic y", "Content-Length": "0" },
  };
  assert.deepEqual(forwardedHeaders(Object.entries(headers)), {
    ...{ "authorization": "Bearer x", "accept": "a/b", "x-meta-source-client": "app" },
  });
});

Deno.test("returnedHeaders() keeps a challenge and drops what belongs to the connection", () => {
  const headers = new Headers({ "www-authenticate": "Bearer", "connection": "close", "content-length": "3" });
  assert.deepEqual([...returnedHeaders(headers).keys()], ["content-length", "www-authenticate"]);
});

Deno.test("headers that Connection names end here, in both directions and in any case", () => {
  const headers = { "Connection": "close, X-Hop ,x-other", "X-HOP": "1", "x-other": "2", "X-Kept": "3" };
  assert.deepEqual(forwardedHeaders(Object.entries(headers)), { "x-kept": "3" });
  assert.deepEqual([...returnedHeaders(new Headers(headers))], [["x-kept", "3"]]);
});
