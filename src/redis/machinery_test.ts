import assert from "node:assert/strict";
import * as fc from "fast-check";
import { DamselflyError } from "../core/error.ts";
import { groupRow, parseSignature, parseTaskRow, type QueuedJob, queueOf, signatureOf, taskRow } from "./machinery.ts";

const JOB: QueuedJob = {
  ...{ name: "preheat", queue: "scheduler_1_host-a_10.0.0.1", createdAtMs: Date.UTC(2026, 0, 2, 3, 4, 5, 6) },
  ...{ groupUuid: "group_g", taskUuid: "task_t" },
};

Deno.test("a queue is named by cluster, host name and address of its scheduler", () => {
  assert.equal(queueOf({ clusterId: 1, hostname: "host-a", ip: "10.0.0.1" }), JOB.queue);
});

Deno.test("what is queued is a signature of Go's machinery library, field by field", () => {
  assert.deepEqual(JSON.parse(signatureOf(JOB, { urls: ["https://f.corp/a"] })), {
    UUID: "task_t",
    Name: "preheat",
    RoutingKey: "scheduler_1_host-a_10.0.0.1",
    ETA: null,
    GroupUUID: "group_g",
    GroupTaskCount: 1,
    Args: [{
      Name: "",
      Type: "string",
      Value: '{"urls":["https://f.corp/a"],"group_uuid":"group_g","task_uuid":"task_t"}',
    }],
    Headers: {},
    Priority: 0,
    Immutable: false,
    RetryCount: 0,
    RetryTimeout: 0,
    OnSuccess: null,
    OnError: null,
    ChordCallback: null,
    BrokerMessageGroupId: "",
    SQSReceiptHandle: "",
    StopTaskDeletionOnError: false,
    IgnoreWhenTaskNotRegistered: false,
  });
});

Deno.test("the rows of a group and of a task that nobody has taken are machinery's", () => {
  assert.deepEqual(JSON.parse(groupRow(JOB)), {
    GroupUUID: "group_g",
    TaskUUIDs: ["task_t"],
    ChordTriggered: false,
    Lock: false,
    CreatedAt: "2026-01-02T03:04:05.006Z",
    TTL: 0,
  });
  assert.deepEqual(JSON.parse(taskRow(JOB, { state: "PENDING" })), {
    TaskUUID: "task_t",
    TaskName: "preheat",
    State: "PENDING",
    Results: null,
    Error: "",
    CreatedAt: "2026-01-02T03:04:05.006Z",
    TTL: 0,
  });
  assert.deepEqual(parseTaskRow(taskRow(JOB, { state: "PENDING" })), { state: "PENDING" });
});

Deno.test("a row says how far a task is, its result, or why it failed", () => {
  const row = (fields: Record<string, unknown>) =>
    parseTaskRow(JSON.stringify({ Results: null, Error: "", ...fields }));
  for (const state of ["RECEIVED", "STARTED", "RETRY"]) assert.deepEqual(row({ State: state }), { state });
  assert.deepEqual(row({ State: "SUCCESS", Results: [{ Type: "string", Value: "{}" }] }), {
    state: "SUCCESS",
    result: "{}",
  });
  assert.deepEqual(row({ State: "FAILURE", Error: "no seed peer" }), { state: "FAILURE", error: "no seed peer" });
  assert.match(JSON.stringify(row({ State: "FAILURE" })), /does not say why/);
});

Deno.test("a row that no scheduler writes is refused, and none of it is quoted", () => {
  const texts = [
    "",
    "sesame",
    "[]",
    '{"State":"sesame"}',
    '{"State":"SUCCESS","Results":null}',
    '{"State":"SUCCESS","Results":[]}',
    '{"State":"SUCCESS","Results":[{"Type":"int","Value":7}]}',
    '{"State":"FAILURE","Error":7}',
    `{"State":"SUCCESS","Results":[{"Type":"string","Value":"${"x".repeat(64 * 1024 * 1024)}"}]}`,
  ];
  for (const text of texts) {
    assert.throws(() => parseTaskRow(text), (error: DamselflyError) => {
      assert.equal(error.code, "internal");
      return /Cannot read the state of the job/.test(error.message) && !error.message.includes("sesame");
    });
  }
});

Deno.test("whatever is in a row, it is read or refused as one", () => {
  const state = fc.constantFrom("PENDING", "STARTED", "SUCCESS", "FAILURE", "x", 1, null);
  const value = fc.record({
    State: state,
    Results: fc.option(fc.array(fc.record({ Type: fc.jsonValue(), Value: fc.jsonValue() }), { maxLength: 2 })),
    Error: fc.option(fc.jsonValue()),
  }, { requiredKeys: [] });
  fc.assert(fc.property(fc.oneof(value.map((row) => JSON.stringify(row)), fc.json(), fc.string()), (text) => {
    try {
      parseTaskRow(text);
    } catch (error) {
      assert(error instanceof DamselflyError && error.code === "internal");
    }
  }));
});

Deno.test("a row that one side writes is what the other one reads, and so is a job in a queue", () => {
  for (
    const row of [{ state: "STARTED" }, { state: "SUCCESS", result: "{}" }, { state: "FAILURE", error: "x" }] as const
  ) {
    assert.deepEqual(parseTaskRow(taskRow(JOB, row)), row);
  }
  const found = parseSignature(signatureOf(JOB, { a: 1 }));
  assert.deepEqual(found, {
    taskUuid: "task_t",
    name: "preheat",
    payload: '{"a":1,"group_uuid":"group_g","task_uuid":"task_t"}',
  });
  assert.equal(parseSignature('{"UUID":"task_t","Name":"sync_peers","Args":null}').payload, "{}");
  for (
    const text of ["x", "{}", '{"UUID":"","Name":"x"}', '{"UUID":"t","Name":"x","Args":[{"Type":"int","Value":7}]}']
  ) {
    assert.throws(() => parseSignature(text), { code: "internal", message: /^Cannot read a job in the queue/ });
  }
});
