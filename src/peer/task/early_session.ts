import type { PiecePlan } from "../../core/piece.ts";
import { type Control, type PeerEvent, type PeerSession, SMALL_BYTES } from "../control/control.ts";
import type { TaskRequest } from "./task.ts";

/** Whom a registration is for, and what it says. */
export interface Registration {
  readonly taskId: string;
  readonly peerId: string;
  readonly event: PeerEvent & { readonly kind: "register" };
}

/**
 * Opens a session and registers at once, while the caller is still busy with something else. Whoever gets the session
 * registers over it as over any other, and nothing is said twice. Undefined and errors as with {@link Control.openSession};
 * that the message could not be sent is told to whoever registers.
 */
export async function openRegistered(
  control: Pick<Control, "openSession">,
  { taskId, peerId, event }: Registration,
  signal: AbortSignal,
): Promise<PeerSession | undefined> {
  const session = await control.openSession(taskId, peerId, signal);
  if (session === undefined) return undefined;
  const registered = session.send(event, signal);
  registered.catch(() => {}); // and seen by whoever registers
  let isTaken = false;
  return {
    send(event, signal) {
      if (event.kind !== "register" || isTaken) return session.send(event, signal);
      isTaken = true;
      return registered;
    },
    isAlive: () => session.isAlive(),
    nextDecision: (signal) => session.nextDecision(signal),
    [Symbol.asyncDispose]: () => Promise.resolve(session[Symbol.asyncDispose]()),
  };
}

/** Closes a session that nobody needs after all. */
export async function closeUnused(opening: Promise<PeerSession | undefined> | undefined): Promise<void> {
  const session = await opening?.catch(() => undefined);
  await session?.[Symbol.asyncDispose]();
}

/** Whether the swarm would not share a content, and asking only cost time. */
export function isUnshared(
  { taskId, disableBackToSource }: TaskRequest,
  { contentLength }: PiecePlan,
  control: Pick<Control, "sharesSmall">,
): boolean {
  return contentLength <= SMALL_BYTES && !disableBackToSource && !control.sharesSmall(taskId);
}
