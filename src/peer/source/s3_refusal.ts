import { DamselflyError } from "../../core/error.ts";
import { isSourceRefusal } from "./source_failure.ts";
import type { SourceAnswer } from "./source.ts";

/** Of what a storage says of itself in an error. */
const TEXT_CHARACTERS_MAX = 300;
const REGION = /^[a-z0-9-]{1,64}$/;

/** The same result; a refusal of the storage says in its own words why, and which region would be the right one. */
export async function explained<T>(result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    if (!isSourceRefusal(error)) throw error;
    const why = explanationOf(error.details);
    if (why === "") throw error;
    throw new DamselflyError("source_error", `${error.message}: ${why}`, {
      cause: error.cause,
      details: error.details,
    });
  }
}

/** What a refusal's body and headers say, in one line; empty when they say nothing. */
function explanationOf({ headers, body }: SourceAnswer): string {
  const xml = new TextDecoder().decode(body);
  const [code, message] = [textOf(xml, "Code"), textOf(xml, "Message")];
  const said = [code, message].filter((text) => text !== "").join(", ");
  const region = headers["x-amz-bucket-region"] ?? textOf(xml, "Region");
  const isOfRegion = REGION.test(region) && code !== "AccessDenied";
  return [said, ...isOfRegion ? [`the bucket is in region ${region}: set that one (--storage-region ${region})`] : []]
    .filter((text) => text !== "").join("; ");
}

/** The text of an element without elements of its own; control characters would be read by a terminal. */
function textOf(xml: string, name: string): string {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? "";
  // deno-lint-ignore no-control-regex -- see above
  return text.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ").trim().slice(0, TEXT_CHARACTERS_MAX);
}
