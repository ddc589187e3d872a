import { DamselflyError } from "../../core/error.ts";
import { type ExchangeParts, Exchanger } from "./exchange.ts";
import { createHttpSource, type Send } from "./http_source.ts";
import { isObjectUrl, locationOf } from "./location.ts";
import { createS3Source } from "./s3_source.ts";
import type { Source, SourceList, SourceRequest, SourceStream } from "./source.ts";
import { type Requester, swarmUserAgent } from "./user_agent.ts";

/** What a source needs. */
export interface SourceParts extends ExchangeParts {
  /** Told to origins, see {@link swarmUserAgent}. */
  readonly role: Requester;
}

/** All that can be asked of origins. */
export type AnySource = Source & SourceStream & SourceList;

/** The origins of all schemes that are served; throws as {@link locationOf} for others. */
export function createSource(parts: SourceParts): AnySource {
  const send = namedSender(parts);
  const s3 = createS3Source(send, parts.clock);
  const http: AnySource = { ...createHttpSource({ send, clock: parts.clock }), list: noDirectories };
  const sourceOf = (request: SourceRequest) => {
    locationOf(request);
    return isObjectUrl(request.url) ? s3 : http;
  };
  return {
    stat: async (request, signal) => await sourceOf(request).stat(request, signal),
    begin: async (request, signal) => await sourceOf(request).begin(request, signal),
    read: async (request, range, content, signal) => await sourceOf(request).read(request, range, content, signal),
    readToEnd: async (request, signal) => await sourceOf(request).readToEnd(request, signal),
    list: async (request, signal) => await sourceOf(request).list(request, signal),
  };
}

function noDirectories(): Promise<never> {
  const text = "Cannot list over HTTP, which has no directories: name files, or use s3://";
  return Promise.reject(new DamselflyError("unimplemented", text));
}

/** Sends requests under a name of our own. */
function namedSender(parts: SourceParts): Send {
  const exchanger = new Exchanger(parts);
  return (method, request, headers, signal) => {
    const userAgent = swarmUserAgent(parts.role, request.headers["user-agent"]);
    return exchanger.send(method, request, { ...headers, "user-agent": userAgent }, signal);
  };
}
