import assert from "node:assert/strict";
import { generateDockerfiles } from "./dockerfile.ts";
import { IMAGES } from "./images.ts";

const FILES = generateDockerfiles("2.9.6");
const textOf = (name: string) => FILES.get(`docker/${name}.Dockerfile`) ?? "";

Deno.test("each image has a Dockerfile, which lays it out by the same task and runs the same program", () => {
  assert.equal(FILES.size, IMAGES.length);
  for (const { name, programs: [main] } of IMAGES) {
    assert.match(textOf(name), /^FROM denoland\/deno:2\.9\.6 AS build$/m);
    assert.match(textOf(name), new RegExp(`deno task images --image ${name} --folder /image$`, "m"));
    assert.match(textOf(name), new RegExp(`^ENTRYPOINT \\["/usr/bin/${main}"\\]$`, "m"));
  }
});

Deno.test("a Dockerfile has user, folders, ports and health of its image, and nothing where it has none", () => {
  assert.match(
    textOf("manager"),
    /--chown=65532:65532 \/image\/var\/lib\/dragonfly \/var\/lib\/dragonfly\nUSER 65532:65532\nEXPOSE 8080 /,
  );
  assert.match(
    textOf("manager"),
    /^ENV PATH=\S+ DENO_DIR=\/tmp\/deno DENO_NO_UPDATE_CHECK=1 MALLOC_TRIM_THRESHOLD_=65536$/m,
  );
  assert.match(textOf("client"), /^HEALTHCHECK .*\\\n {2}CMD \["\/usr\/bin\/dfdaemon","health"\]$/m);
  assert.doesNotMatch(textOf("client"), /USER|chown/);
  assert.doesNotMatch(textOf("dfinit"), /EXPOSE|HEALTHCHECK/);
});
