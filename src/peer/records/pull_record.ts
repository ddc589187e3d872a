import type { PullEvent, PullParent, PullStory } from "../../core/pull_story.ts";

/** Events of one pull; of more than these those that explain least are only counted. */
export const EVENTS_MAX = 64;
/** Parents of one pull that are told apart. */
export const PARENTS_MAX = 64;
/** Of what others wrote: errors, reasons, names of requesters. */
export const TEXT_CHARACTERS_MAX = 256;

/** What is kept of one pull. Nothing of it is a secret: URLs have neither users nor queries. */
export interface PullRecord extends PullStory {
  readonly taskId: string;
  readonly peerId: string;
  readonly url: string;
  readonly registry: string;
  readonly repository: string;
  /** Empty when the content has none. */
  readonly digest: string;
  readonly application: string;
  /** What the program called itself that asked first, such as `containerd/2.1.0`; empty when it did not say. */
  readonly requester: string;
  /** The scheduler asked for it, as of a seed peer. */
  readonly isTriggered: boolean;
  /** The content was here before it was asked for. */
  readonly isHit: boolean;
  readonly isRunning: boolean;
  /** Wall time. */
  readonly startedAtMs: number;
  /** Since the start; undefined while no byte is here. */
  readonly firstByteMs: number | undefined;
  readonly contentLength: number;
  /** From all parents together. */
  readonly peerBytes: number;
  /** From the disk of this host. */
  readonly localBytes: number;
  readonly droppedEvents: number;
  /** Why it failed; empty when it did not. */
  readonly error: string;
}

/** An event or a parent that may still change. */
export type Open<T> = { -readonly [K in keyof T]: T[K] };
export type OpenParent = Open<PullParent>;
export type { PullEvent };

/** The first words of a text of somebody else. */
export function shortened(text: string): string {
  return text.length <= TEXT_CHARACTERS_MAX ? text : `${text.slice(0, TEXT_CHARACTERS_MAX - 1)}…`;
}
