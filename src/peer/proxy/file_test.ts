import assert from "node:assert/strict";
import { taskWishes } from "../mirror/task_wishes.ts";
import { fileContent } from "./file.ts";

Deno.test("the address that asks for a file goes with the request to its source, and to a task", () => {
  const request = new Request("http://files.example/f", { headers: { "if-none-match": '"1"', "x-mine": "1" } });
  const content = fileContent({
    ...{ request, wishes: taskWishes(request.headers), filteredQueryParams: undefined, remoteIp: "192.0.2.9" },
    ...{ disableBackToSource: false, deliver: undefined, signal: request.signal },
  });
  assert.deepEqual(content.source, { url: request.url, headers: { "x-mine": "1" }, remoteIp: "192.0.2.9" });
  assert.equal(content.task(undefined).source, content.source);
});
